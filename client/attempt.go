package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// call is one Do. Its one timer first bounds the whole and, once a byte went out,
// the exchange: after that byte there is no other attempt.
type call struct {
	parent   context.Context
	ctx      context.Context
	cancel   context.CancelCauseFunc
	deadline time.Time
	turned   time.Duration // what was left when its turn came
	limit    time.Duration // from the first byte out to the last byte in
	timer    *time.Timer
	reading  atomic.Bool
	first    attempt // most calls have no other, which saves an allocation
}

func (c *call) begin(parent context.Context, cfg *Config) {
	c.parent = parent
	c.ctx, c.cancel = context.WithCancelCause(parent)
	c.deadline, c.limit = time.Now().Add(cfg.CallTimeout), cfg.ReadTimeout
	c.turned = cfg.CallTimeout
	c.timer = time.AfterFunc(cfg.CallTimeout, c.expire)
}

func (c *call) end() {
	c.timer.Stop()
	c.cancel(nil)
}

func (c *call) expire() {
	if c.reading.Load() {
		c.cancel(errReadTimeout)
	} else {
		c.cancel(errCallTimeout)
	}
}

func (c *call) exchanging() {
	left := time.Until(c.deadline)
	c.reading.Store(c.limit < left)
	c.timer.Reset(min(c.limit, left))
}

// late reports whether the call is over or past a deadline. The timer behind a
// context runs late in a process that stood still, and the monotonic clock stands
// still in a suspended machine, so deadlines are read by both clocks.
func (c *call) late() error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	now := time.Now()
	if past(now, c.deadline) {
		return errCallTimeout
	}
	if d, ok := c.ctx.Deadline(); ok && past(now, d) {
		return context.DeadlineExceeded
	}
	return nil
}

// leftBy reports whether the caller ended the call before the gateway had its time.
func (c *call) leftBy(cfg *Config) bool {
	d, ok := c.parent.Deadline()
	switch {
	case errors.Is(c.parent.Err(), context.Canceled):
		return true
	case c.parent.Err() == nil && (!ok || time.Until(d) > 0):
		return false
	}
	had := c.turned - time.Until(c.deadline)
	return had < min(cfg.ReadTimeout, cfg.CallTimeout-cfg.CallTimeout/10)
}

func past(now, deadline time.Time) bool {
	return !now.Before(deadline) || !now.Round(0).Before(deadline.Round(0))
}

// attempt is one try to send a request. It decides what may be written, and so
// knows what was.
type attempt struct {
	*call
	n       int
	req     Request
	started time.Time
	answer  Answer
	final   bool  // another attempt would end the same way
	heard   bool  // the answer was read to its end
	why     error // what ended the call while the attempt was under way
	trace   httptrace.ClientTrace

	mu     sync.Mutex
	conn   *conn // the only connection that may carry it; set before the first byte
	reused bool  // the connection taken last has carried others
	over   bool  // nothing may be written any more
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
	err := a.late()
	if err == nil && a.conn != nil && a.conn != c {
		err = errReplay
	}
	if err != nil {
		a.over = true
		a.cancel(err)
		return err
	}
	if a.conn == nil {
		if a.reused && c.peek.stale() {
			return errStale
		}
		a.conn = c
		a.exchanging()
	}
	return nil
}

// end forbids every further write, so that what sent says stays true.
func (a *attempt) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.why = context.Cause(a.ctx)
}

// sent reports whether a byte of the request may have left.
func (a *attempt) sent() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conn != nil
}

// gate is the transport under resty.
type gate struct {
	next http.RoundTripper
	// foreign is set for a transport that is not ours: it dials where nobody can
	// look, so whatever is given to it counts as sent.
	foreign *conn
}

type attemptKey struct{}

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
		return nil, &redirectError{Answer{HTTPStatus: s, Header: resp.Header}}
	}
	return resp, nil
}
