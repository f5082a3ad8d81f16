package directed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
)

// settles is how long the bank takes over what it accepted.
const settles = 3 * time.Minute

// bank recognises open and succeeded numbers, and executes a failed one anew.
type bank struct {
	c  Case
	mu sync.Mutex
	// orders by number; executed counts how often money moved.
	orders   map[string]*order
	executed map[string]int
}

type order struct {
	status bankrail.Status
	at     time.Time
}

var errNoAnswer = errors.New("no answer")

// refuses: a failure shows in the answer where the strike comes before it was told,
// and later, as news, where the strike is about news and queries.
func (b *bank) refuses() bool {
	switch b.c.Point {
	case point.Verified, point.Received, point.Claimed, point.Asked, point.HalfReconciled:
		return false
	}
	return b.c.Bank == Failure
}

// take takes one copy of a request that arrived.
func (b *bank) take(number string) (bankrail.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.orders[number]
	if o == nil || o.status == bankrail.Failed {
		if b.refuses() {
			b.orders[number] = &order{bankrail.Failed, time.Now()}
			return bankrail.Receipt{}, &bankrail.Error{Gateway: "bank", Op: bankrail.OpRefund, Code: "REFUSED", Effect: bankrail.Refused}
		}
		b.orders[number] = &order{bankrail.Processing, time.Now()}
		return b.receipt(number), nil
	}
	return b.receipt(number), nil
}

// settle does what is due.
func (b *bank) settle() {
	for n, o := range b.orders {
		if o.status != bankrail.Processing || time.Since(o.at) < settles {
			continue
		}
		if o.status = bankrail.Failed; b.c.Bank != Failure {
			o.status = bankrail.Succeeded
			b.executed[n]++
		}
	}
}

func (b *bank) receipt(number string) bankrail.Receipt {
	b.settle()
	r := bankrail.Receipt{Number: number, Status: b.orders[number].status, GatewayNumber: "B" + number}
	if r.Status == bankrail.Succeeded {
		r.Amount = amount
	}
	return r
}

func (b *bank) query(number string) (bankrail.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.orders[number] == nil {
		return bankrail.Receipt{}, &bankrail.Error{Gateway: "bank", Op: bankrail.OpRefund, Code: "NOT_EXIST", Err: bankrail.ErrNotFound}
	}
	return b.receipt(number), nil
}

// ended lists the receipts of what is final, for notifications and statements.
func (b *bank) ended() []bankrail.Receipt {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle()
	var rs []bankrail.Receipt
	for i := 1; i <= maxNumbers; i++ {
		if o := b.orders[numberOf(i)]; o != nil && o.status.Final() {
			rs = append(rs, b.receipt(numberOf(i)))
		}
	}
	return rs
}

// The driver's side of a node.

func (n *node) Op() bankrail.Op           { return bankrail.OpRefund }
func (n *node) Channel() bankrail.Channel { return channel }

func (n *node) Rules(context.Context, bankrail.Channel) (journal.Rules, error) {
	return journal.Rules{Dedupe: journal.DedupeSucceeded, Horizon: 24 * time.Hour, Visible: time.Minute, Settles: time.Hour}, nil
}

func (n *node) Send(ctx context.Context, e journal.Entry, _ []byte) (journal.Answer, error) {
	n.alive()
	r, err := n.w.bank.take(e.Number)
	point.At(ctx, point.OnTheWire, e.Number)
	n.alive()
	switch {
	case n.failing():
		return journal.Answer{}, fmt.Errorf("send: %w", errNoAnswer)
	case ctx.Err() != nil:
		return journal.Answer{}, fmt.Errorf("send: %w", ctx.Err())
	case n.w.c.Bank == Unknown:
		return journal.Answer{}, fmt.Errorf("send: %w", errNoAnswer)
	}
	return journal.Answer{Receipt: r}, err
}

func (n *node) Query(ctx context.Context, e journal.Entry) (bankrail.Receipt, error) {
	n.alive()
	if n.failing() || ctx.Err() != nil {
		return bankrail.Receipt{}, fmt.Errorf("query: %w", errNoAnswer)
	}
	return n.w.bank.query(e.Number)
}
