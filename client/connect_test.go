package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/stretchr/testify/require"
)

// nobody is an address where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String()
}

func TestRefusedDialIsRepeatedAndNotSent(t *testing.T) {
	t.Parallel()
	for retries, attempts := range map[int]int{-1: 1, 1: 2, 0: 3, 2: 3} {
		var signed, waited []int
		cfg := config(nobody(t))
		cfg.Retries = retries
		cfg.Dialect = dialect{signed: func(r *client.Request) error {
			require.Equal(t, post.Body, r.Body, "each attempt starts from what the caller gave")
			require.Empty(t, r.Header.Get("Attempt"))
			r.Header.Set("Attempt", "seen")
			r.Body[0] = 'x'
			signed = append(signed, len(signed)+1)
			return nil
		}}
		cfg.Backoff = func(_ context.Context, retry int) error { waited = append(waited, retry); return nil }
		_, err := open(t, cfg).Do(t.Context(), post)
		require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.ErrorContains(t, err, "testbank: refund: not sent: dial tcp 127.0.0.1:")
		require.Len(t, signed, attempts)
		require.Len(t, waited, attempts-1)
	}
	require.Equal(t, `{"amount":1234}`, string(post.Body))
}

func TestBackoffEndsTheCall(t *testing.T) {
	t.Parallel()
	var signed int
	cfg := config(nobody(t))
	cfg.Dialect = dialect{signed: func(*client.Request) error { signed++; return nil }}
	cfg.Backoff = func(context.Context, int) error { return errors.New("no time left") }
	_, err := open(t, cfg).Do(t.Context(), post)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.Equal(t, 1, signed)
}

func TestUsualBackoff(t *testing.T) {
	t.Parallel()
	url := nobody(t)
	synctest.Test(t, func(t *testing.T) {
		cfg := config(url)
		cfg.Backoff = nil
		c, err := client.New(cfg)
		require.NoError(t, err)
		defer c.Close()
		began := time.Now()
		_, err = c.Do(t.Context(), post)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		took := time.Since(began)
		require.GreaterOrEqual(t, took, 300*time.Millisecond)
		require.Less(t, took, 600*time.Millisecond)

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began = time.Now()
		_, err = c.Do(ctx, post)
		require.Equal(t, bankrail.NotSent, bankrail.EffectOf(err))
		require.Equal(t, 50*time.Millisecond, time.Since(began), "a wait ends with the context")
	})
}

func TestSigningFails(t *testing.T) {
	t.Parallel()
	problem := errors.New("no key")
	var signed int
	cfg := config(nobody(t))
	cfg.Dialect = dialect{signed: func(*client.Request) error { signed++; return problem }}
	_, err := open(t, cfg).Do(t.Context(), post)
	require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
	require.ErrorIs(t, err, problem)
	require.EqualError(t, err, "testbank: refund: not sent: signing failed: no key")
	require.Equal(t, 1, signed)
}

func TestCancelledBefore(t *testing.T) {
	t.Parallel()
	var signed int
	cfg := config(nobody(t))
	cfg.Dialect = dialect{signed: func(*client.Request) error { signed++; return nil }}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := open(t, cfg).Do(ctx, post)
	require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, signed)
}

func TestCancelledWhileConnecting(t *testing.T) {
	t.Parallel()
	// The listener's queue takes the connection; the TLS handshake is never answered.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{ConnectDone: func(string, string, error) { cancel() }})
	_, err = open(t, config("https://"+l.Addr().String())).Do(ctx, post)
	require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
	require.ErrorIs(t, err, context.Canceled)

	cfg := config("https://" + l.Addr().String())
	cfg.ConnectTimeout, cfg.Retries = 30*time.Millisecond, -1
	_, err = open(t, cfg).Do(t.Context(), post)
	require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
	require.EqualError(t, err, "testbank: refund: not sent: no connection within the connect timeout: context deadline exceeded")

	cfg.ConnectTimeout, cfg.CallTimeout = time.Minute, 30*time.Millisecond
	_, err = open(t, cfg).Do(t.Context(), post)
	require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
	require.EqualError(t, err, "testbank: refund: not sent: call timeout: context deadline exceeded")
}

func TestCancelledDuring(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the caller went
		calls.Add(1)
		cancel()
		<-r.Context().Done()
	})
	_, err := open(t, config(s.URL)).Do(ctx, post)
	require.Equal(t, bankrail.Unknown, failed(t, err).Effect)
	require.EqualError(t, err, "testbank: refund: context canceled")
	require.EqualValues(t, 1, calls.Load())
}

// stalled is a context whose deadline passes without its timer saying so, as in a
// process that was stopped and goes on.
type stalled struct {
	context.Context
	deadline time.Time
}

func (s stalled) Deadline() (time.Time, bool) { return s.deadline, true }

func TestNothingIsWrittenAfterAStall(t *testing.T) {
	t.Parallel()
	for name, reused := range map[string]bool{"new connection": false, "kept connection": true} {
		for what, withTimer := range map[string]bool{"context done": true, "deadline past, timer late": false} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				var calls atomic.Int32
				s := serve(t, func(w http.ResponseWriter, _ *http.Request) { calls.Add(1); reply(w, 200, "") })
				c := open(t, config(s.URL))
				if reused {
					_, err := c.Do(t.Context(), post)
					require.NoError(t, err)
					calls.Store(0)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				deadline := time.Now().Add(50 * time.Millisecond)
				late := time.NewTimer(50 * time.Millisecond)
				defer late.Stop()
				var got []bool
				ctx = httptrace.WithClientTrace(stalled{ctx, deadline}, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
					got = append(got, i.Reused)
					if withTimer {
						cancel()
					} else {
						<-late.C
					}
				}})
				_, err := c.Do(ctx, post)
				require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
				require.Equal(t, []bool{reused}, got, "not tried again either")
				s.Close() // waits for what it has begun
				require.Zero(t, calls.Load())
			})
		}
	}
}
