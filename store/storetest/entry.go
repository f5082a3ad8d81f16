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

var entryTests = []test{
	{"every field comes back from an insert", func(t *testing.T, s *box) {
		want := full(t, 0)
		require.NoError(t, s.Insert(s.ctx, to(want, want.Status), journal.Hold{}))
		want.Version, want.Unconfirmed = 1, false
		require.Equal(t, want, s.get(t, want.ID))
		s.everywhere(t, want)
	}},
	{"every field comes back from a change", func(t *testing.T, s *box) {
		old := full(t, 0)
		require.NoError(t, s.Insert(s.ctx, to(old, old.Status), journal.Hold{}))
		want := full(t, 1000)
		want.ID, want.Version = old.ID, 1
		s.apply(t, journal.Batch{Changes: []journal.Change{to(want, bankrail.Manual)}})
		want.Status, want.Version, want.Unconfirmed = bankrail.Manual, 2, false
		require.Equal(t, want, s.get(t, want.ID))
		s.everywhere(t, want)
	}},
	{"an empty entry comes back empty", func(t *testing.T, s *box) {
		want := journal.Entry{ID: idOf("R1"), Status: bankrail.Created}
		require.NoError(t, s.Insert(s.ctx, to(want, want.Status), journal.Hold{}))
		want.Version = 1
		require.Equal(t, want, s.get(t, want.ID))
		full := full(t, 7)
		full.ID, full.Version = want.ID, 1
		s.apply(t, journal.Batch{Changes: []journal.Change{to(full, bankrail.Processing)}})
		want.Version = 2
		s.apply(t, journal.Batch{Changes: []journal.Change{to(want, bankrail.Created)}})
		want.Version = 3
		require.Equal(t, want, s.get(t, want.ID))
	}},
	{"no flag is taken for another", func(t *testing.T, s *box) {
		v := reflect.TypeFor[journal.Entry]()
		for i := range v.NumField() {
			f := v.Field(i)
			if f.Type.Kind() != reflect.Bool || f.Name == "Unconfirmed" {
				continue
			}
			want := draft(f.Name)
			reflect.ValueOf(&want).Elem().Field(i).SetBool(true)
			require.NoError(t, s.Insert(s.ctx, to(want, want.Status), journal.Hold{}))
			want.Version = 1
			require.Equal(t, want, s.get(t, want.ID))
		}
	}},
	{"no status is taken for another", func(t *testing.T, s *box) {
		for st := bankrail.Created; st.Valid(); st++ {
			e := draft(st.String())
			e.Status = st
			require.Equal(t, st, s.insert(t, e).Status)
		}
	}},
	{"times are UTC in whole milliseconds", func(t *testing.T, s *box) {
		e := draft("R1")
		e.NextAt, e.CreatedAt = start, start
		got := s.insert(t, e)
		require.Equal(t, begun, got.NextAt)
		require.Equal(t, begun, got.CreatedAt)
		now, err := s.Now(s.ctx)
		require.NoError(t, err)
		require.Equal(t, begun, now)
	}},
	{"amounts reach the ends of int64", func(t *testing.T, s *box) {
		e := draft("R1")
		e.Amount, e.Settled = bankrail.CNY(1<<63-1), bankrail.CNY(-1<<63)
		got := s.insert(t, e)
		require.Equal(t, e.Amount, got.Amount)
		require.Equal(t, e.Settled, got.Settled)
	}},
	{"a copy is kept and a copy is given", func(t *testing.T, s *box) {
		e := draft("R1")
		e.Data, e.Reply, e.Sealed = []byte(`{"a":1}`), []byte(`{"b":2}`), []byte{3}
		s.insert(t, e)
		p := news("R2", begun)
		p.Raw = []byte("raw")
		s.apply(t, journal.Batch{Pending: []journal.Pending{p}})
		for _, b := range [][]byte{e.Data, e.Reply, e.Sealed, p.Raw} {
			clear(b)
		}
		got := s.get(t, e.ID)
		require.Equal(t, []byte(`{"a":1}`), []byte(got.Data))
		for _, b := range [][]byte{got.Data, got.Reply, got.Sealed} {
			clear(b)
		}
		require.Equal(t, []byte(`{"a":1}`), []byte(s.get(t, e.ID).Data))
		ps, err := s.Pending(s.ctx, journal.PendingQuery{})
		require.NoError(t, err)
		require.Equal(t, []byte("raw"), ps[0].Raw)
	}},
	{"bytes are kept as they are", func(t *testing.T, s *box) {
		e := draft("R1")
		e.Data = []byte("{ \"b\": 1,\n\"a\": 0.10 }")
		e.Sealed = []byte{0, 0xff, 0x27, 0x00}
		e.Message = "余额不足 'quoted' \"double\" %s"
		got := s.insert(t, e)
		require.Equal(t, e.Data, got.Data)
		require.Equal(t, e.Sealed, got.Sealed)
		require.Equal(t, e.Message, got.Message)
	}},
	{"numbers differ in case, merchant, gateway and operation", func(t *testing.T, s *box) {
		for _, id := range []bankrail.ID{
			idOf("r1"), idOf("R1"), idOf("R1 "),
			{Channel: bankrail.Channel{Gateway: "lanhai-test", Merchant: "M2"}, Op: bankrail.OpRefund, Number: "R1"},
			{Channel: bankrail.Channel{Gateway: "lanhai-live", Merchant: "M1"}, Op: bankrail.OpRefund, Number: "R1"},
			{Channel: shop, Op: bankrail.OpRefund.Correction(), Number: "R1"},
		} {
			e := draft("")
			e.ID = id
			require.Equal(t, id, s.insert(t, e).ID)
		}
	}},
	{"Get of an unknown number is ErrNotFound", func(t *testing.T, s *box) {
		_, err := s.Get(s.ctx, idOf("R1"))
		require.ErrorIs(t, err, bankrail.ErrNotFound)
	}},
}

