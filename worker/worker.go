// Package worker runs the loops that settle what is open: due entries, the sweep
// every five minutes, and the relay of events.
//
//	go worker.Run(ctx, book, worker.Config{Publisher: bus}, refunds)
//
// Any number of nodes may run one; entries and events are claimed by
// compare-and-swap. The host owns it: Run returns after its ctx ends and what was in
// hand is done.
//
// It is not a job framework: the schedule is a column of the journal, and nothing is
// kept here.
package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/bankrail/bankrail/journal"
)

// Config configures the loops. Its zero value works.
type Config struct {
	// Interval is the pause after a look that found nothing due. Defaults to 1 s.
	Interval time.Duration
	// SweepInterval is the pause between sweeps. Defaults to 5 minutes.
	SweepInterval time.Duration
	// Batch is how many entries or events are claimed at once. Defaults to 64.
	Batch int
	// Parallel is how many entries of one operation are in hand at a time. Defaults to 8.
	Parallel int
	// Publisher gets the events, at least once and in order per entry. Defaults to
	// none: events stay in the journal until one is given.
	Publisher journal.Publisher
	// Logger gets what went wrong. Defaults to slog.Default.
	Logger *slog.Logger
}

// Run looks for due work of the given operations until ctx ends. What is in hand then
// is finished, and nothing new is begun.
//
// Trouble with the store or the publisher is logged and tried again with a pause that
// grows to a minute.
func Run(ctx context.Context, book *journal.Book, cfg Config, drivers ...journal.Driver) {
	cfg = cfg.filled()
	var wg sync.WaitGroup
	for _, d := range drivers {
		wg.Go(func() {
			loop(ctx, cfg, cfg.Interval, string(d.Op()), func() (bool, error) {
				n, err := book.Work(ctx, d, cfg.Batch, cfg.Parallel)
				return n == cfg.Batch, err
			})
		})
	}
	wg.Go(func() {
		loop(ctx, cfg, cfg.SweepInterval, "sweep", func() (bool, error) { return false, book.Sweep(ctx) })
	})
	if cfg.Publisher != nil {
		wg.Go(func() {
			loop(ctx, cfg, cfg.Interval, "relay", func() (bool, error) {
				n, err := book.Relay(ctx, cfg.Publisher, cfg.Batch)
				return n == cfg.Batch, err
			})
		})
	}
	wg.Wait()
}

func (c Config) filled() Config {
	if c.Interval <= 0 {
		c.Interval = time.Second
	}
	if c.SweepInterval <= 0 {
		c.SweepInterval = 5 * time.Minute
	}
	if c.Batch <= 0 {
		c.Batch = 64
	}
	if c.Parallel <= 0 {
		c.Parallel = 8
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// maxPause bounds the pause between failing looks.
const maxPause = time.Minute

// loop calls look again and again: at once while there is more, after pause when
// there is not, after a growing pause when it fails.
func loop(ctx context.Context, cfg Config, pause time.Duration, name string, look func() (more bool, err error)) {
	failures := 0
	for ctx.Err() == nil {
		more, err := look()
		wait := pause
		switch {
		case err != nil && ctx.Err() == nil:
			wait = max(pause, min(maxPause, time.Second<<min(failures, 6)))
			failures++
			cfg.Logger.WarnContext(ctx, "bankrail worker", "loop", name, "err", err, "next", wait)
		case more:
			failures = 0
			continue
		default:
			failures = 0
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
		case <-t.C:
		}
	}
}
