package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

var applyTests = []test{
	{"a change makes the next version with its step and event", func(t *testing.T, s *box) {
		e := s.insert(t, draft("R1"))
		e.Settled = bankrail.CNY(99)
		c := to(e, bankrail.Succeeded)
		c.Source, c.Evidence, c.Note, c.At = journal.SourceQuery, digest("x"), "n", begun.Add(time.Second)
		s.apply(t, journal.Batch{Changes: []journal.Change{c}})
		e.Version, e.Status = 2, bankrail.Succeeded
		require.Equal(t, e, s.get(t, e.ID))
		steps := s.all(t).Steps[e.ID]
		require.Len(t, steps, 2)
		require.Equal(t, journal.Step{
			Version: 2, From: bankrail.Processing, To: bankrail.Succeeded, Source: journal.SourceQuery,
			Evidence: digest("x"), Note: "n", At: begun.Add(time.Second),
		}, steps[1])
		require.NoError(t, s.Published(s.ctx, e.ID.String()+"#1"))
		require.Equal(t, []journal.Event{{
			ID: e.ID.String() + "#2", Type: journal.EventSucceeded, Entry: e.ID, Version: 2, Status: bankrail.Succeeded,
			Order: order, Amount: bankrail.CNY(100), Settled: bankrail.CNY(99), At: begun.Add(time.Second),
		}}, s.all(t).Events)
	}},
	{"ErrLost for every version but the current one", func(t *testing.T, s *box) {
		e := s.insert(t, draft("R1"))
		s.apply(t, journal.Batch{Changes: []journal.Change{to(e, bankrail.Manual)}})
		before := s.all(t)
		for _, v := range []int64{-1, 0, 1, 3, 4} {
			e.Version = v
			err := s.Apply(s.ctx, journal.Batch{Changes: []journal.Change{to(e, bankrail.Failed)}})
			require.ErrorIs(t, err, journal.ErrLost, "version %d", v)
		}
		require.Equal(t, before, s.all(t))
	}},
	{"ErrLost for a change of a number that is not recorded", func(t *testing.T, s *box) {
		e := draft("R1")
		e.Version = 1
		require.ErrorIs(t, s.Apply(s.ctx, journal.Batch{Changes: []journal.Change{to(e, bankrail.Failed)}}), journal.ErrLost)
		require.Empty(t, s.all(t).Entries)
	}},
	{"version 0 inserts, as corrections are", func(t *testing.T, s *box) {
		e := draft("R1")
		e.ID.Op, e.Of, e.Status = bankrail.OpRefund.Correction(), idOf("R1"), bankrail.Succeeded
		c := to(e, bankrail.Succeeded)
		c.Charge, c.Stop = bankrail.CNY(100), true
		s.apply(t, journal.Batch{Changes: []journal.Change{c}})
		got := s.get(t, e.ID)
		require.EqualValues(t, 1, got.Version)
		require.Equal(t, idOf("R1"), got.Of)
		require.Equal(t, journal.Budget{Held: bankrail.CNY(100), Stopped: true}, s.budget(t))
		require.Len(t, s.all(t).Steps[e.ID], 1)
		require.ErrorIs(t, s.Apply(s.ctx, journal.Batch{Changes: []journal.Change{c}}), journal.ErrLost)
		require.Equal(t, bankrail.CNY(100), s.budget(t).Held)
	}},
	{"two changes of one entry in one batch have rising versions", func(t *testing.T, s *box) {
		e := s.insert(t, draft("R1"))
		one, two := to(e, bankrail.Succeeded), to(e, bankrail.Reversed)
		two.From, two.Entry.Version, two.Charge = bankrail.Succeeded, 2, bankrail.CNY(-100)
		s.apply(t, journal.Batch{Changes: []journal.Change{one, two}})
		got := s.get(t, e.ID)
		require.EqualValues(t, 3, got.Version)
		require.Equal(t, bankrail.Reversed, got.Status)
		steps := s.all(t).Steps[e.ID]
		require.Len(t, steps, 3)
		require.Equal(t, bankrail.Succeeded, steps[1].To)
		require.Equal(t, bankrail.Reversed, steps[2].To)
	}},
	{"a batch whose second change is lost leaves nothing", func(t *testing.T, s *box) {
		e, other := s.insert(t, draft("R1")), s.insert(t, draft("R2"))
		s.apply(t, journal.Batch{Pending: []journal.Pending{news("R9", begun)}})
		before := s.all(t)
		good, lost := to(e, bankrail.Succeeded), to(other, bankrail.Succeeded)
		good.Charge, good.Stop = bankrail.CNY(5), true
		fresh := to(draft("R3"), bankrail.Manual)
		lost.Entry.Version = 7
		notice := journal.Notice{Channel: shop, ID: "N1", Digest: digest("N1"), At: begun}
		b := journal.Batch{
			Notice: &notice, Pending: []journal.Pending{news("R8", begun)},
			Changes: []journal.Change{good, fresh, lost}, Wake: []bankrail.ID{other.ID}, Matched: before.Pending,
			Anomalies: []journal.Anomaly{{Kind: journal.AnomalyAmount, Entry: e.ID, At: begun}},
		}
		require.ErrorIs(t, s.Apply(s.ctx, b), journal.ErrLost)
		require.Equal(t, before, s.all(t))
		b.Changes[2].Entry.Version = 1
		s.apply(t, b) // the notice was not taken for seen
		require.Equal(t, []journal.Pending{pendingOf(t, s, "R8")}, s.all(t).Pending)
	}},
	{"of many changes of one version exactly one wins", func(t *testing.T, s *box) {
		e := s.insert(t, draft("R1"))
		for round := range 5 {
			errs := together(16, func(i int) error {
				c := to(e, bankrail.Processing)
				c.Entry.Message, c.Charge = fmt.Sprint(i), bankrail.CNY(1)
				return s.Apply(s.ctx, journal.Batch{Changes: []journal.Change{c}})
			})
			winner := -1
			for i, err := range errs {
				if err == nil {
					require.Equal(t, -1, winner, "two winners")
					winner = i
				} else {
					require.ErrorIs(t, err, journal.ErrLost)
				}
			}
			e = s.get(t, e.ID)
			require.Equal(t, fmt.Sprint(winner), e.Message)
			require.EqualValues(t, round+2, e.Version)
			require.Equal(t, bankrail.CNY(int64(round+1)), s.budget(t).Held)
		}
		for i, step := range s.all(t).Steps[e.ID] {
			require.EqualValues(t, i+1, step.Version, "history is gapless")
		}
	}},
	{"Wake makes entries due now, whatever their version, unless they are final", func(t *testing.T, s *box) {
		later, never, due, final := draft("later"), draft("never"), draft("due"), draft("final")
		later.NextAt, due.NextAt, final.NextAt = begun.Add(time.Hour), begun.Add(-time.Hour), begun.Add(time.Hour)
		final.Status = bankrail.Succeeded
		var want []journal.Entry
		for _, e := range []journal.Entry{later, never, due, final} {
			want = append(want, s.insert(t, e))
		}
		s.apply(t, journal.Batch{Wake: []bankrail.ID{later.ID, never.ID, due.ID, final.ID, idOf("unknown")}})
		want[0].NextAt, want[1].NextAt = begun, begun
		require.Equal(t, want, s.all(t).Entries, "nothing but NextAt changes, and what is due stays as it is")
	}},
	{"an empty batch does nothing", func(t *testing.T, s *box) {
		s.apply(t, journal.Batch{})
		require.Empty(t, s.all(t).Entries)
	}},
}
