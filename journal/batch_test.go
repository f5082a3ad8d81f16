package journal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// lines makes a notice of several facts, as a statement has them.
func lines(rs ...bankrail.Receipt) func(*journal.Notice) {
	return func(n *journal.Notice) {
		n.Source, n.News = journal.SourceStatement, nil
		for _, r := range rs {
			n.News = append(n.News, journal.News{Op: bankrail.OpRefund, Receipt: r})
		}
	}
}

// A statement may hold the success and the bounce of a number that had failed: both
// are of one correction, made and reversed in one commit.
func TestLateSuccessAndItsBounceInOneStatement(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll})
	d.send = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, refused }
	_, err := d.create("R1")
	require.ErrorIs(t, err, bankrail.ErrFailed)
	d.hear(bankrail.Receipt{}, lines(said(bankrail.Succeeded, 100), said(bankrail.Succeeded, 100), said(bankrail.Reversed, 100)))

	id := numbered("R1")
	id.Op = id.Op.Correction()
	late, err := d.book.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, bankrail.Reversed, late.Status)
	require.EqualValues(t, 2, late.Version)
	require.True(t, d.held().IsZero())
}

// News that can never be folded in must not keep the rest waiting.
func TestNewsThatCannotBeFoldedHidesNoOther(t *testing.T) {
	t.Parallel()
	broken := errors.New("budget beyond int64")
	d := newDesk(t, journal.Rules{})
	no := map[string]bool{}
	d.book = journal.New(&hooking{d.store, func(c journal.Change) error {
		if no[c.Entry.Number] {
			return errHost
		}
		return nil
	}}, journal.Config{Now: d.clock.Now, AllowVolatile: true})
	for _, n := range []string{"R1", "R2"} {
		_, err := d.create(n, func(r *journal.Draft) { r.Order = n })
		require.NoError(t, err)
		no[n] = true
		d.hear(bankrail.Receipt{Number: n, Status: bankrail.Succeeded, Amount: bankrail.CNY(100)})
		delete(no, n)
	}
	d.book = journal.New(&refusing{d.store, "R1", broken}, journal.Config{Now: d.clock.Now, AllowVolatile: true})
	d.hear(bankrail.Receipt{Number: "R9", Status: bankrail.Succeeded, Amount: bankrail.CNY(100)})
	d.clock.Advance(25 * time.Hour)
	require.ErrorIs(t, d.book.Sweep(t.Context()), broken)
	require.Equal(t, bankrail.Processing, d.entry("R1").Status)
	require.Equal(t, bankrail.Succeeded, d.entry("R2").Status)
	require.Contains(t, d.anomalies(), journal.AnomalyUnmatched, "of R9")
}

// refusing cannot change one number.
type refusing struct {
	journal.Store
	number string
	err    error
}

func (s *refusing) Apply(ctx context.Context, b journal.Batch) error {
	for _, c := range b.Changes {
		if c.Entry.Number == s.number {
			return errors.Join(journal.ErrNotCommitted, s.err)
		}
	}
	return s.Store.Apply(ctx, b)
}

// Stale news concludes nothing; but the bank once knew the number, and whoever decides
// has to see that.
func TestStaleNewsOfWhatWaitsForAPerson(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	_, err := d.book.Ask(t.Context(), d, numbered("R1"))
	require.NoError(t, err)
	c := d.verdict(absent)
	d.hear(said(bankrail.Succeeded, 100), func(n *journal.Notice) { n.Stale = true })
	_, err = d.book.Decide(t.Context(), d, numbered("R1"), c)
	require.ErrorIs(t, err, journal.ErrLost)
	require.Equal(t, bankrail.Manual, d.entry("R1").Status)
	d.work(2)
	require.Positive(t, d.asks)
	_, err = d.decide(absent)
	require.ErrorContains(t, err, "the bank has known the number")
}

