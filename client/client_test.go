package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBadSignature = errors.New("signature does not fit")

// dialect signs with a word and accepts what carries it back.
type dialect struct {
	signed   func(r *client.Request) error
	verified func(a *client.Answer) error
}

var _ client.Dialect = dialect{}

func (d dialect) Sign(_ context.Context, r *client.Request) error {
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Signature", "mine")
	if d.signed != nil {
		return d.signed(r)
	}
	return nil
}

func (d dialect) Verify(_ context.Context, _ *client.Request, a *client.Answer) error {
	if d.verified != nil {
		return d.verified(a)
	}
	if a.Header.Get("Signature") != "theirs" {
		return errBadSignature
	}
	return nil
}

// config is for a server that is close by: short limits, no waiting.
func config(url string) client.Config {
	return client.Config{
		Channel:        bankrail.Channel{Gateway: "testbank", Merchant: "M1"},
		BaseURL:        url,
		Dialect:        dialect{},
		ConnectTimeout: 5 * time.Second,
		Backoff:        func(ctx context.Context, _ int) error { return ctx.Err() },
	}
}

func open(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// serve starts a bank on loopback.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Signature", "theirs")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// post is a refund, the request most tests make.
var post = client.Request{
	Op: bankrail.OpRefund, Number: "R1", Method: http.MethodPost, Path: "/refund",
	Body: []byte(`{"amount":1234}`), MovesMoney: true,
}

func failed(t *testing.T, err error) *bankrail.Error {
	t.Helper()
	var e *bankrail.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "testbank", e.Gateway)
	require.Equal(t, e.Effect, bankrail.EffectOf(err))
	return e
}

func TestDoSendsExactlyWhatWasSigned(t *testing.T) {
	t.Parallel()
	type seen struct {
		method, uri, signature, agent, encoding string
		body                                    string
	}
	got := make(chan seen, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- seen{r.Method, r.RequestURI, r.Header.Get("Signature"), r.UserAgent(), r.Header.Get("Accept-Encoding"), string(b)}
		reply(w, 200, `{"code":"OK"}`)
	})
	cfg := config(s.URL + "/api/")
	cfg.Dialect = dialect{signed: func(r *client.Request) error {
		r.Header["X-Time"][0] = "new"
		r.Body = append(r.Body, '\n') // what Sign leaves there is what goes out
		return nil
	}}
	c := open(t, cfg)
	r := post
	r.Path = "/v3/a%2Fb/(x)?q=%E9&t={1}|2&&"
	r.Header = http.Header{"X-Time": {"old"}}
	a, err := c.Do(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, 200, a.HTTPStatus)
	require.Equal(t, `{"code":"OK"}`, string(a.Body))
	require.Equal(t, seen{"POST", "/api" + r.Path, "mine", "bankrail", "", "{\"amount\":1234}\n"}, <-got)
	require.Equal(t, `{"amount":1234}`, string(post.Body))
	require.Equal(t, http.Header{"X-Time": {"old"}}, r.Header)
}
