package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
)

// wishes are the refunds that the shop wants, and the orders they are of. Both follow
// from the seed, so that every process knows them, a restarted one too; a real shop
// has them in its database.
type wishes struct {
	seed uint64
	n    int
}

var _ refund.Orders = wishes{}

// The orders come in blocks: 40 refunds of 10 orders, so that the two nodes refund
// the same order at the same time.
const (
	blockRefunds = 40
	blockOrders  = 10
)

// request is the i-th refund. Its number comes from what is wanted, never from the
// attempt: whoever repeats the wish repeats the number.
func (w wishes) request(i int) refund.Request {
	nth := i/blockRefunds*blockOrders + i/2%blockOrders
	// At most 22 % of what was paid: the four refunds of an order fit in it.
	part := int64(2 + hash(w.seed, "amount", i)%20)
	return refund.Request{
		Number: fmt.Sprintf("R%d-%06d", w.seed, i), Order: orderNumber(nth), Operator: "clerk", Reason: "sold out",
		Amount: bankrail.CNY(1 + w.paid(nth)*part/100),
	}
}

// share lists what a node asks for, of two: every second wish.
func (w wishes) share(node int) []int {
	var mine []int
	for i := range w.n {
		if i%2 == node%2 {
			mine = append(mine, i)
		}
	}
	return mine
}

// both reports whether the other node asks for the same number at the same moment,
// as when a customer's click arrives twice.
func (w wishes) both(i int) bool { return hash(w.seed, "both", i)%8 == 0 }

// Order tells bankrail what was paid.
func (w wishes) Order(_ context.Context, number string) (refund.Order, error) {
	var nth int
	if _, err := fmt.Sscanf(number, "O%06d", &nth); err != nil || nth < 0 || nth >= w.orders() {
		return refund.Order{}, bankrail.ErrNotFound
	}
	return refund.Order{Number: number, Trade: tradeNumber(nth), Status: refund.OrderPaid, Paid: bankrail.CNY(w.paid(nth))}, nil
}

// orders is how many there are.
func (w wishes) orders() int { return (w.n + blockRefunds - 1) / blockRefunds * blockOrders }

// paid is what was paid for an order, in fen: 20 to 400 yuan.
func (w wishes) paid(nth int) int64 { return 2_000 + int64(hash(w.seed, "paid", nth)%38_000) }

func orderNumber(nth int) string { return fmt.Sprintf("O%06d", nth) }
func tradeNumber(nth int) string { return fmt.Sprintf("T%06d", nth) }

// trades are the payments as the bank has them.
func (w wishes) trades() []sandbox.Trade {
	ts := make([]sandbox.Trade, w.orders())
	for nth := range ts {
		ts[nth] = sandbox.Trade{TradeNo: tradeNumber(nth), PaidAmount: w.paid(nth)}
	}
	return ts
}

// hash is where everything accidental comes from.
func hash(seed uint64, what string, i int) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", seed, what, i))
	return binary.BigEndian.Uint64(sum[:])
}
