package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

var insertTests = []test{
	{"an entry starts at version 1 with its step and event", func(t *testing.T, s *box) {
		c := to(draft("R1"), bankrail.Processing)
		c.Source, c.Evidence, c.Note = journal.SourceOperator, digest("x"), "asked by phone"
		require.NoError(t, s.Insert(s.ctx, c, journal.Hold{}))
		require.EqualValues(t, 1, s.get(t, idOf("R1")).Version)
		x := s.all(t)
		require.Equal(t, []journal.Step{{
			Version: 1, To: bankrail.Processing, Source: journal.SourceOperator,
			Evidence: digest("x"), Note: "asked by phone", At: begun,
		}}, x.Steps[idOf("R1")])
		require.Equal(t, []journal.Event{{
			ID: "lanhai-test/M1/refund/R1#1", Type: journal.EventProcessing, Entry: idOf("R1"), Version: 1,
			Status: bankrail.Processing, Order: order, Amount: bankrail.CNY(100), At: begun,
		}}, x.Events)
		require.Empty(t, x.Budgets, "the zero Hold reserves nothing")
	}},
	{"a change without an event type writes no event", func(t *testing.T, s *box) {
		c := to(draft("R1"), bankrail.Processing)
		c.Event = ""
		require.NoError(t, s.Insert(s.ctx, c, journal.Hold{}))
		require.Empty(t, s.all(t).Events)
	}},
	{"ErrExists comes before ErrEarly before ErrBudget, and nothing is changed", func(t *testing.T, s *box) {
		over := journal.Hold{Limit: bankrail.CNY(99)}
		s.apply(t, journal.Batch{Pending: []journal.Pending{news("R1", begun), news("R2", begun)}})
		manual := draft("R1")
		manual.Status = bankrail.Manual
		s.insert(t, manual) // so R1 is recorded and has unmatched news
		before := s.all(t)

		require.ErrorIs(t, s.Insert(s.ctx, to(draft("R1"), bankrail.Processing), over), journal.ErrExists)
		require.ErrorIs(t, s.Insert(s.ctx, to(draft("R2"), bankrail.Processing), over), journal.ErrEarly)
		require.ErrorIs(t, s.Insert(s.ctx, to(draft("R3"), bankrail.Processing), over), bankrail.ErrBudget)
		require.Equal(t, before, s.all(t))
	}},
	{"ErrExists whatever the status of the row", func(t *testing.T, s *box) {
		for st := bankrail.Created; st.Valid(); st++ {
			e := draft(st.String())
			e.Status = st
			s.insert(t, e)
			require.ErrorIs(t, s.Insert(s.ctx, to(e, bankrail.Manual), journal.Hold{}), journal.ErrExists)
		}
	}},
	{"unmatched news refuses every status but Manual", func(t *testing.T, s *box) {
		s.apply(t, journal.Batch{Pending: []journal.Pending{news("R1", begun)}})
		for st := bankrail.Created; st.Valid(); st++ {
			if st != bankrail.Manual {
				require.ErrorIs(t, s.Insert(s.ctx, to(draft("R1"), st), journal.Hold{}), journal.ErrEarly, st)
			}
		}
		require.NoError(t, s.Insert(s.ctx, to(draft("R1"), bankrail.Manual), journal.Hold{}))
	}},
	{"news that was flagged still refuses, news that was matched does not", func(t *testing.T, s *box) {
		s.apply(t, journal.Batch{Pending: []journal.Pending{news("R1", begun), news("R1", begun), news("R10", begun)}})
		ps := s.all(t).Pending
		s.apply(t, journal.Batch{Flagged: ps})
		c := to(draft("R1"), bankrail.Processing)
		require.ErrorIs(t, s.Insert(s.ctx, c, journal.Hold{}), journal.ErrEarly)
		s.apply(t, journal.Batch{Matched: ps[:1]})
		require.ErrorIs(t, s.Insert(s.ctx, c, journal.Hold{}), journal.ErrEarly, "one of two is left")
		s.apply(t, journal.Batch{Matched: ps[1:2]})
		require.NoError(t, s.Insert(s.ctx, c, journal.Hold{}))
	}},
	{"of many inserts of one number exactly one wins", func(t *testing.T, s *box) {
		errs := together(32, func(int) error {
			return s.Insert(s.ctx, to(draft("R1"), bankrail.Processing), journal.Hold{Limit: bankrail.CNY(1000)})
		})
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				require.ErrorIs(t, err, journal.ErrExists)
			}
		}
		require.Equal(t, 1, won)
		require.Equal(t, bankrail.CNY(100), s.budget(t).Held)
		require.Len(t, s.all(t).Steps[idOf("R1")], 1)
	}},
}
