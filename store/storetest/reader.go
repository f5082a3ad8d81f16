package storetest

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// pages reads all pages of a list.
func (s *box) pages(t *testing.T, q journal.ListQuery) (ns []string, pages int) {
	t.Helper()
	for {
		es, next, err := s.List(s.ctx, q)
		require.NoError(t, err)
		for _, e := range es {
			ns = append(ns, e.Number)
		}
		pages++
		if next == "" {
			return ns, pages
		}
		require.Len(t, es, q.Limit)
		q.After = next
	}
}

var readerTests = []test{
	{"history is empty where there is no entry", func(t *testing.T, s *box) {
		steps, err := s.History(s.ctx, idOf("R1"))
		require.NoError(t, err)
		require.Empty(t, steps)
	}},
	{"history is by version and gapless", func(t *testing.T, s *box) {
		s.insert(t, draft("R1"))
		for range 12 {
			s.step(t, "R1")
		}
		steps := s.all(t).Steps[idOf("R1")]
		require.Len(t, steps, 13)
		for i, step := range steps {
			require.EqualValues(t, i+1, step.Version)
		}
	}},
	{"List pages in order of insertion", func(t *testing.T, s *box) {
		var want []string
		for _, n := range []string{"c", "a", "e", "b", "d", "f"} {
			s.insert(t, draft(n))
			want = append(want, n)
		}
		s.step(t, "c") // a change does not move an entry
		for limit, pages := range map[int]int{1: 6, 2: 3, 3: 2, 4: 2, 6: 1, 7: 1} {
			ns, n := s.pages(t, journal.ListQuery{Limit: limit})
			require.Equal(t, want, ns)
			require.Equal(t, pages, n, "limit %d", limit)
		}
		_, _, err := s.List(s.ctx, journal.ListQuery{After: "no page"})
		require.ErrorIs(t, err, bankrail.ErrInvalid)
	}},
	{"List gives 100 where no limit is asked for", func(t *testing.T, s *box) {
		var b journal.Batch
		for i := range 101 {
			b.Changes = append(b.Changes, to(draft(fmt.Sprint(i)), bankrail.Created))
		}
		s.apply(t, b)
		es, next, err := s.List(s.ctx, journal.ListQuery{})
		require.NoError(t, err)
		require.Len(t, es, 100)
		es, next, err = s.List(s.ctx, journal.ListQuery{After: next})
		require.NoError(t, err)
		require.Len(t, es, 1)
		require.Empty(t, next)
	}},
	{"List selects by channel, operation, order and status", func(t *testing.T, s *box) {
		for st := bankrail.Created; st.Valid(); st++ {
			e := draft(st.String())
			e.Status = st
			s.insert(t, e)
		}
		other := draft("other")
		other.Merchant, other.Order, other.ID.Op = "M2", "O2", "payment"
		s.insert(t, other)
		for _, x := range []struct {
			q    journal.ListQuery
			want []string
		}{
			{journal.ListQuery{Channel: other.Channel}, []string{"other"}},
			{journal.ListQuery{Op: "payment"}, []string{"other"}},
			{journal.ListQuery{Order: "O2"}, []string{"other"}},
			{journal.ListQuery{Order: "O2", Op: bankrail.OpRefund}, nil},
			{journal.ListQuery{Status: bankrail.Manual}, []string{"manual"}},
			{journal.ListQuery{OpenOnly: true}, []string{"created", "processing", "manual", "other"}},
			{journal.ListQuery{OpenOnly: true, Status: bankrail.Failed}, nil},
			{journal.ListQuery{Channel: shop, Op: bankrail.OpRefund, Order: order, Status: bankrail.Reversed}, []string{"reversed"}},
		} {
			x.q.Limit = 2
			ns, _ := s.pages(t, x.q)
			require.Equal(t, x.want, ns, "%+v", x.q)
		}
	}},
	{"anomalies page, oldest first, every field", func(t *testing.T, s *box) {
		var want []journal.Anomaly
		n := 0
		for range 5 {
			var a journal.Anomaly
			fill(t, reflect.ValueOf(&a).Elem(), "Anomaly", &n)
			a.Row = ""
			s.apply(t, journal.Batch{Anomalies: []journal.Anomaly{a}})
			want = append(want, a)
		}
		for _, limit := range []int{1, 2, 5, 0} {
			var got []journal.Anomaly
			for after := ""; ; {
				as, next, err := s.Anomalies(s.ctx, after, limit)
				require.NoError(t, err)
				got = append(got, as...)
				if after = next; next == "" {
					break
				}
				require.Len(t, as, limit)
			}
			for i := range got {
				require.NotEmpty(t, got[i].Row)
				got[i].Row = ""
			}
			require.Equal(t, want, got)
		}
		_, _, err := s.Anomalies(s.ctx, "no page", 1)
		require.ErrorIs(t, err, bankrail.ErrInvalid)
	}},
	{"an anomaly of the same entry, kind and evidence is dropped", func(t *testing.T, s *box) {
		a := journal.Anomaly{Kind: journal.AnomalyAmount, Entry: idOf("R1"), Note: "first", Evidence: digest("x"), At: begun}
		again, kind, entry, evidence := a, a, a, a
		again.Note = "second"
		kind.Kind, entry.Entry.Number, evidence.Evidence = journal.AnomalyEarly, "R2", digest("y")
		s.apply(t, journal.Batch{Anomalies: []journal.Anomaly{a, again, kind}})
		s.apply(t, journal.Batch{Anomalies: []journal.Anomaly{again, entry, evidence}})
		got := s.all(t).Anomalies
		for i := range got {
			got[i].Row = ""
		}
		require.Equal(t, []journal.Anomaly{a, kind, entry, evidence}, got)
	}},
	{"the budget of an unknown order is ErrNotFound", func(t *testing.T, s *box) {
		_, err := s.Budget(s.ctx, shop, "none")
		require.ErrorIs(t, err, bankrail.ErrNotFound)
	}},
}
