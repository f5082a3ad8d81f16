package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// Limiter makes calls wait for their turn. *rate.Limiter is one; one that many nodes
// share keeps a merchant within its rate wherever its calls start.
type Limiter interface {
	// Wait returns nil when the call may go, and an error when that would be later
	// than ctx allows; the call is then not sent.
	Wait(ctx context.Context) error
}

// ErrBusy: the call had no turn in time within the rate (Config.Rate, Config.Limiter),
// so nothing was sent. Before the record it means that nothing was recorded either;
// try again later.
var ErrBusy = errors.New("no turn in time within the rate limit")

// limits checks the rate and makes the limiter of the simple way.
func (cfg *Config) limits(bad func(field, problem string)) {
	switch {
	case cfg.Rate < 0 || cfg.Rate > 1_000_000:
		bad("Rate", "want 1 to 1000000 calls per second, or 0 for none")
	case cfg.Burst < 0 || cfg.Burst > 1_000_000:
		bad("Burst", "want 1 to 1000000 calls, or 0 for the default")
	case cfg.Rate == 0 && cfg.Burst > 0:
		bad("Burst", "means nothing without Rate")
	case cfg.Rate > 0 && cfg.Limiter != nil:
		bad("Rate", "want Rate or Limiter, not both")
	case cfg.Rate > 0:
		if cfg.Burst == 0 {
			cfg.Burst = cfg.Rate
		}
		cfg.Limiter = rate.NewLimiter(rate.Limit(cfg.Rate), cfg.Burst)
	}
}

// patience is how long a call may wait for its turn: the rest is for the exchange,
// which must not be cut short because of the queue before it.
func (cfg *Config) patience() time.Duration { return cfg.CallTimeout / 4 }

// turn waits for the call's turn.
func (c *Client) turn(whole *call) error {
	if c.cfg.Limiter == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(whole.ctx, c.cfg.patience())
	defer cancel()
	err := c.cfg.Limiter.Wait(ctx)
	switch {
	case err == nil:
		whole.turned = time.Until(whole.deadline)
		return nil
	case whole.ctx.Err() != nil:
		return context.Cause(whole.ctx) // the caller went, whatever the queue
	}
	return fmt.Errorf("not sent: %w: %w", ErrBusy, err)
}

// crowded reports whether a call that comes now would have no turn in time.
func (c *Client) crowded(ctx context.Context) error {
	switch l := c.cfg.Limiter.(type) {
	case *rate.Limiter:
		r := l.Reserve()
		wait := r.Delay()
		r.Cancel()
		if wait > c.cfg.patience() {
			return fmt.Errorf("not sent: %w", ErrBusy)
		}
	case interface{ Ready(context.Context) error }:
		ctx, cancel := context.WithTimeout(ctx, c.cfg.patience())
		defer cancel()
		if err := l.Ready(ctx); err != nil {
			return fmt.Errorf("not sent: %w: %w", ErrBusy, err)
		}
	}
	return nil
}
