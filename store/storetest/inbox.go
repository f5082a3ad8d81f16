package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// pendingOf finds the one pending news of a number.
func pendingOf(t *testing.T, s *box, number string) journal.Pending {
	t.Helper()
	ps, err := s.Pending(s.ctx, journal.PendingQuery{ID: idOf(number)})
	require.NoError(t, err)
	require.Len(t, ps, 1)
	return ps[0]
}

func numbers(ps []journal.Pending) []string {
	var ns []string
	for _, p := range ps {
		ns = append(ns, p.ID.Number)
	}
	return ns
}

var inboxTests = []test{
	{"a notice is received once", func(t *testing.T, s *box) {
		n := journal.Notice{Channel: shop, ID: "N1", Digest: digest("a"), At: begun, Stale: true, News: []journal.News{news("R1", begun).News}}
		s.apply(t, journal.Batch{Notice: &n})
		again := n
		again.At, again.Stale = begun.Add(time.Hour), false
		b := journal.Batch{Notice: &again, Pending: []journal.Pending{news("R1", begun)}}
		require.ErrorIs(t, s.Apply(s.ctx, b), journal.ErrSeen)
		again.Digest = digest("b")
		require.ErrorIs(t, s.Apply(s.ctx, b), journal.ErrReused)
		require.Empty(t, s.all(t).Pending)
		again.Merchant = "M2"
		require.NoError(t, s.Apply(s.ctx, b), "unique with the channel")
	}},
	{"of many deliveries exactly one is received", func(t *testing.T, s *box) {
		e := s.insert(t, draft("R1"))
		n := journal.Notice{Channel: shop, ID: "N1", Digest: digest("a"), At: begun}
		errs := together(16, func(int) error {
			return s.Apply(s.ctx, journal.Batch{Notice: &n, Changes: []journal.Change{to(e, bankrail.Succeeded)}})
		})
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				require.ErrorIs(t, err, journal.ErrSeen, "the notice is looked at before the changes")
			}
		}
		require.Equal(t, 1, won)
	}},
	{"every field of pending news comes back", func(t *testing.T, s *box) {
		var want journal.Pending
		n := 0
		fill(t, reflect.ValueOf(&want).Elem(), "Pending", &n)
		want.Row = ""
		empty := journal.Pending{ID: idOf("R1"), At: begun.Add(time.Hour)}
		s.apply(t, journal.Batch{Pending: []journal.Pending{want, empty}})
		got := s.all(t).Pending
		require.Len(t, got, 2)
		require.NotEmpty(t, got[0].Row)
		require.NotEqual(t, got[0].Row, got[1].Row)
		got[0].Row, got[1].Row = "", ""
		require.Equal(t, []journal.Pending{want, empty}, got)
	}},
	{"pending news of a number that is recorded is ErrLost", func(t *testing.T, s *box) {
		s.insert(t, draft("R1"))
		before := s.all(t)
		n := journal.Notice{Channel: shop, ID: "N1", Digest: digest("a"), At: begun}
		b := journal.Batch{Notice: &n, Pending: []journal.Pending{news("R2", begun), news("R1", begun)}}
		require.ErrorIs(t, s.Apply(s.ctx, b), journal.ErrLost)
		require.Equal(t, before, s.all(t))
		b.Pending = b.Pending[:1]
		s.apply(t, b)
	}},
	{"news and insert never miss each other", func(t *testing.T, s *box) {
		const pairs = 40
		errs := together(2*pairs, func(i int) error {
			number := fmt.Sprintf("R%d", i/2)
			if i%2 == 0 {
				return s.Insert(s.ctx, to(draft(number), bankrail.Processing), journal.Hold{})
			}
			n := journal.Notice{Channel: shop, ID: number, Digest: digest(number), At: begun}
			return s.Apply(s.ctx, journal.Batch{Notice: &n, Pending: []journal.Pending{news(number, begun)}})
		})
		for i := 0; i < len(errs); i += 2 {
			inserted, kept := errs[i], errs[i+1]
			if inserted == nil {
				require.ErrorIs(t, kept, journal.ErrLost)
			} else {
				require.ErrorIs(t, inserted, journal.ErrEarly)
				require.NoError(t, kept)
			}
		}
	}},
	{"Pending selects by ID, Recorded and Before, oldest first", func(t *testing.T, s *box) {
		s.apply(t, journal.Batch{Pending: []journal.Pending{
			news("R3", begun.Add(3*time.Second)), news("R1", begun.Add(time.Second)), news("R2", begun.Add(2*time.Second)),
		}})
		ask := func(q journal.PendingQuery) []string {
			ps, err := s.Pending(s.ctx, q)
			require.NoError(t, err)
			return numbers(ps)
		}
		require.Equal(t, []string{"R1", "R2", "R3"}, ask(journal.PendingQuery{}))
		require.Equal(t, []string{"R1", "R2"}, ask(journal.PendingQuery{Limit: 2}))
		require.Equal(t, []string{"R2"}, ask(journal.PendingQuery{ID: idOf("R2")}))
		require.Empty(t, ask(journal.PendingQuery{ID: idOf("R4")}))
		require.Empty(t, ask(journal.PendingQuery{Recorded: true}))
		e := draft("R2")
		e.Status = bankrail.Manual
		s.insert(t, e)
		require.Equal(t, []string{"R2"}, ask(journal.PendingQuery{Recorded: true}))
		require.Equal(t, []string{"R1", "R2"}, ask(journal.PendingQuery{Before: begun.Add(3 * time.Second)}))
		require.Equal(t, []string{"R2"}, ask(journal.PendingQuery{Before: begun.Add(3 * time.Second), Recorded: true}))
		s.apply(t, journal.Batch{Flagged: []journal.Pending{pendingOf(t, s, "R1")}})
		require.Equal(t, []string{"R2"}, ask(journal.PendingQuery{Before: begun.Add(3 * time.Second)}))
		require.Equal(t, []string{"R1", "R2", "R3"}, ask(journal.PendingQuery{}), "flagged news is still unmatched")
		s.apply(t, journal.Batch{Matched: []journal.Pending{pendingOf(t, s, "R1"), pendingOf(t, s, "R2")}})
		require.Equal(t, []string{"R3"}, ask(journal.PendingQuery{}))
	}},
	{"Pending gives 100 where no limit is asked for", func(t *testing.T, s *box) {
		var ps []journal.Pending
		for i := range 101 {
			ps = append(ps, news(fmt.Sprint(i), begun))
		}
		s.apply(t, journal.Batch{Pending: ps})
		got, err := s.Pending(s.ctx, journal.PendingQuery{})
		require.NoError(t, err)
		require.Equal(t, numbers(ps[:100]), numbers(got))
	}},
	{"matching or flagging what is gone changes nothing", func(t *testing.T, s *box) {
		s.apply(t, journal.Batch{Pending: []journal.Pending{news("R1", begun)}})
		p := pendingOf(t, s, "R1")
		s.apply(t, journal.Batch{Matched: []journal.Pending{p}})
		s.apply(t, journal.Batch{Matched: []journal.Pending{p}, Flagged: []journal.Pending{p}})
		require.Empty(t, s.all(t).Pending)
	}},
}
