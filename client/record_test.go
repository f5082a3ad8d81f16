package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
)

// recorder keeps what it is given.
type recorder struct {
	mu  sync.Mutex
	got []bankrail.Exchange
	do  func(ctx context.Context) error
}

var _ bankrail.Recorder = (*recorder)(nil)

func (r *recorder) Record(ctx context.Context, x bankrail.Exchange) error {
	r.mu.Lock()
	r.got = append(r.got, x)
	r.mu.Unlock()
	if r.do != nil {
		return r.do(ctx)
	}
	return nil
}

// mocked is a client over httpmock whose bank answers every POST with resp.
func mocked(status int, header http.Header, body string) (client.Config, *recorder, *bytes.Buffer) {
	tr := httpmock.NewMockTransport()
	tr.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		resp := httpmock.NewStringResponse(status, body)
		resp.Header = header.Clone()
		resp.Request = r
		return resp, nil
	})
	cfg := config("https://bank.example/api")
	rec, log := &recorder{}, &bytes.Buffer{}
	cfg.Transport, cfg.Recorder = tr, rec
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	tick := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	cfg.Now = func() time.Time { tick = tick.Add(time.Second); return tick }
	return cfg, rec, log
}

func TestRecorder(t *testing.T) {
	t.Parallel()
	cfg, rec, log := mocked(422, http.Header{"Signature": {"theirs"}, "Content-Type": {"application/json"}, "Set-Cookie": {"canary-1"}},
		`{"code":"NO", "amount":12345678901234567890.10,"card":{"PIN":"canary-2","n":1e2}}`)
	cfg.Redact = []string{"pin", "x-key"}
	r := post
	r.Path = "/refund?pin=canary-3&q=%E9"
	r.Body = []byte(`{"pin":["canary-4"],"a":1}`)
	r.Header = http.Header{"Authorization": {"canary-5"}, "X-Key": {"canary-6"}, "Cookie": {"canary-7"}, "Proxy-Authorization": {"canary-8"}, "X-Open": {"seen"}}
	a, err := open(t, cfg).Do(t.Context(), r)
	require.NoError(t, err)
	require.Contains(t, string(a.Body), "canary-2", "only the record is redacted")
	hidden := []string{"[redacted]"}
	require.Equal(t, []bankrail.Exchange{{
		Channel: cfg.Channel, Op: bankrail.OpRefund, Number: "R1", Attempt: 1,
		Method: "POST", URL: "https://bank.example/api/refund?pin=%5Bredacted%5D&q=%E9",
		RequestHeader: map[string][]string{"Authorization": hidden, "X-Key": hidden, "Cookie": hidden, "Proxy-Authorization": hidden,
			"X-Open": {"seen"}, "Content-Type": {"application/json"}, "Accept": {"application/json"}, "Signature": {"mine"}, "User-Agent": {"bankrail"}},
		Request:      []byte(`{"pin":"[redacted]","a":1}`),
		HTTPStatus:   422,
		AnswerHeader: map[string][]string{"Signature": {"theirs"}, "Content-Type": {"application/json"}, "Set-Cookie": hidden},
		Answer:       []byte(`{"code":"NO", "amount":12345678901234567890.10,"card":{"PIN":"[redacted]","n":1e2}}`),
		Started:      time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), Took: time.Second,
	}}, rec.got)
	require.Empty(t, log.String())
}

func TestFailedAttemptsAreRecorded(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	cfg := config(nobody(t))
	cfg.Recorder = rec
	_, err := open(t, cfg).Do(t.Context(), post)
	require.Error(t, err)
	require.Len(t, rec.got, 3)
	for i, x := range rec.got {
		require.Equal(t, i+1, x.Attempt)
		require.Equal(t, bankrail.NotSent, x.Effect)
		require.Contains(t, x.Problem, "connection refused")
		require.Equal(t, string(post.Body), string(x.Request))
		require.Zero(t, x.HTTPStatus)
	}

	cfg, rec, _ = mocked(200, nil, "<html>")
	_, err = open(t, cfg).Do(t.Context(), post)
	require.Equal(t, bankrail.Unknown, failed(t, err).Effect)
	require.Len(t, rec.got, 1)
	require.Equal(t, bankrail.Unknown, rec.got[0].Effect)
	require.Equal(t, err.Error(), rec.got[0].Problem)
	require.Equal(t, "<html>", string(rec.got[0].Answer))
}

func TestRecordedBodiesAreBounded(t *testing.T) {
	t.Parallel()
	long := `{"pin":"canary","fill":"` + strings.Repeat("x", 1<<17) + `"}`
	cfg, rec, _ := mocked(200, http.Header{"Signature": {"theirs"}}, long)
	cfg.Redact = []string{"pin"}
	r := post
	r.Body = []byte(strings.ReplaceAll(long, "{", "["))
	_, err := open(t, cfg).Do(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, rec.got[0].Answer, 64<<10)
	require.Contains(t, string(rec.got[0].Answer), `{"pin":"[redacted]"`)
	require.Regexp(t, `^\[131098 bytes, sha256 [0-9a-f]{64}\]$`, string(rec.got[0].Request))
}

func TestRecorderThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do  func(context.Context) error
		log string
	}{
		"error":  {func(context.Context) error { return errors.New("disk full") }, "disk full"},
		"panic":  {func(context.Context) error { panic("nil map") }, "recorder panicked: nil map"},
		"cancel": {func(ctx context.Context) error { return ctx.Err() }, ""},
		"bounded": {func(ctx context.Context) error {
			if _, ok := ctx.Deadline(); !ok {
				return errors.New("no deadline")
			}
			return nil
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, rec, log := mocked(200, http.Header{"Signature": {"theirs"}}, "done")
			rec.do = tc.do
			ctx, cancel := context.WithCancel(t.Context())
			cfg.Dialect = dialect{verified: func(*client.Answer) error { cancel(); return nil }}
			a, err := open(t, cfg).Do(ctx, post)
			require.NoError(t, err)
			require.Equal(t, "done", string(a.Body))
			if tc.log == "" {
				require.Empty(t, log.String())
			} else {
				require.Contains(t, log.String(), tc.log)
				require.Contains(t, log.String(), "number=R1")
			}
		})
	}
}

func TestForeignTransportCountsAsSent(t *testing.T) {
	t.Parallel()
	var calls int
	cfg := config("https://bank.example")
	cfg.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		calls++
		require.Nil(t, r.GetBody)
		b, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, post.Body, b)
		return nil, errors.New("dial tcp: canary")
	})
	_, err := open(t, cfg).Do(t.Context(), post)
	require.Equal(t, bankrail.Unknown, failed(t, err).Effect)
	require.EqualError(t, err, "testbank: refund: unreadable answer")
	require.Equal(t, 1, calls)

	ctx, cancel := context.WithCancel(t.Context())
	cfg.Dialect = dialect{signed: func(*client.Request) error { cancel(); return nil }}
	_, err = open(t, cfg).Do(ctx, post)
	require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, calls)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
