package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// holding inserts a refund of fen of order O1, of which limit was paid.
func (s *box) holding(number string, amount, limit bankrail.Money) error {
	e := draft(number)
	e.Amount, e.Held = amount, amount
	return s.Insert(s.ctx, to(e, e.Status), journal.Hold{Limit: limit})
}

// charge changes entry e, adding m to what its order holds.
func (s *box) charge(t *testing.T, e journal.Entry, m bankrail.Money) {
	t.Helper()
	c := to(e, bankrail.Failed)
	c.Charge = m
	s.apply(t, journal.Batch{Changes: []journal.Change{c}})
}

var budgetTests = []test{
	{"an insert reserves its amount up to the limit exactly", func(t *testing.T, s *box) {
		require.NoError(t, s.holding("R1", bankrail.CNY(60), bankrail.CNY(100)))
		require.ErrorIs(t, s.holding("R2", bankrail.CNY(41), bankrail.CNY(100)), bankrail.ErrBudget)
		require.NoError(t, s.holding("R3", bankrail.CNY(40), bankrail.CNY(100)))
		require.ErrorIs(t, s.holding("R4", bankrail.CNY(1), bankrail.CNY(100)), bankrail.ErrBudget)
		require.Equal(t, journal.Budget{Limit: bankrail.CNY(100), Held: bankrail.CNY(100)}, s.budget(t))
	}},
	{"a refused first insert leaves no budget", func(t *testing.T, s *box) {
		require.ErrorIs(t, s.holding("R1", bankrail.CNY(101), bankrail.CNY(100)), bankrail.ErrBudget)
		_, err := s.Budget(s.ctx, shop, order)
		require.ErrorIs(t, err, bankrail.ErrNotFound)
	}},
	{"a batch that is lost leaves the budget of its first change as it was", func(t *testing.T, s *box) {
		require.NoError(t, s.holding("R1", bankrail.CNY(60), bankrail.CNY(100)))
		require.NoError(t, s.holding("R2", bankrail.CNY(30), bankrail.CNY(100)))
		first, lost := to(s.get(t, idOf("R1")), bankrail.Failed), to(s.get(t, idOf("R2")), bankrail.Failed)
		first.Charge, first.Stop = bankrail.CNY(-60), true
		lost.Entry.Version += 7
		require.ErrorIs(t, s.Apply(s.ctx, journal.Batch{Changes: []journal.Change{first, lost}}), journal.ErrLost)
		require.Equal(t, journal.Budget{Limit: bankrail.CNY(100), Held: bankrail.CNY(90)}, s.budget(t))
		require.Equal(t, bankrail.Processing, s.get(t, idOf("R1")).Status)
	}},
	{"the sum is never above the limit under 32 callers", func(t *testing.T, s *box) {
		errs := together(32, func(i int) error {
			return s.holding(fmt.Sprintf("R%d", i), bankrail.CNY(100), bankrail.CNY(1050))
		})
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				require.ErrorIs(t, err, bankrail.ErrBudget)
			}
		}
		require.Equal(t, 10, won)
		x := s.all(t)
		require.Len(t, x.Entries, 10)
		require.Equal(t, bankrail.CNY(1000), s.budget(t).Held)
	}},
	{"sums near the end of int64 do not wrap", func(t *testing.T, s *box) {
		most := bankrail.CNY(1<<63 - 1)
		require.NoError(t, s.holding("R1", bankrail.CNY(1<<62), most))
		require.ErrorIs(t, s.holding("R2", bankrail.CNY(1<<62), most), bankrail.ErrBudget)
		require.NoError(t, s.holding("R3", bankrail.CNY(1<<62-1), most))
		require.ErrorIs(t, s.holding("R4", bankrail.CNY(1), most), bankrail.ErrBudget)
	}},
	{"a later Hold may raise or lower the limit", func(t *testing.T, s *box) {
		require.NoError(t, s.holding("R1", bankrail.CNY(60), bankrail.CNY(100)))
		require.NoError(t, s.holding("R2", bankrail.CNY(60), bankrail.CNY(120)))
		require.ErrorIs(t, s.holding("R3", bankrail.CNY(1), bankrail.CNY(90)), bankrail.ErrBudget)
		require.Equal(t, journal.Budget{Limit: bankrail.CNY(120), Held: bankrail.CNY(120)}, s.budget(t))
		s.charge(t, s.get(t, idOf("R1")), bankrail.CNY(-60))
		require.NoError(t, s.holding("R4", bankrail.CNY(20), bankrail.CNY(80)))
		require.Equal(t, journal.Budget{Limit: bankrail.CNY(80), Held: bankrail.CNY(80)}, s.budget(t))
	}},
	{"another currency is ErrBudget", func(t *testing.T, s *box) {
		usd, err := bankrail.NewMoney(10, "USD")
		require.NoError(t, err)
		require.ErrorIs(t, s.holding("R1", usd, bankrail.CNY(100)), bankrail.ErrBudget)
		require.NoError(t, s.holding("R2", bankrail.CNY(10), bankrail.CNY(100)))
		plenty, err := bankrail.NewMoney(1000, "USD")
		require.NoError(t, err)
		require.ErrorIs(t, s.holding("R3", usd, plenty), bankrail.ErrBudget)
		require.ErrorIs(t, s.holding("R4", bankrail.CNY(10), plenty), bankrail.ErrBudget)
		require.Equal(t, journal.Budget{Limit: bankrail.CNY(100), Held: bankrail.CNY(10)}, s.budget(t))
	}},
	{"orders are apart by merchant", func(t *testing.T, s *box) {
		require.NoError(t, s.holding("R1", bankrail.CNY(100), bankrail.CNY(100)))
		e := draft("R1")
		e.Merchant = "M2"
		require.NoError(t, s.Insert(s.ctx, to(e, e.Status), journal.Hold{Limit: bankrail.CNY(100)}))
		e = draft("R2")
		e.Order = "O2"
		require.NoError(t, s.Insert(s.ctx, to(e, e.Status), journal.Hold{Limit: bankrail.CNY(100)}))
	}},
	{"a stopped order takes no Hold and still takes a Charge", func(t *testing.T, s *box) {
		require.NoError(t, s.holding("R1", bankrail.CNY(10), bankrail.CNY(100)))
		c := to(s.get(t, idOf("R1")), bankrail.Failed)
		c.Stop = true
		s.apply(t, journal.Batch{Changes: []journal.Change{c}})
		require.ErrorIs(t, s.holding("R2", bankrail.CNY(1), bankrail.CNY(100)), bankrail.ErrBudget)
		s.charge(t, s.get(t, idOf("R1")), bankrail.CNY(5))
		require.Equal(t, journal.Budget{Limit: bankrail.CNY(100), Held: bankrail.CNY(15), Stopped: true}, s.budget(t))
		s.insert(t, draft("R3")) // the zero Hold asks for nothing
	}},
	{"a negative Charge releases", func(t *testing.T, s *box) {
		require.NoError(t, s.holding("R1", bankrail.CNY(100), bankrail.CNY(100)))
		s.charge(t, s.get(t, idOf("R1")), bankrail.CNY(-100))
		require.Equal(t, journal.Budget{Limit: bankrail.CNY(100), Held: bankrail.CNY(0)}, s.budget(t))
		require.NoError(t, s.holding("R2", bankrail.CNY(100), bankrail.CNY(100)))
	}},
	{"a Charge may exceed the limit", func(t *testing.T, s *box) {
		require.NoError(t, s.holding("R1", bankrail.CNY(100), bankrail.CNY(100)))
		s.charge(t, s.get(t, idOf("R1")), bankrail.CNY(50))
		require.Equal(t, bankrail.CNY(150), s.budget(t).Held)
		require.ErrorIs(t, s.holding("R2", bankrail.CNY(1), bankrail.CNY(100)), bankrail.ErrBudget)
	}},
	{"a Charge on an order without a row makes one without a limit", func(t *testing.T, s *box) {
		e := s.insert(t, draft("R1"))
		s.charge(t, e, bankrail.CNY(50))
		require.Equal(t, journal.Budget{Held: bankrail.CNY(50)}, s.budget(t))
		require.ErrorIs(t, s.holding("R2", bankrail.CNY(51), bankrail.CNY(100)), bankrail.ErrBudget)
		require.NoError(t, s.holding("R3", bankrail.CNY(50), bankrail.CNY(100)))
		require.Equal(t, journal.Budget{Limit: bankrail.CNY(100), Held: bankrail.CNY(100)}, s.budget(t))
	}},
	{"a Charge of an insert comes on top of its Hold", func(t *testing.T, s *box) {
		c := to(draft("R1"), bankrail.Processing)
		c.Charge = bankrail.CNY(7)
		require.NoError(t, s.Insert(s.ctx, c, journal.Hold{Limit: bankrail.CNY(100)}))
		require.Equal(t, bankrail.CNY(107), s.budget(t).Held)
	}},
	{"a Charge that cannot be added commits nothing", func(t *testing.T, s *box) {
		require.NoError(t, s.holding("R1", bankrail.CNY(100), bankrail.CNY(100)))
		usd, err := bankrail.NewMoney(1, "USD")
		require.NoError(t, err)
		before := s.all(t)
		for _, m := range []bankrail.Money{usd, bankrail.CNY(1<<63 - 1)} {
			c := to(s.get(t, idOf("R1")), bankrail.Failed)
			c.Charge = m
			err := s.Apply(s.ctx, journal.Batch{Changes: []journal.Change{c}})
			require.ErrorIs(t, err, journal.ErrNotCommitted)
			require.ErrorIs(t, err, bankrail.ErrInvalid)
		}
		require.Equal(t, before, s.all(t))
	}},
}
