package main

import (
	"context"
	"fmt"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
)

// intent is one thing the host wants: some money of some order given back, once. It
// has a number, and a second one that the host takes when the first has failed. Both
// follow from the plan, so that a restarted host repeats them.
type intent struct{ first, second refund.Request }

// orders is how many orders a world has: fewer than intents, so that they share budgets.
const orders = 4

func orderNumber(i int) string { return fmt.Sprintf("O%d", i%orders) }

// paid is what was paid for every order: more than all refunds of it take.
func (p plan) paid() bankrail.Money { return bankrail.CNY(int64(p.Numbers) * 1000) }

func (p plan) intents() []intent {
	all := make([]intent, p.Numbers)
	for i := range all {
		r := refund.Request{
			Number: fmt.Sprintf("K%d-%d", p.Index, i), Order: orderNumber(i), Reason: "sold out", Operator: "clerk",
			Amount: bankrail.CNY(1 + int64(hash(p.Seed, "amount", i)%999)),
		}
		again := r
		again.Number += "-2"
		all[i] = intent{r, again}
	}
	return all
}

// trades are the payments as the bank has them.
func (p plan) trades() []sandbox.Trade {
	var all []sandbox.Trade
	for i := range orders {
		all = append(all, sandbox.Trade{TradeNo: "T-" + orderNumber(i), PaidAmount: p.paid().Minor()})
	}
	return all
}

// Order is the host's order table.
func (p plan) Order(_ context.Context, number string) (refund.Order, error) {
	return refund.Order{Number: number, Trade: "T-" + number, Status: refund.OrderPaid, Paid: p.paid()}, nil
}

var _ refund.Orders = plan{}
