package refund

import (
	"context"
	"fmt"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// Gateway is a gateway that can refund. It has five methods because a refund that
// cannot be asked for cannot be settled, and one that nobody checked cannot be
// refused without a record.
//
// It may change before version 1.
type Gateway interface {
	// Channel is the one merchant it serves.
	Channel() bankrail.Channel
	// Rules says what the gateway promises about refund numbers.
	Rules(op bankrail.Op) journal.Rules
	// CheckRefund refuses, without the wire, what the gateway would not take. Trade is
	// filled in, from the order where the request left it out.
	// Errors: *bankrail.FieldError, bankrail.ErrUnsupported.
	CheckRefund(r Request) error
	// Refund sends the request, freshly signed, with the same business fields each
	// time. Used alone its errors may be Unknown: only a journal keeps the promise.
	Refund(ctx context.Context, r Request) (bankrail.Receipt, error)
	// QueryRefund asks what became of it. Errors: bankrail.ErrNotFound where the
	// gateway says, authentically, that there is no such number.
	QueryRefund(ctx context.Context, r Request) (bankrail.Receipt, error)
}

// Readier is a Gateway that knows, without the wire, whether it would send now: its
// breaker is closed and its rate has room.
type Readier interface {
	// Ready is asked before anything is recorded, so that its error leaves no row. It
	// must not wait long. Its error is a *bankrail.Error with Effect NotSent.
	Ready(ctx context.Context) error
}

// Orders tells what was paid for an order: the host's own order table, mostly.
type Orders interface {
	// Order reads an order. Errors: bankrail.ErrNotFound; any error refuses the refund.
	Order(ctx context.Context, number string) (Order, error)
}

// OrderStatus is what a refund must know of an order.
type OrderStatus string

// The states of an order. Only OrderPaid and OrderPartlyRefunded may be refunded.
const (
	OrderPaid           OrderStatus = "paid"
	OrderPartlyRefunded OrderStatus = "partly_refunded"
	OrderRefunded       OrderStatus = "refunded"
	OrderUnpaid         OrderStatus = "unpaid"
	OrderClosed         OrderStatus = "closed"
)

// Order is a paid order.
type Order struct {
	Number string
	// Trade is the gateway's number of the payment. Defaults to Number.
	Trade  string
	Status OrderStatus
	// Paid is what was paid. The refunds of the journal never exceed it.
	Paid bankrail.Money
	// Elsewhere is what was refunded outside this journal; it lowers what is left,
	// and is never below zero.
	Elsewhere bankrail.Money
}

// OrderError says that an order cannot be refunded in its state. Nothing was
// recorded or sent.
type OrderError struct {
	Order  string
	Status OrderStatus
}

// Error writes "refund: order … is unpaid: only a paid or partly refunded one can be refunded".
func (e *OrderError) Error() string {
	return fmt.Sprintf("refund: order %.64s is %s: only a paid or partly refunded one can be refunded", e.Order, e.Status)
}

// Is makes every OrderError a bankrail.ErrInvalid.
func (e *OrderError) Is(target error) bool { return target == bankrail.ErrInvalid }
