package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/worker"
)

// lifeMark is set in the process that is killed.
const lifeMark = "BANKRAIL_ORDERS_LIFE"

// birth is what a life is told on its standard input: keys are no business of the
// command line.
type birth struct {
	Database database
	Bank     string
	Keys     sandbox.Keys
}

// live is the host's process: it refunds what is not refunded yet and settles what
// is open, until there is neither.
func live(ctx context.Context, stdin io.Reader, stderr io.Writer) int {
	var b birth
	err := json.NewDecoder(stdin).Decode(&b)
	if err == nil {
		err = b.live(ctx, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	}
	if err != nil && ctx.Err() == nil {
		_, _ = fmt.Fprintln(stderr, "orders:", err)
		return exitDiffer
	}
	return exitOK
}

func (b birth) live(ctx context.Context, log *slog.Logger) (err error) {
	s, err := openShop(b.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.db.Close()) }()
	r, err := open(s, b.Bank, b.Keys, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	work, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() {
		worker.Run(work, r.book, worker.Config{Interval: workInterval, SweepInterval: sweepInterval, Logger: log}, r.refunds)
	})
	for ctx.Err() == nil {
		order, amount, err := s.next(ctx)
		if err != nil {
			return err
		}
		if order == "" {
			return settled(ctx, r)
		}
		if err := s.refund(ctx, r, order, amount); err != nil {
			return fmt.Errorf("order %s: %w", order, err)
		}
	}
	return ctx.Err()
}

// settled waits until nothing is open.
func settled(ctx context.Context, r *rail) error {
	for {
		open, _, err := r.book.Reader().List(ctx, journal.ListQuery{OpenOnly: true, Limit: 1})
		if err != nil || len(open) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