// everywhere checks that List and Claim give the entry like Get.
func (s *box) everywhere(t *testing.T, want journal.Entry) {
	t.Helper()
	es, _, err := s.List(s.ctx, journal.ListQuery{})
	require.NoError(t, err)
	require.Equal(t, []journal.Entry{want}, es)
	s.pass(365 * 24 * time.Hour)
	es, err = s.Claim(s.ctx, refunds(1))
	require.NoError(t, err)
	require.Len(t, es, 1)
	want.NextAt = s.now().UTC().Truncate(time.Millisecond).Add(time.Minute)
	require.Equal(t, want, es[0])
	require.Equal(t, want, s.get(t, want.ID))
}

// full is an entry in which every field has its own value, so that a forgotten or
// exchanged column shows. A field of a new kind fails the test until it is added.
func full(t *testing.T, n int) journal.Entry {
	t.Helper()
	var e journal.Entry
	fill(t, reflect.ValueOf(&e).Elem(), "Entry", &n)
	e.Version, e.Status, e.ID.Op = 0, bankrail.Processing, bankrail.OpRefund
	return e
}

func fill(t *testing.T, v reflect.Value, name string, n *int) {
	t.Helper()
	*n++
	switch p := v.Addr().Interface().(type) {
	case *bankrail.Money:
		m, err := bankrail.NewMoney(int64(*n), []bankrail.Currency{"CNY", "USD", "JPY"}[*n%3])
		require.NoError(t, err)
		*p = m
		return
	case *time.Time:
		*p = begun.Add(time.Duration(*n) * 1001 * time.Millisecond)
		return
	case *bankrail.Status:
		*p = bankrail.Processing
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), v.Type().Field(i).Name, n)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d", name, *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(*n+i) % 256)
		}
	case reflect.Slice:
		v.SetBytes(fmt.Appendf(nil, `{"n":%d}`, *n))
	default:
		t.Fatalf("teach fill about %s, a %s", name, v.Type())
	}
}
