package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/stretchr/testify/require"
)

// query moves no money.
var query = client.Request{Op: bankrail.OpRefund, Number: "R1", Method: http.MethodPost, Path: "/query", Body: []byte(`{}`)}

// cut ends the connection without an answer.
func cut(t *testing.T, w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_ = c.Close()
}

// What counts, told by a breaker that opens at two failures in a row: a failure, the
// call, a failure. It is open after the call if that failed, after the last if the
// call was neither, and never if it was a success.
func TestWhatTheBreakerCounts(t *testing.T) {
	t.Parallel()
	const failure, success, neither = "failure", "success", "neither"
	for name, tc := range map[string]struct {
		answer handler
		set    func(*client.Config)
		call   func(ctx context.Context, c *client.Client) error
		counts string
	}{
		"done":                 {answer: signed(200), counts: success},
		"a declined refund":    {answer: signed(400), counts: success},
		"not found":            {answer: signed(404), counts: success},
		"a rate limit":         {answer: signed(429), counts: success},
		"500, signed":          {answer: signed(500), counts: failure},
		"503, signed":          {answer: signed(503), counts: failure},
		"502 of a proxy":       {answer: unsigned(502), counts: failure},
		"200, unsigned":        {answer: unsigned(200), counts: neither},
		"404, unsigned":        {answer: unsigned(404), counts: neither},
		"a redirect":           {answer: unsigned(302), counts: neither},
		"too large":            {answer: signed(200), set: func(c *client.Config) { c.MaxAnswer = 1 }, counts: neither},
		"too large, and 500":   {answer: signed(500), set: func(c *client.Config) { c.MaxAnswer = 1 }, counts: failure},
		"cut before":           {answer: cutAtOnce, counts: failure},
		"cut in the body":      {answer: cutInBody, counts: failure},
		"no HTTP":              {answer: noHTTP, counts: failure},
		"no connection":        {answer: signed(200), set: func(c *client.Config) { c.BaseURL = "http://127.0.0.1:1" }, counts: failure},
		"no TLS":               {answer: signed(200), set: func(c *client.Config) { c.BaseURL = "https" + c.BaseURL[len("http"):] }, counts: failure},
		"read timeout":         {answer: silent, set: func(c *client.Config) { c.ReadTimeout = 30 * time.Millisecond }, counts: failure},
		"call timeout":         {answer: silent, set: func(c *client.Config) { c.CallTimeout = 30 * time.Millisecond }, counts: failure},
		"signing fails":        {answer: signed(200), set: func(c *client.Config) { c.Dialect = mute }, counts: neither},
		"malformed":            {answer: signed(200), call: malformed, counts: neither},
		"cancelled before":     {answer: signed(200), call: cancelledBefore, counts: neither},
		"cancelled meanwhile":  {answer: silent, call: cancelledMeanwhile, counts: neither},
		"a short deadline":     {answer: silent, call: within(30 * time.Millisecond), counts: neither},
		"a long one, unheeded": {answer: silent, set: func(c *client.Config) { c.CallTimeout = 300 * time.Millisecond }, call: within(290 * time.Millisecond), counts: failure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if r.URL.Path == "/broken" {
					reply(w, 500, "")
					return
				}
				tc.answer(t, w, r)
			})
			cfg := config(s.URL)
			cfg.Breaker = client.Breaker{Failures: 2, OpenFor: time.Hour}
			cfg.Logger = slog.New(slog.DiscardHandler)
			if tc.set != nil {
				tc.set(&cfg)
			}
			do := tc.call
			if do == nil {
				do = func(ctx context.Context, c *client.Client) error { _, err := c.Do(ctx, post); return err }
			}
			c := open(t, cfg)
			fails(t, c)
			require.NoError(t, c.Ready(t.Context()))
			err := do(t.Context(), c)
			if after := c.Ready(t.Context()); tc.counts == failure {
				require.ErrorIs(t, after, client.ErrBreakerOpen, "after %v", err)
				return
			} else {
				require.NoError(t, after, "after %v", err)
			}
			fails(t, c)
			if after := c.Ready(t.Context()); tc.counts == neither {
				require.ErrorIs(t, after, client.ErrBreakerOpen, "after %v", err)
			} else {
				require.NoError(t, after, "after %v", err)
			}
		})
	}
}