func TestHookThatRefusesStaleNews(t *testing.T) {
	t.Parallel()
	no := map[bankrail.Status]bool{}
	d := newHooked(t, no)
	d.hear(said(bankrail.Succeeded, 100)) // early: Manual without a copy
	_, err := d.create("R1")
	require.NoError(t, err)
	require.NoError(t, d.book.Sweep(t.Context()))
	no[bankrail.Manual] = true
	d.hear(said(bankrail.Failed, 0), func(n *journal.Notice) { n.Stale = true })
	ps, err := d.store.Pending(t.Context(), journal.PendingQuery{})
	require.NoError(t, err)
	require.Empty(t, ps, "or the sweep would conclude from it")
	require.Equal(t, d.clock.Now(), d.entry("R1").NextAt, "the bank is asked")
}

// A person must not fail what the bank has settled, only because the host's hook keeps
// the news back.
func TestDecisionWhileTheHookKeepsNewsBack(t *testing.T) {
	t.Parallel()
	no := map[bankrail.Status]bool{}
	d := newHooked(t, no)
	d.rules = journal.Rules{}
	_, err := d.create("R1")
	require.NoError(t, err)
	d.work(130)
	require.Equal(t, bankrail.Manual, d.entry("R1").Status)
	no[bankrail.Succeeded] = true
	d.hear(said(bankrail.Succeeded, 100))
	var cannot *journal.DecisionError
	_, err = d.decide()
	require.ErrorAs(t, err, &cannot)
	require.Contains(t, cannot.Problem, "succeeded")
	require.Equal(t, bankrail.CNY(100), d.held())
	delete(no, bankrail.Succeeded)
	require.NoError(t, d.book.Sweep(t.Context()))
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)
}

// What the bank has news of is neither sent nor ended while the hook keeps that back.
func TestQueuedWhileTheHookKeepsNewsBack(t *testing.T) {
	t.Parallel()
	no := map[bankrail.Status]bool{bankrail.Manual: true}
	d := newHooked(t, no)
	_, err := d.create("R1", func(r *journal.Draft) { r.Queue, r.SendWithin = true, time.Minute })
	require.NoError(t, err)
	d.hear(said(bankrail.Succeeded, 100))
	d.work(5)
	require.Empty(t, d.sends)
	require.Equal(t, bankrail.Created, d.entry("R1").Status, "its time to be sent is over, but money moved")
	_, err = d.book.Cancel(t.Context(), numbered("R1"), "alice", "not needed")
	var cannot *journal.DecisionError
	require.ErrorAs(t, err, &cannot)
	delete(no, bankrail.Manual)
	require.NoError(t, d.book.Sweep(t.Context()))
	require.Equal(t, journal.CauseEarly, d.entry("R1").Cause)
}

// Old news of a number that was never sent means, as new does, that somebody else sent it.
func TestStaleNewsOfAQueuedNumberStopsIt(t *testing.T) {
	t.Parallel()
	for name, hooked := range map[string]bool{"at once": false, "when the hook lets it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			no := map[bankrail.Status]bool{bankrail.Manual: hooked}
			d := newHooked(t, no)
			_, err := d.create("R1", func(r *journal.Draft) { r.Queue = true })
			require.NoError(t, err)
			d.hear(said(bankrail.Succeeded, 100), func(n *journal.Notice) { n.Stale = true })
			d.work(3)
			require.Empty(t, d.sends)
			no[bankrail.Manual] = false
			require.NoError(t, d.book.Sweep(t.Context()))
			require.Equal(t, journal.CauseEarly, d.entry("R1").Cause)
		})
	}
}

func TestReusedNoticeOfAQueuedNumberStopsIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1", func(r *journal.Draft) { r.Queue = true })
	require.NoError(t, err)
	d.hear(bankrail.Receipt{Number: "R7", Status: bankrail.Succeeded}, func(n *journal.Notice) { n.ID = "N" })
	d.hear(said(bankrail.Succeeded, 100), func(n *journal.Notice) { n.ID = "N" })
	d.work(3)
	require.Empty(t, d.sends)
	require.Equal(t, journal.CauseEarly, d.entry("R1").Cause)
	require.Contains(t, d.anomalies(), journal.AnomalyReused)
	require.Equal(t, []journal.AlarmKind{journal.AlarmManual, journal.AlarmKind(journal.AnomalyReused)}, kinds(d.alarms))
}

func kinds(as []journal.Alarm) (ks []journal.AlarmKind) {
	for _, a := range as {
		ks = append(ks, a.Kind)
	}
	return ks
}
