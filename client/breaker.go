package client

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/sony/gobreaker/v2"
)

// Breaker says when a gateway counts as down. Its zero value works.
//
// One Do is one count, whatever its retries came to:
//
//   - A failure is no connection (DNS, dial, TLS), a timeout, an exchange that was cut
//     or is no HTTP, and every 5xx, signed or not: most come from a proxy in front.
//   - A success is every other answer that verified: a declined refund, a 4xx and a
//     rate limit come from a gateway that works.
//   - Neither is a call that its caller ended, one that could not be signed or had no
//     turn (see Config.Rate), and any other answer that does not verify, is too large
//     or a redirect: whoever can forge one must not open or close the breaker with it.
//
// A caller's deadline is the caller's, unless the gateway had the ReadTimeout, or nine
// tenths of the CallTimeout, until then.
//
// An open breaker refuses requests with MovesMoney only, with ErrBreakerOpen. Queries
// pass, so that what is open is settled as soon as the gateway is back, and they are
// the probes that find that out.
type Breaker struct {
	// Off switches it off. Defaults to false.
	Off bool
	// Failures is how many calls in a row open it. Defaults to 5.
	Failures int
	// OpenFor is how long it stays open before it lets probes through. Defaults to 30 s.
	OpenFor time.Duration
	// Probes is how many calls may try an open breaker after OpenFor, and how many must
	// succeed in a row to close it; a failure opens it again. Defaults to 1.
	Probes int
}

// ErrBreakerOpen: the gateway counts as down, so nothing was sent. Before the record
// it means that nothing was recorded either; try again later.
var ErrBreakerOpen = errors.New("the breaker is open: the gateway failed too often of late")

// errFaulty and errNeutral are what the breaker is told of a call.
var (
	errFaulty  = errors.New("faulty")
	errNeutral = errors.New("neutral")
)

// breaker is gobreaker, with its changes kept until they can be told: it reports
// them under its lock.
type breaker struct {
	*gobreaker.CircuitBreaker[struct{}]
	probes  uint32
	changed atomic.Int32 // 1 + the state that was not told yet
}

// check fills the defaults in.
func (b Breaker) check(bad func(field, problem string)) Breaker {
	if b.Failures < 0 || b.Failures > 1<<20 {
		bad("Breaker.Failures", "want 1 or more, or 0 for the default")
	} else if b.Failures == 0 {
		b.Failures = 5
	}
	if b.OpenFor < 0 {
		bad("Breaker.OpenFor", "want a positive duration, or 0 for the default")
	} else if b.OpenFor == 0 {
		b.OpenFor = 30 * time.Second
	}
	if b.Probes < 0 || b.Probes > 1<<20 {
		bad("Breaker.Probes", "want 1 or more, or 0 for the default")
	} else if b.Probes == 0 {
		b.Probes = 1
	}
	return b
}

// open makes the breaker of one client; nil where it is off.
func (b Breaker) open() *breaker {
	if b.Off {
		return nil
	}
	out := &breaker{probes: uint32(b.Probes)} //nolint:gosec // checked
	out.CircuitBreaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:   out.probes,
		Timeout:       b.OpenFor,
		ReadyToTrip:   func(c gobreaker.Counts) bool { return uint64(c.ConsecutiveFailures) >= uint64(b.Failures) }, //nolint:gosec // checked
		IsExcluded:    func(err error) bool { return err != nil && err != errFaulty },
		OnStateChange: func(_ string, _, to gobreaker.State) { out.changed.Store(1 + int32(to)) }, //nolint:gosec // 0 to 2
	})
	return out
}

// guarded makes the call under the breaker.
func (c *Client) guarded(whole *call, r *Request) (answer *Answer, err error) {
	if c.breaker == nil {
		answer, _, err = c.attempts(whole, r)
		return answer, err
	}
	asked := false
	_, refusal := c.breaker.Execute(func() (struct{}, error) {
		var last *attempt
		asked = true
		answer, last, err = c.attempts(whole, r)
		return struct{}{}, c.verdict(whole, last, err)
	})
	c.breaker.tell(whole.ctx, &c.cfg)
	switch {
	case asked:
		return answer, err
	case r.MovesMoney:
		return nil, c.fail(r, nil, refused(refusal))
	}
	answer, _, err = c.attempts(whole, r)
	return answer, err
}

// verdict is what a call says about the gateway: nil, errFaulty or errNeutral.
func (c *Client) verdict(whole *call, a *attempt, err error) error {
	switch {
	case a.answer.HTTPStatus >= 500:
		return errFaulty
	case err == nil:
		return nil
	case whole.leftBy(&c.cfg), a.final, a.heard, noAnswer(err):
		return errNeutral
	}
	return errFaulty
}

// noAnswer reports whether something came that says nothing of the gateway's health.
func noAnswer(err error) bool {
	var redirect *redirectError
	return errors.Is(err, errTooLarge) || errors.As(err, &redirect)
}

// refused keeps gobreaker's word for it (open, or probes under way).
func refused(err error) error { return fmt.Errorf("not sent: %w (%w)", ErrBreakerOpen, err) }

// full reports whether a request that moves money would be refused now.
func (b *breaker) full() error {
	switch b.State() {
	case gobreaker.StateOpen:
		return refused(gobreaker.ErrOpenState)
	case gobreaker.StateHalfOpen:
		if n := b.Counts(); n.Requests-min(n.Requests, n.TotalExclusions) >= b.probes {
			return refused(gobreaker.ErrTooManyRequests)
		}
	}
	return nil
}

// tell logs the last change, outside the breaker's lock.
func (b *breaker) tell(ctx context.Context, cfg *Config) {
	if n := b.changed.Swap(0); n != 0 {
		cfg.Logger.WarnContext(ctx, "client: breaker changed", "channel", cfg.Channel.String(), "state", gobreaker.State(n-1).String())
	}
}

// Ready reports whether a request that moves money would be let go now, by the
// breaker and by the rate; it sends nothing and uses up no turn. Operations ask it
// before they record, so that a refusal leaves no row behind.
//
// A Config.Limiter is asked only where it is a *rate.Limiter or has a method
// Ready(context.Context) error; of another one only Do learns that it is full.
//
// Errors: *bankrail.Error with Effect NotSent, and ErrBreakerOpen or ErrBusy.
func (c *Client) Ready(ctx context.Context) error {
	var err error
	if c.breaker != nil {
		err = c.breaker.full()
		c.breaker.tell(ctx, &c.cfg)
	}
	if err == nil {
		err = c.crowded(ctx)
	}
	if err != nil {
		return &bankrail.Error{Gateway: c.cfg.Channel.Gateway, Effect: bankrail.NotSent, Err: err}
	}
	return nil
}
