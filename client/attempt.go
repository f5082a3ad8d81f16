package client

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// attempt is one try to send a request. It decides what may be written, and so
// knows what was.
type attempt struct {
	n       int
	limit   time.Duration // from the first byte out to the last byte in
	started time.Time
	answer  Answer
	final   bool // another attempt would end the same way

	ctx    context.Context
	cancel context.CancelCauseFunc
	why    error // what ended ctx while the attempt was under way

	mu     sync.Mutex
	conn   *conn // the only connection that may carry it; set before the first byte
	reused bool  // the connection taken last has carried others
	over   bool  // nothing may be written any more
	timer  *time.Timer
}

type attemptKey struct{}

// begin returns the context of the attempt, under which the transport tells which
// connection it took.
func (a *attempt) begin(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	a.ctx, a.cancel = ctx, cancel
	ctx = context.WithValue(ctx, attemptKey{}, a)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: a.took})
}

// took puts the attempt in charge of a connection's writes.
func (a *attempt) took(i httptrace.GotConnInfo) {
	if c, ok := i.Conn.(*conn); ok {
		a.mu.Lock()
		a.reused = i.Reused
		a.mu.Unlock()
		c.attempt.Store(a)
	}
}

// admit is asked before every write, at the last moment, and refuses what must not
// leave: after the end, after the deadline, or on a second connection when the
// first one carried something. On a kept connection that is dead already it writes
// nothing, and the transport may take another.
func (a *attempt) admit(c *conn) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return errOver
	}
	if err := late(a.ctx); err != nil {
		a.over = true
		a.cancel(err)
		return err
	}
	if a.conn != nil && a.conn != c {
		a.over = true
		a.cancel(errReplay)
		return errReplay
	}
	if a.conn == nil {
		if a.reused && stale(c.raw) {
			return errStale
		}
		a.conn = c
		a.timer = time.AfterFunc(a.limit, a.expire)
	}
	return nil
}

func (a *attempt) expire() { a.cancel(errReadTimeout) }

// end forbids every further write, so that what sent says stays true.
func (a *attempt) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	if a.timer != nil {
		a.timer.Stop()
	}
	a.why = context.Cause(a.ctx)
	a.cancel(nil)
}

// sent reports whether a byte of the request may have left.
func (a *attempt) sent() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conn != nil
}

// late reports whether the context is done or past its deadline. The timer behind
// a context runs late in a process that stood still, and the monotonic clock
// stands still in a suspended machine, so the deadline is read by both clocks.
func late(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	d, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	now := time.Now()
	if now.Before(d) && now.Round(0).Before(d.Round(0)) {
		return nil
	}
	return context.DeadlineExceeded
}

// gate is the transport under resty.
type gate struct {
	next http.RoundTripper
	// foreign is set for a transport that is not ours: it dials where nobody can
	// look, so whatever is given to it counts as sent.
	foreign *conn
}

// RoundTrip sends one request once.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if g.foreign != nil {
		r.GetBody = nil // what cannot be rewound is not sent again
		a := r.Context().Value(attemptKey{}).(*attempt)
		if err := a.admit(g.foreign); err != nil {
			if r.Body != nil {
				_ = r.Body.Close()
			}
			return nil, err
		}
	}
	resp, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if s := resp.StatusCode; s < 200 || s >= 300 && s < 400 {
		// Refused here, because http.Client quotes Location in its errors.
		_ = resp.Body.Close()
		a := r.Context().Value(attemptKey{}).(*attempt)
		a.answer.HTTPStatus, a.answer.Header = s, resp.Header
		return nil, errRedirect
	}
	return resp, nil
}
