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

var decisionsTests = []test{
	{"a proposal and an absence come back, and go", func(t *testing.T, s *box) {
		e := s.insert(t, draft("R1"))
		n := 0
		c := to(e, bankrail.Manual)
		fill(t, reflect.ValueOf(&c.Entry.Proposal).Elem(), "Proposal", &n)
		c.Entry.AbsentAt = start // off the millisecond
		s.apply(t, journal.Batch{Changes: []journal.Change{c}})
		got := s.get(t, e.ID)
		require.Equal(t, c.Entry.Proposal, got.Proposal)
		require.Equal(t, begun, got.AbsentAt)

		c = to(got, bankrail.Manual)
		c.Entry.Proposal, c.Entry.AbsentAt = journal.Proposal{}, time.Time{}
		s.apply(t, journal.Batch{Changes: []journal.Change{c}})
		got = s.get(t, e.ID)
		require.Equal(t, journal.Proposal{}, got.Proposal)
		require.True(t, got.AbsentAt.IsZero())
	}},
	{"List selects by when an entry was created", func(t *testing.T, s *box) {
		for i := range 5 {
			e := draft(fmt.Sprint(i))
			e.CreatedAt = begun.Add(time.Duration(i) * time.Hour)
			s.insert(t, e)
		}
		never := draft("never")
		never.CreatedAt = time.Time{}
		s.insert(t, never)
		hour := func(n int) time.Time { return begun.Add(time.Duration(n) * time.Hour) }
		for _, x := range []struct {
			name     string
			from, to time.Time
			want     []string
		}{
			{"from is included", hour(3), time.Time{}, []string{"3", "4"}},
			{"to is not", hour(1), hour(3), []string{"1", "2"}},
			{"an instant", hour(2), hour(2).Add(time.Millisecond), []string{"2"}},
			{"nothing between", hour(2).Add(time.Millisecond), hour(3), nil},
			{"off the millisecond", hour(2).Add(time.Microsecond), hour(3), []string{"2"}},
			{"in another zone", hour(4).In(start.Location()), time.Time{}, []string{"4"}},
			{"the wrong way round", hour(3), hour(1), nil},
		} {
			ns, _ := s.pages(t, journal.ListQuery{From: x.from, To: x.to, Limit: 1})
			require.Equal(t, x.want, ns, x.name)
		}
		ns, _ := s.pages(t, journal.ListQuery{From: hour(0), Order: "O2", Limit: 1})
		require.Empty(t, ns, "together with what else is asked for")
	}},
	{"blocked news is kept although its number is recorded", func(t *testing.T, s *box) {
		e := s.insert(t, draft("R1"))
		p := news("R1", begun)
		p.Blocked, p.Source = true, journal.SourceStatement
		n := journal.Notice{Channel: shop, ID: "N1", Digest: digest("a"), At: begun, Source: journal.SourceStatement}
		s.apply(t, journal.Batch{Notice: &n, Pending: []journal.Pending{p}})
		got := pendingOf(t, s, "R1")
		require.True(t, got.Blocked)
		require.Equal(t, journal.SourceStatement, got.Source)
		require.Equal(t, p.Digest, got.Digest)

		ps, err := s.Pending(s.ctx, journal.PendingQuery{Recorded: true})
		require.NoError(t, err)
		require.Len(t, ps, 1, "the sweep finds it")
		require.ErrorIs(t, s.Apply(s.ctx, journal.Batch{Notice: &n}), journal.ErrSeen, "it is acknowledged")

		s.apply(t, journal.Batch{Changes: []journal.Change{to(e, bankrail.Succeeded)}, Matched: ps})
		require.Empty(t, s.all(t).Pending)
	}},
	{"blocked news of a number that is not recorded waits as any other", func(t *testing.T, s *box) {
		p := news("R1", begun)
		p.Blocked = true
		s.apply(t, journal.Batch{Pending: []journal.Pending{p}})
		require.ErrorIs(t, s.Insert(s.ctx, to(draft("R1"), bankrail.Processing), journal.Hold{}), journal.ErrEarly)
	}},
	{"news that is matched and blocked again stays", func(t *testing.T, s *box) {
		s.insert(t, draft("R1"))
		p := news("R1", begun)
		p.Blocked = true
		s.apply(t, journal.Batch{Pending: []journal.Pending{p}})
		first := pendingOf(t, s, "R1")
		s.apply(t, journal.Batch{Matched: []journal.Pending{first}, Pending: []journal.Pending{p}})
		require.NotEqual(t, first.Row, pendingOf(t, s, "R1").Row)
	}},
	{"a row that is no row is ignored", func(t *testing.T, s *box) {
		s.apply(t, journal.Batch{Pending: []journal.Pending{news("R1", begun)}})
		s.apply(t, journal.Batch{
			Matched: []journal.Pending{{Row: "no row"}, {Row: "999999999"}},
			Flagged: []journal.Pending{{}},
		})
		require.Equal(t, "R1", pendingOf(t, s, "R1").ID.Number)
	}},
}
