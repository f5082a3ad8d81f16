package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
)

// shop is the host: its order table, who may refund, and what it was told of its
// refunds. A real one keeps the table in its database.
type shop struct {
	mu      sync.Mutex
	orders  map[string]*order
	refunds map[bankrail.ID]known
	failed  func(number string) // called, without the lock, when a refund failed
}

// order is a row of the order table.
type order struct {
	refund.Order
	refunded bankrail.Money // what the events say was given back
}

// known is the last that an event, or the journal at the start, said of a refund.
type known struct {
	version  int64
	status   bankrail.Status
	order    string
	refunded bankrail.Money
}

var (
	_ refund.Orders     = (*shop)(nil)
	_ journal.Publisher = (*shop)(nil)
)

const shopOrders = 60

// newShop fills the order table. Every twentieth order cannot be refunded.
func newShop(seed uint64) *shop {
	s := &shop{orders: map[string]*order{}, refunds: map[bankrail.ID]known{}, failed: func(string) {}}
	for i := range shopOrders {
		o := refund.Order{
			Number: orderNumber(i), Trade: fmt.Sprintf("T%04d", i), Status: refund.OrderPaid,
			Paid: bankrail.CNY(2_000 + int64(hash(seed, "paid", i)%38_000)), // 20 to 400 yuan
		}
		switch {
		case i%20 == 19:
			o.Status = refund.OrderUnpaid
		case i%20 == 18:
			o.Status = refund.OrderClosed
		}
		s.orders[o.Number] = &order{Order: o, refunded: bankrail.CNY(0)}
	}
	return s
}

func orderNumber(i int) string { return fmt.Sprintf("O%04d", i) }

// Order tells bankrail what was paid.
func (s *shop) Order(_ context.Context, number string) (refund.Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orders[number]
	if !ok {
		return refund.Order{}, bankrail.ErrNotFound
	}
	return o.Order, nil
}

// errTrainee is why authorize refuses.
var errTrainee = errors.New("trainees do not move money")

// authorize decides who may refund.
func (s *shop) authorize(_ context.Context, r refund.Request) error {
	if r.Operator == "trainee" {
		return errTrainee
	}
	return nil
}

// Publish takes an event into the order table. Events come at least once and in
// order, so that one of a version that is known is a copy.
func (s *shop) Publish(_ context.Context, e journal.Event) error {
	news := s.learn(e.Entry, e.Order, known{version: e.Version, status: e.Status, order: e.Order, refunded: moved(e.Status, e.Settled)})
	if news && e.Status == bankrail.Failed {
		s.failed(e.Entry.Number)
	}
	return nil
}

// remember takes an entry of the journal as a restarted host finds it.
func (s *shop) remember(e journal.Entry) {
	s.learn(e.ID, e.Order, known{version: e.Version, status: e.Status, order: e.Order, refunded: moved(e.Status, e.Settled)})
}

// moved is what a refund in this state gave back.
func moved(status bankrail.Status, settled bankrail.Money) bankrail.Money {
	if status == bankrail.Succeeded {
		return settled
	}
	return bankrail.CNY(0)
}

// learn books the difference between what was known of a refund and what is new.
func (s *shop) learn(id bankrail.ID, number string, now known) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.refunds[id]
	if ok && before.version >= now.version {
		return false
	}
	s.refunds[id] = now
	o := s.orders[number]
	if o == nil {
		return true
	}
	o.refunded = bankrail.CNY(o.refunded.Minor() + now.refunded.Minor() - before.refunded.Minor())
	switch paid := o.Paid.Minor(); {
	case o.Status == refund.OrderUnpaid || o.Status == refund.OrderClosed:
	case o.refunded.Minor() >= paid:
		o.Status = refund.OrderRefunded
	case o.refunded.Minor() > 0:
		o.Status = refund.OrderPartlyRefunded
	default:
		o.Status = refund.OrderPaid
	}
	return true
}

// tally counts the refunds by what the events said last.
func (s *shop) tally() map[bankrail.Status]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[bankrail.Status]int{}
	for _, k := range s.refunds {
		n[k.status]++
	}
	return n
}

// refunded lists what the order table says was given back, in fen, by trade.
func (s *shop) refunded() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	sums := map[string]int64{}
	for _, o := range s.orders {
		sums[o.Trade] = o.refunded.Minor()
	}
	return sums
}
