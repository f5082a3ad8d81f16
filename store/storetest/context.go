package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

var contextTests = []test{
	{"a context that has ended does nothing and says so", func(t *testing.T, s *box) {
		e := s.due(t, "R1", -time.Second)
		before := s.all(t)
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		for _, err := range []error{
			s.Insert(ctx, to(draft("R2"), bankrail.Processing), journal.Hold{Limit: bankrail.CNY(100)}),
			s.Apply(ctx, journal.Batch{Changes: []journal.Change{to(e, bankrail.Failed)}}),
		} {
			require.ErrorIs(t, err, journal.ErrNotCommitted)
			require.ErrorIs(t, err, context.Canceled)
		}
		calls := map[string]func() error{
			"Get":        func() error { _, err := s.Get(ctx, e.ID); return err },
			"Now":        func() error { _, err := s.Now(ctx); return err },
			"Claim":      func() error { _, err := s.Claim(ctx, refunds(1)); return err },
			"Rouse":      func() error { _, err := s.Rouse(ctx, 0); return err },
			"Pending":    func() error { _, err := s.Pending(ctx, journal.PendingQuery{}); return err },
			"TakeEvents": func() error { _, err := s.TakeEvents(ctx, time.Minute, 1); return err },
			"Published":  func() error { return s.Published(ctx, eventID("R1", 1)) },
			"History":    func() error { _, err := s.History(ctx, e.ID); return err },
			"List":       func() error { _, _, err := s.List(ctx, journal.ListQuery{}); return err },
			"Anomalies":  func() error { _, _, err := s.Anomalies(ctx, "", 1); return err },
			"Budget":     func() error { _, err := s.Budget(ctx, shop, order); return err },
		}
		for name, call := range calls {
			require.ErrorIs(t, call(), context.Canceled, name)
		}
		require.Equal(t, before, s.all(t))
	}},
	{"a context that ends half way leaves all or nothing, and the error is true", func(t *testing.T, s *box) {
		const n = 64
		ctx, cancel := context.WithCancel(s.ctx)
		errs := together(n, func(i int) error {
			if i == n/2 {
				cancel()
			}
			return s.Insert(ctx, to(draft(fmt.Sprint(i)), bankrail.Processing), journal.Hold{Limit: bankrail.CNY(100 * n)})
		})
		cancel()
		recorded := int64(0)
		for i, err := range errs {
			_, missing := s.Get(s.ctx, idOf(fmt.Sprint(i)))
			steps, _ := s.History(s.ctx, idOf(fmt.Sprint(i)))
			if missing == nil {
				recorded++
				require.Len(t, steps, 1)
				require.NotErrorIs(t, err, journal.ErrNotCommitted)
			} else {
				require.Error(t, err)
				require.Empty(t, steps)
			}
		}
		b, err := s.Budget(s.ctx, shop, order)
		if !errors.Is(err, bankrail.ErrNotFound) {
			require.NoError(t, err)
			require.Equal(t, 100*recorded, b.Held.Minor())
		}
	}},
}
