package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// due inserts an entry whose NextAt is begun+after.
func (s *box) due(t *testing.T, number string, after time.Duration) journal.Entry {
	t.Helper()
	e := draft(number)
	e.NextAt = begun.Add(after)
	return s.insert(t, e)
}

// refunds asks for due refunds, leased for a minute.
func refunds(limit int) journal.ClaimQuery {
	return journal.ClaimQuery{Op: bankrail.OpRefund, Lease: time.Minute, Limit: limit}
}

func (s *box) claim(t *testing.T, q journal.ClaimQuery) []string {
	t.Helper()
	es, err := s.Claim(s.ctx, q)
	require.NoError(t, err)
	var ns []string
	for _, e := range es {
		ns = append(ns, e.Number)
	}
	return ns
}

var queueTests = []test{
	{"Claim takes what is due of its operation, earliest first, up to the limit", func(t *testing.T, s *box) {
		s.due(t, "c", -time.Second)
		s.due(t, "a", -3*time.Second)
		s.due(t, "b", -2*time.Second)
		s.due(t, "now", 0)
		s.due(t, "later", time.Millisecond)
		s.insert(t, draft("never"))
		other := draft("other")
		other.ID.Op, other.NextAt = "payment", begun.Add(-time.Hour)
		s.insert(t, other)
		require.Equal(t, []string{"a", "b"}, s.claim(t, refunds(2)))
		require.Equal(t, []string{"c", "now"}, s.claim(t, refunds(10)))
		require.Empty(t, s.claim(t, refunds(10)))
		require.Empty(t, s.claim(t, refunds(0)))
		require.Equal(t, begun.Add(-time.Hour), s.get(t, other.ID).NextAt)
	}},
	{"Claim of a channel leaves the others", func(t *testing.T, s *box) {
		s.due(t, "a", -2*time.Second)
		other := draft("b")
		other.Merchant, other.NextAt = "M2", begun.Add(-time.Second)
		s.insert(t, other)
		q := refunds(10)
		q.Channel = other.Channel
		require.Equal(t, []string{"b"}, s.claim(t, q))
		q.Channel = bankrail.Channel{Gateway: "other", Merchant: "M1"}
		require.Empty(t, s.claim(t, q))
		require.Equal(t, []string{"a"}, s.claim(t, refunds(10)))
	}},
	{"Claim moves NextAt to the end of the lease and leaves the version", func(t *testing.T, s *box) {
		want := s.due(t, "R1", 0)
		es, err := s.Claim(s.ctx, refunds(1))
		require.NoError(t, err)
		want.NextAt = begun.Add(time.Minute)
		require.Equal(t, []journal.Entry{want}, es)
		require.Equal(t, want, s.get(t, want.ID))
		require.Len(t, s.all(t).Steps[want.ID], 1)
	}},
	{"a claim comes back when its lease has ended, not before", func(t *testing.T, s *box) {
		s.due(t, "R1", 0)
		require.Equal(t, []string{"R1"}, s.claim(t, refunds(1)))
		s.pass(time.Minute - time.Millisecond)
		require.Empty(t, s.claim(t, refunds(1)))
		s.pass(time.Millisecond)
		require.Equal(t, []string{"R1"}, s.claim(t, refunds(1)))
		require.Empty(t, s.claim(t, refunds(1)))
	}},
	{"a change ends a claim", func(t *testing.T, s *box) {
		s.due(t, "R1", 0)
		es, err := s.Claim(s.ctx, refunds(1))
		require.NoError(t, err)
		es[0].NextAt = time.Time{}
		s.apply(t, journal.Batch{Changes: []journal.Change{to(es[0], bankrail.Succeeded)}})
		s.pass(time.Hour)
		require.Empty(t, s.claim(t, refunds(1)))
	}},
	{"no two callers claim one entry", func(t *testing.T, s *box) {
		const entries = 60
		for i := range entries {
			s.due(t, fmt.Sprint(i), -time.Second)
		}
		var mu sync.Mutex
		seen := map[string]int{}
		errs := together(8, func(int) error {
			for range entries { // a store that hands out for ever must not hang the test
				es, err := s.Claim(s.ctx, refunds(7))
				if err != nil {
					return err
				}
				if len(es) == 0 {
					return nil
				}
				mu.Lock()
				for _, e := range es {
					seen[e.Number]++
				}
				mu.Unlock()
			}
			return nil
		})
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.Len(t, seen, entries)
		for n, times := range seen {
			require.Equal(t, 1, times, "entry %s", n)
		}
	}},
	{"Rouse makes due what is never due or too late, if it is Created or Processing", func(t *testing.T, s *box) {
		for st := bankrail.Created; st.Valid(); st++ {
			never, late := draft("never "+st.String()), draft("late "+st.String())
			never.Status, late.Status = st, st
			late.NextAt = begun.Add(time.Hour + time.Millisecond)
			s.insert(t, never)
			s.insert(t, late)
		}
		s.due(t, "soon", time.Hour)
		s.due(t, "overdue", -time.Hour)
		n, err := s.Rouse(s.ctx, time.Hour)
		require.NoError(t, err)
		require.Equal(t, 4, n)
		require.Equal(t, []string{"overdue", "never created", "late created", "never processing", "late processing"},
			s.claim(t, refunds(10)))
		e := s.get(t, idOf("never processing"))
		require.EqualValues(t, 1, e.Version)
		require.True(t, s.get(t, idOf("never manual")).NextAt.IsZero())
		require.Equal(t, begun.Add(time.Hour), s.get(t, idOf("soon")).NextAt)
		n, err = s.Rouse(s.ctx, time.Hour)
		require.NoError(t, err)
		require.Zero(t, n)
	}},
}
