package journal_test

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

// hooking is a store with a hook of the host in the transaction of every change.
type hooking struct {
	journal.Store
	hook func(journal.Change) error
}

func (s *hooking) refuses(cs ...journal.Change) error {
	for _, c := range cs {
		if err := s.hook(c); err != nil {
			return fmt.Errorf("%w: %w", journal.ErrNotCommitted, &journal.HookError{Entry: c.Entry.ID, Err: err})
		}
	}
	return nil
}

func (s *hooking) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	if err := s.refuses(c); err != nil {
		return err
	}
	return s.Store.Insert(ctx, c, h)
}

func (s *hooking) Apply(ctx context.Context, b journal.Batch) error {
	if err := s.refuses(b.Changes...); err != nil {
		return err
	}
	return s.Store.Apply(ctx, b)
}

var errHost = errors.New("the order is gone")

// newHooked is a desk whose store refuses changes into a status.
func newHooked(t *testing.T, refused map[bankrail.Status]bool) *desk {
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll, Horizon: time.Hour})
	d.book = journal.New(&hooking{d.store, func(c journal.Change) error {
		if refused[c.Entry.Status] {
			return errHost
		}
		return nil
	}}, journal.Config{
		Now: d.clock.Now, AllowVolatile: true,
		Alarm: func(_ context.Context, a journal.Alarm) { d.alarms = append(d.alarms, a) },
	})
	return d
}

func TestHookMayRefuseWhatWasNeverSent(t *testing.T) {
	t.Parallel()
	d := newHooked(t, map[bankrail.Status]bool{bankrail.Processing: true})
	_, err := d.create("R1")
	require.ErrorIs(t, err, journal.ErrHook)
	require.ErrorIs(t, err, errHost, "the host's own words")
	require.NotErrorIs(t, err, bankrail.ErrUnavailable)
	require.Equal(t, bankrail.Failed, d.entry("R1").Status, "no other call's insert can land any more")
	require.Empty(t, d.sends)

	_, err = d.create("R2", func(r *journal.Draft) { r.Queue = true })
	require.NoError(t, err)
	d.work(3)
	require.Equal(t, bankrail.Created, d.entry("R2").Status, "it waits")
	require.Empty(t, d.sends)
	require.Equal(t, journal.AlarmHook, d.alarms[0].Kind)
}

// The bank's news cannot be refused: it is acknowledged, kept, and tried again, and
// what else waits is not held up by it.
func TestHookThatRefusesNews(t *testing.T) {
	t.Parallel()
	refused := map[bankrail.Status]bool{}
	d := newHooked(t, refused)
	_, err := d.create("R1")
	require.NoError(t, err)
	refused[bankrail.Succeeded] = true
	same := func(n *journal.Notice) { n.ID, n.Digest = "N", [32]byte{9} }
	d.hear(said(bankrail.Succeeded, 100), same) // nil: the handler acknowledges it
	d.hear(said(bankrail.Succeeded, 100), same) // a redelivery is nothing new
	require.Equal(t, bankrail.Processing, d.entry("R1").Status)
	require.Equal(t, journal.AlarmHook, d.alarms[0].Kind)
	require.Contains(t, d.alarms[0].Text, errHost.Error())

	for range 3 {
		d.clock.Advance(5 * time.Minute)
		require.NoError(t, d.book.Sweep(t.Context()))
	}
	require.Equal(t, bankrail.Processing, d.entry("R1").Status)
	ps, err := d.store.Pending(t.Context(), journal.PendingQuery{})
	require.NoError(t, err)
	require.Len(t, ps, 1, "one row, moved to the end each time")
	require.True(t, ps[0].Blocked)
	d.clock.Advance(25 * time.Hour)
	require.NoError(t, d.book.Sweep(t.Context()))
	require.Empty(t, d.anomalies(), "it is not news without a number")

	delete(refused, bankrail.Succeeded)
	require.NoError(t, d.book.Sweep(t.Context()))
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)
	ps, err = d.store.Pending(t.Context(), journal.PendingQuery{})
	require.NoError(t, err)
	require.Empty(t, ps)
}

// What the host refuses does not hide what comes after it, however much there is.
func TestHookThatRefusesMoreThanAPageOfNews(t *testing.T) {
	t.Parallel()
	refused := map[bankrail.Status]bool{}
	d := newHooked(t, refused)
	const stuck = 101
	number := func(i int) string { return fmt.Sprintf("R%d", i) }
	for i := range stuck {
		_, err := d.create(number(i), func(r *journal.Draft) { r.Order = number(i) })
		require.NoError(t, err)
	}
	refused[bankrail.Succeeded] = true
	hear := func(i int, s bankrail.Status) {
		d.hear(bankrail.Receipt{Number: number(i), Status: s, Amount: bankrail.CNY(100)})
	}
	for i := range stuck {
		hear(i, bankrail.Succeeded)
	}
	hear(stuck, bankrail.Failed) // not recorded yet: it waits behind them
	d.clock.Advance(25 * time.Hour)
	require.NoError(t, d.book.Sweep(t.Context()))
	require.Equal(t, []journal.AnomalyKind{journal.AnomalyUnmatched}, d.anomalies(), "only that is news without a number")

	// What is tried goes to the end, so the next look begins with what was not.
	delete(refused, bankrail.Succeeded)
	d.clock.Advance(5 * time.Minute)
	require.NoError(t, d.book.Sweep(t.Context()))
	require.Equal(t, bankrail.Succeeded, d.entry(number(stuck-1)).Status, "the one beyond the first page")
}

func TestHookThatRefusesAnAnswer(t *testing.T) {
	t.Parallel()
	no := map[bankrail.Status]bool{bankrail.Succeeded: true, bankrail.Failed: true}
	d := newHooked(t, no)
	d.send = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 100), nil }
	d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 100), nil }
	e, err := d.create("R1")
	require.NoError(t, err, "money moved")
	require.Equal(t, bankrail.Processing, e.Status)
	d.work(3)
	require.Equal(t, bankrail.Processing, d.entry("R1").Status)
	no[bankrail.Succeeded] = false
	d.work(5)
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status, "asked again")
	require.Len(t, d.sends, 1)

	d.send = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, refused }
	e, err = d.create("R2", func(r *journal.Draft) { r.Amount = bankrail.CNY(10) })
	require.NoError(t, err, "a failure that is not recorded is not told")
	require.Equal(t, bankrail.Processing, e.Status)
}
