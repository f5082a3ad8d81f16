package client_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

var _ client.Limiter = (*rate.Limiter)(nil)

func TestCallsKeepTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{status: 200}
		c := s.open(t, func(cfg *client.Config) { cfg.Rate, cfg.Burst = 2, 1 })
		start := time.Now()
		for range 5 {
			_, err := c.Do(t.Context(), post)
			require.NoError(t, err)
			_, err = c.Do(t.Context(), query)
			require.NoError(t, err, "queries count too")
		}
		require.Equal(t, 4500*time.Millisecond, time.Since(start).Round(time.Millisecond))
	})
}

func TestACallWithoutATurnIsNotSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		deadline time.Duration // the caller's
		every    time.Duration // of the limiter
		busy     bool
	}{
		"in time":                                 {time.Minute, 4 * time.Second, false},
		"later than the caller allows":            {time.Second, 4 * time.Second, true},
		"later than a quarter of the call's time": {time.Minute, 6 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &stage{status: 200}
				l := rate.NewLimiter(rate.Every(tc.every), 1)
				c := s.open(t, func(cfg *client.Config) { cfg.Limiter = l })
				_, err := c.Do(t.Context(), post)
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), tc.deadline)
				defer cancel()
				if tc.deadline == time.Minute {
					require.Equal(t, tc.busy, c.Ready(ctx) != nil, "told before")
				}
				_, err = c.Do(ctx, post)
				if !tc.busy {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, client.ErrBusy)
				require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
				require.Len(t, s.paths, 1)
				require.NoError(t, context.Cause(ctx), "at once, not at the deadline")
			})
		})
	}
}

// Asking costs no turn, however often.
func TestReadyUsesUpNoTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{status: 200}
		c := s.open(t, func(cfg *client.Config) { cfg.Limiter = rate.NewLimiter(rate.Every(time.Hour), 1) })
		for range 100 {
			require.NoError(t, c.Ready(t.Context()))
		}
		_, err := c.Do(t.Context(), post)
		require.NoError(t, err)
		err = c.Ready(t.Context())
		require.ErrorIs(t, err, client.ErrBusy)
		require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
		time.Sleep(time.Hour)
		require.NoError(t, c.Ready(t.Context()))
	})
}

// bucket is a limiter of another make.
type bucket struct {
	wait  func(context.Context) error
	ready func(context.Context) error
}

func (b *bucket) Wait(ctx context.Context) error { return b.wait(ctx) }

func (b *bucket) Ready(ctx context.Context) error { return b.ready(ctx) }

func TestAnotherLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		errFull := errors.New("bucket is full")
		b := &bucket{wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		b.ready = func(context.Context) error { return errFull }
		s := &stage{status: 200}
		c := s.open(t, func(cfg *client.Config) { cfg.Limiter = b })
		err := c.Ready(t.Context())
		require.ErrorIs(t, err, client.ErrBusy)
		require.ErrorIs(t, err, errFull)

		start := time.Now()
		_, err = c.Do(t.Context(), post)
		require.ErrorIs(t, err, client.ErrBusy)
		require.Equal(t, 5*time.Second, time.Since(start), "a quarter of the call's 20 s")

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = c.Do(ctx, post)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, client.ErrBusy, "the caller went")
		require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
		require.Empty(t, s.paths)
		require.ErrorIs(t, c.Ready(t.Context()), errFull)
	})
}

// No turn is nobody's failure: the breaker of a busy client stays closed.
func TestNoTurnDoesNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{status: 200}
		c := s.open(t, func(cfg *client.Config) { cfg.Limiter = rate.NewLimiter(rate.Every(time.Hour), 1) })
		for i := range 20 {
			_, err := c.Do(t.Context(), post)
			require.Equal(t, i > 0, errors.Is(err, client.ErrBusy))
		}
		require.NotErrorIs(t, c.Ready(t.Context()), client.ErrBreakerOpen)
	})
}

func TestLimitsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	for field, set := range map[string]func(*client.Config){
		"Config.Rate":             func(c *client.Config) { c.Rate = -1 },
		"Config.Burst":            func(c *client.Config) { c.Burst = 3 },
		"Config.Breaker.Failures": func(c *client.Config) { c.Breaker.Failures = -1 },
		"Config.Breaker.OpenFor":  func(c *client.Config) { c.Breaker.OpenFor = -1 },
		"Config.Breaker.Probes":   func(c *client.Config) { c.Breaker.Probes = -1 },
	} {
		cfg := config("http://bank.test")
		set(&cfg)
		_, err := client.New(cfg)
		var f *bankrail.FieldError
		require.ErrorAs(t, err, &f)
		require.Equal(t, field, f.Field)
	}
	cfg := config("http://bank.test")
	cfg.Rate, cfg.Limiter = 1, rate.NewLimiter(1, 1)
	_, err := client.New(cfg)
	require.ErrorContains(t, err, "not both")
}
