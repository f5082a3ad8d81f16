package client_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/stretchr/testify/require"
)

// deadly is a bank that executes and then, once told to, kills the connection
// instead of answering, but only on one that was used before.
type deadly struct {
	armed    atomic.Bool
	executed atomic.Int32
}

func (d *deadly) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	d.executed.Add(1)
	if d.armed.Load() {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = c.Close()
		}
		return
	}
	reply(w, 200, "done")
}

// TestNetHTTPSendsTwice shows that the bank of this file catches the fault that the
// client is to be free of.
func TestNetHTTPSendsTwice(t *testing.T) {
	t.Parallel()
	d := &deadly{}
	s := httptest.NewServer(d)
	defer s.Close()
	hc := s.Client()
	resp, err := hc.Get(s.URL)
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	d.armed.Store(true)
	resp, err = hc.Get(s.URL)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.Error(t, err)
	require.EqualValues(t, 1+2, d.executed.Load())
}

func TestConnectionThatDiesAfterTheBankExecuted(t *testing.T) {
	t.Parallel()
	get := client.Request{Op: bankrail.OpRefund, Method: http.MethodGet, Path: "/q"}
	moving := get
	moving.MovesMoney = true
	marked := post
	marked.MovesMoney, marked.Header = false, http.Header{"Idempotency-Key": {"1"}}
	empty := post
	empty.Body = nil
	for name, tc := range map[string]struct {
		r      client.Request
		reused bool
	}{
		"POST":                          {post, true},
		"POST without a body":           {empty, true},
		"POST that net/http may replay": {marked, true},
		"GET that asks":                 {get, true},
		"GET that moves money":          {moving, false},
	} {
		for _, secure := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d := &deadly{}
				s := httptest.NewUnstartedServer(d)
				if secure {
					s.StartTLS()
				} else {
					s.Start()
				}
				defer s.Close()
				cfg := config(s.URL)
				if secure {
					cfg.RootCAs = trusted(s.Certificate())
				}
				c := open(t, cfg)
				_, err := c.Do(t.Context(), post)
				require.NoError(t, err)
				d.armed.Store(true)
				var reused []bool
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
					reused = append(reused, i.Reused)
				}})
				_, err = c.Do(ctx, tc.r)
				require.Equal(t, bankrail.Unknown, failed(t, err).Effect)
				require.EqualValues(t, 1+1, d.executed.Load())
				require.Equal(t, tc.reused, reused[0])
			})
		}
	}
}

func TestReplayHeadersAreRefused(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { calls.Add(1); reply(w, 200, "") })
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key", "idempotency-key"} {
		r := post
		r.Header = http.Header{name: {"1"}}
		_, err := open(t, config(s.URL)).Do(t.Context(), r)
		require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
		require.ErrorIs(t, err, bankrail.ErrInvalid)

		cfg := config(s.URL)
		cfg.Dialect = dialect{signed: func(r *client.Request) error { r.Header[name] = nil; return nil }}
		_, err = open(t, cfg).Do(t.Context(), post)
		require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
		require.ErrorIs(t, err, bankrail.ErrInvalid)
	}
	require.Zero(t, calls.Load())
}

// TestIdleConnectionClosedByTheServer has a server close what is idle, before the
// second call and while it begins. The outcome is open; that it is told truly is not.
func TestIdleConnectionClosedByTheServer(t *testing.T) {
	t.Parallel()
	for name, racing := range map[string]bool{"before": false, "meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var executed [100]atomic.Int32 // by the number in the body
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				if i, err := strconv.Atoi(string(b)); err == nil {
					executed[i].Add(1)
				}
				reply(w, 200, "")
			})
			c := open(t, config(s.URL))
			outcomes := map[string]int{}
			told := map[int]error{}
			for i := range 100 {
				for {
					if _, err := c.Do(t.Context(), post); err == nil {
						break
					}
				}
				var wg sync.WaitGroup
				wg.Go(s.CloseClientConnections)
				if !racing {
					wg.Wait()
				}
				r := post
				r.Body = strconv.AppendInt(nil, int64(i), 10)
				_, told[i] = c.Do(t.Context(), r)
				wg.Wait()
			}
			s.Close() // waits for what it has begun
			for i, err := range told {
				n := executed[i].Load()
				switch {
				case err == nil:
					outcomes["answered"]++
					require.EqualValues(t, 1, n)
				case bankrail.EffectOf(err) == bankrail.NotSent:
					outcomes["not sent"]++
					require.Zero(t, n)
				default:
					outcomes["unknown"]++
					require.LessOrEqual(t, n, int32(1))
				}
			}
			t.Log(outcomes)
			if !racing && runtime.GOOS == "linux" { // elsewhere the look at the socket may be missing
				require.Equal(t, map[string]int{"answered": 100}, outcomes)
			}
		})
	}
}

func TestManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		reply(w, 200, string(b))
	})
	c := open(t, config(s.URL))
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 10 {
				ctx, cancel := context.WithCancel(t.Context())
				r := post
				r.Body = []byte{byte(i), byte(j)}
				a, err := c.Do(ctx, r)
				if err != nil {
					t.Error(err)
				} else if string(a.Body) != string(r.Body) {
					t.Error("the answer of another call")
				}
				cancel()
			}
		})
	}
	wg.Wait()
}