// fails makes a call that counts as a failure.
func fails(t *testing.T, c *client.Client) {
	t.Helper()
	r := query
	r.Path = "/broken"
	_, _ = c.Do(t.Context(), r) // a verified 500 is an Answer, and a failure all the same
}

type handler = func(t *testing.T, w http.ResponseWriter, r *http.Request)

func signed(status int) handler {
	return func(_ *testing.T, w http.ResponseWriter, _ *http.Request) { reply(w, status, "four") }
}

func unsigned(status int) handler {
	return func(_ *testing.T, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func silent(_ *testing.T, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func cutAtOnce(t *testing.T, w http.ResponseWriter, _ *http.Request) { cut(t, w) }

func cutInBody(t *testing.T, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Signature", "theirs")
	w.Header().Set("Content-Length", "100")
	_, _ = w.Write([]byte("ten"))
	_ = http.NewResponseController(w).Flush()
	cut(t, w)
}

func noHTTP(t *testing.T, w http.ResponseWriter, _ *http.Request) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n\r\n")
	_ = c.Close()
}

// mute cannot sign refunds.
var mute = dialect{signed: func(r *client.Request) error {
	if r.Path == post.Path {
		return errors.New("the key is away")
	}
	return nil
}}

func malformed(ctx context.Context, c *client.Client) error {
	r := post
	r.Path = "refund"
	_, err := c.Do(ctx, r)
	return err
}

func cancelledBefore(ctx context.Context, c *client.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	_, err := c.Do(ctx, post)
	return err
}

func cancelledMeanwhile(ctx context.Context, c *client.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := c.Do(ctx, post)
	return err
}

func within(d time.Duration) func(context.Context, *client.Client) error {
	return func(ctx context.Context, c *client.Client) error {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		_, err := c.Do(ctx, post)
		return err
	}
}

// stage is a bank without a network, for tests in virtual time.
type stage struct {
	mu     sync.Mutex
	status int           // 0: no connection
	takes  time.Duration // before it answers
	paths  []string
}

var errNoRoute = errors.New("no route to host")

// RoundTrip answers with what the stage is set to.
func (s *stage) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paths = append(s.paths, r.URL.Path)
	if s.takes > 0 {
		time.Sleep(s.takes) // virtual
	}
	if s.status == 0 {
		return nil, errNoRoute
	}
	h := http.Header{"Signature": {"theirs"}}
	return &http.Response{StatusCode: s.status, Header: h, Body: io.NopCloser(bytes.NewReader(nil)), Request: r}, nil
}

func (s *stage) open(t *testing.T, change func(*client.Config)) *client.Client {
	t.Helper()
	cfg := config("http://bank.test")
	cfg.Transport = s
	cfg.Logger = slog.New(slog.DiscardHandler)
	if change != nil {
		change(&cfg)
	}
	return open(t, cfg)
}

func TestTheBreakerOpensAndClosesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &stage{}
		c := s.open(t, func(cfg *client.Config) { cfg.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		for i := range 5 {
			require.NoError(t, c.Ready(t.Context()), "after %d failures", i)
			_, err := c.Do(t.Context(), post)
			require.NotErrorIs(t, err, client.ErrBreakerOpen)
		}
		err := c.Ready(t.Context())
		require.ErrorIs(t, err, client.ErrBreakerOpen)
		require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
		_, err = c.Do(t.Context(), post)
		require.ErrorIs(t, err, client.ErrBreakerOpen)
		require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
		require.Len(t, s.paths, 5, "nothing reached the bank")
		require.Contains(t, log.String(), "state=open")

		_, err = c.Do(t.Context(), query) // settlement goes on
		require.ErrorIs(t, err, errNoRoute)
		require.Len(t, s.paths, 6)

		time.Sleep(31 * time.Second)
		require.NoError(t, c.Ready(t.Context()), "half open")
		_, err = c.Do(t.Context(), query) // the probe fails
		require.ErrorIs(t, err, errNoRoute)
		require.ErrorIs(t, c.Ready(t.Context()), client.ErrBreakerOpen)

		s.status = 200
		_, err = c.Do(t.Context(), query)
		require.NoError(t, err)
		require.ErrorIs(t, c.Ready(t.Context()), client.ErrBreakerOpen, "no probe before its time")
		time.Sleep(31 * time.Second)
		_, err = c.Do(t.Context(), query) // the probe succeeds
		require.NoError(t, err)
		_, err = c.Do(t.Context(), post)
		require.NoError(t, err)
		require.Contains(t, log.String(), "state=closed")
	})
}

func TestOnlyProbesTryAHalfOpenBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{}
		c := s.open(t, func(cfg *client.Config) { cfg.Breaker = client.Breaker{Failures: 1, OpenFor: time.Minute} })
		_, err := c.Do(t.Context(), post)
		require.Error(t, err)
		time.Sleep(61 * time.Second)
		s.status, s.takes = 200, time.Second
		probe := make(chan error, 1)
		go func() { _, err := c.Do(t.Context(), query); probe <- err }()
		synctest.Wait()
		require.ErrorIs(t, c.Ready(t.Context()), client.ErrBreakerOpen, "the probe is under way")
		_, err = c.Do(t.Context(), post)
		require.ErrorIs(t, err, client.ErrBreakerOpen)
		require.NoError(t, <-probe)
		require.NoError(t, c.Ready(t.Context()))
		_, err = c.Do(t.Context(), post)
		require.NoError(t, err)
	})
}

func TestABreakerThatIsOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{}
		c := s.open(t, func(cfg *client.Config) { cfg.Breaker.Off = true })
		for range 50 {
			_, err := c.Do(t.Context(), post)
			require.ErrorIs(t, err, errNoRoute)
		}
		require.NoError(t, c.Ready(t.Context()))
	})
}

// One client is one merchant at one gateway: another one's failures are not its own.
func TestBreakersAreNotShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down, up := &stage{}, &stage{status: 200}
		a, b := down.open(t, nil), up.open(t, nil)
		for range 9 {
			_, _ = a.Do(t.Context(), post)
		}
		require.ErrorIs(t, a.Ready(t.Context()), client.ErrBreakerOpen)
		_, err := b.Do(t.Context(), post)
		require.NoError(t, err)
	})
}

// Retries of one call are one failure.
func TestOneCallIsOneCount(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	url := "http://" + l.Addr().String()
	require.NoError(t, l.Close())
	cfg := config(url)
	cfg.Breaker.Failures = 2
	retries := 0
	cfg.Backoff = func(context.Context, int) error { retries++; return nil }
	cfg.Logger = slog.New(slog.DiscardHandler)
	c := open(t, cfg)
	_, err = c.Do(t.Context(), post)
	require.Error(t, err)
	require.Equal(t, 2, retries)
	require.NoError(t, c.Ready(t.Context()))
	_, err = c.Do(t.Context(), post)
	require.Error(t, err)
	require.ErrorIs(t, c.Ready(t.Context()), client.ErrBreakerOpen)
}

// A dialect that panics leaves no probe behind that never ends.
func TestAPanicFreesItsProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{}
		explode := false
		c := s.open(t, func(cfg *client.Config) {
			cfg.Breaker = client.Breaker{Failures: 1, OpenFor: time.Minute}
			cfg.Dialect = dialect{signed: func(*client.Request) error {
				if explode {
					panic("no key")
				}
				return nil
			}}
		})
		_, err := c.Do(t.Context(), post)
		require.Error(t, err)
		time.Sleep(61 * time.Second)
		explode = true
		require.Panics(t, func() { _, _ = c.Do(t.Context(), post) })
		explode, s.status = false, 200
		_, err = c.Do(t.Context(), post)
		require.NoError(t, err)
	})
}

var _ http.RoundTripper = (*stage)(nil)
