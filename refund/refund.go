// Package refund gives money of paid orders back, once per number.
//
//	refunds := refund.New(book, bank, refund.Config{Orders: shop})
//	r, err := refunds.Create(ctx, refund.Request{
//		Number: "R1001", Order: "O77", Amount: bankrail.CNY(1234), Reason: "sold out",
//	})
//	if err != nil {
//		return err // no money moved, none will
//	}
//	log.Print(r.Status) // succeeded, or processing: nothing to do now
//
// An error of Create means that no money moved and none will under this number; no
// error means that it succeeded or is still open. What is open is settled by a
// notification (package notify) or by the worker (package worker).
//
// It is not for payments or transfers, and keeps no orders: what was paid comes from
// [Orders], and what is refunded is in the journal.
package refund

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// Config configures a Service. Its zero value works with a gateway that knows the
// orders itself.
type Config struct {
	// Orders tells what was paid. Defaults to the gateway, if it implements Orders
	// (a query of the original trade); otherwise every Create is refused.
	Orders Orders
	// Authorize decides whether r.Operator may refund; an error refuses, and
	// errors.Is(err, bankrail.ErrForbidden) holds for it. It is asked before anything
	// is recorded, and not for a repeat of what is recorded.
	// Defaults to nil: whoever reaches Create may.
	Authorize func(ctx context.Context, r Request) error
	// SendWithin is how long a refund may wait where it could not be sent, or the
	// gateway refused it for now (rate limit, no funds). Defaults to 0: it fails.
	SendWithin time.Duration
	// Queue records refunds and leaves the sending to the worker. Defaults to false.
	Queue bool
}

// Service refunds orders. It is safe for concurrent use.
type Service struct {
	book    *journal.Book
	channel bankrail.Channel // zero where routed
	route   func(context.Context, bankrail.Channel) (Gateway, error)
	cfg     Config
}

var _ journal.Driver = (*Service)(nil)

// New returns a Service for the one merchant of a gateway.
func New(book *journal.Book, gw Gateway, cfg Config) *Service {
	own := gw.Channel()
	return &Service{book: book, channel: own, cfg: cfg, route: func(_ context.Context, ch bankrail.Channel) (Gateway, error) {
		if ch != own {
			return nil, &bankrail.FieldError{Field: "channel", Problem: fmt.Sprintf("%s is not served here, only %s", ch, own)}
		}
		return gw, nil
	}}
}

// NewRouted returns a Service for many merchants. route finds the gateway of a
// channel; it is asked at every use, also for entries recorded before a restart. An
// error of it leaves such an entry open.
func NewRouted(book *journal.Book, route func(context.Context, bankrail.Channel) (Gateway, error), cfg Config) *Service {
	return &Service{book: book, route: route, cfg: cfg}
}

// Refund is a refund as the journal has it.
type Refund struct {
	bankrail.ID
	Status bankrail.Status
	Order  string
	// Amount is what was asked for, Refunded what the gateway gave back.
	Amount   bankrail.Money
	Refunded bankrail.Money
	// GatewayNumber is the gateway's own number (银行退费流水号), once it told one.
	GatewayNumber string
	// Code and Message say why it failed or waits for a person.
	Code, Message string
	Operator      string
	// Late: the gateway executed the refund after it had refused or failed it.
	Late bool
	// Unconfirmed: the journal could not be reached to the end, so there may be no
	// record; nothing was sent. If a later Get says ErrNotFound, create it again.
	Unconfirmed          bool
	CreatedAt, UpdatedAt time.Time
}

// Create asks the gateway to give back r.Amount of order r.Order (申请退款).
//
// An error means no money moved and none will under this number; see the package
// comment for what stays open. The same Number with the same content returns the
// first outcome; with other content, ErrConflict.
//
// Errors: ErrFailed (with *bankrail.Error: the gateway's code), *journal.ConflictError,
// ErrBudget, ErrForbidden, ErrInvalid (*bankrail.FieldError, *OrderError),
// ErrUnsupported, the gateway's own where it would not send now (*bankrail.Error with
// Effect NotSent and no record: an open breaker, no room within the rate), and
// ErrUnavailable, after which the same Number must be repeated.
// Source: the bank refund brief, steps 1 to 4 of the business logic.
func (s *Service) Create(ctx context.Context, r Request) (*Refund, error) {
	id, err := s.id(r)
	if err != nil {
		return nil, fmt.Errorf("refund: %w", err)
	}
	e, err := s.book.Create(ctx, id, r.fingerprint(), s, func(ctx context.Context) (journal.Draft, error) {
		return s.prepare(ctx, id, r)
	})
	if err != nil {
		return nil, fmt.Errorf("refund: %w", err)
	}
	return refundOf(e), nil
}

// id names the entry. It fails only where there can be none.
func (s *Service) id(r Request) (bankrail.ID, error) {
	ch := s.channel
	switch {
	case r.Number == "":
		return bankrail.ID{}, &bankrail.FieldError{Field: "number", Problem: "required"}
	case ch == bankrail.Channel{} && (r.Channel.Gateway == "" || r.Channel.Merchant == ""):
		return bankrail.ID{}, &bankrail.FieldError{Field: "channel", Problem: "required, because this service serves many"}
	case ch == bankrail.Channel{}:
		ch = r.Channel
	case r.Channel != bankrail.Channel{} && r.Channel != ch:
		return bankrail.ID{}, &bankrail.FieldError{Field: "channel", Problem: fmt.Sprintf("%s is not served here, only %s", r.Channel, ch)}
	}
	return bankrail.ID{Channel: ch, Op: bankrail.OpRefund, Number: r.Number}, nil
}

// prepare checks a request that is not recorded yet, cheapest first, and says what
// to record.
func (s *Service) prepare(ctx context.Context, id bankrail.ID, r Request) (journal.Draft, error) {
	if err := r.validate(); err != nil {
		return journal.Draft{}, err
	}
	if s.cfg.Authorize != nil {
		if err := s.cfg.Authorize(ctx, r); err != nil {
			return journal.Draft{}, fmt.Errorf("%w: operator %.64q: %w", bankrail.ErrForbidden, r.Operator, err)
		}
	}
	gw, err := s.route(ctx, id.Channel)
	if err != nil {
		return journal.Draft{}, err
	}
	order, err := s.order(ctx, gw, r)
	if err != nil {
		return journal.Draft{}, err
	}
	if r.Trade == "" {
		r.Trade = order.Trade
	}
	if r.Trade == "" {
		r.Trade = r.Order
	}
	// Only now: the trade is part of what the gateway is sent, the order is not.
	if err := gw.CheckRefund(r); err != nil {
		return journal.Draft{}, err
	}
	limit, err := order.Paid.Sub(order.Elsewhere)
	if err != nil {
		return journal.Draft{}, err
	}
	data, err := r.encode()
	if err != nil {
		return journal.Draft{}, err
	}
	if err := s.ready(ctx, gw); err != nil {
		return journal.Draft{}, err
	}
	return journal.Draft{
		Order: r.Order, Amount: r.Amount, Data: data, Hold: journal.Hold{Limit: limit},
		Operator: r.Operator, SendWithin: s.cfg.SendWithin, Queue: s.cfg.Queue,
	}, nil
}

// ready asks the gateway whether it would send now. Of a queued refund it says
// nothing: that one leaves later.
func (s *Service) ready(ctx context.Context, gw Gateway) error {
	if r, ok := gw.(Readier); ok && !s.cfg.Queue {
		return r.Ready(ctx)
	}
	return nil
}

// order makes sure that the order can be refunded (状态前置校验).
func (s *Service) order(ctx context.Context, gw Gateway, r Request) (Order, error) {
	orders := s.cfg.Orders
	if orders == nil {
		var ok bool
		if orders, ok = gw.(Orders); !ok {
			return Order{}, &bankrail.FieldError{Field: "Config.Orders", Problem: "required: this gateway cannot tell what was paid"}
		}
	}
	o, err := orders.Order(ctx, r.Order)
	if err != nil {
		return Order{}, fmt.Errorf("order %.64s: %w", r.Order, err)
	}
	if o.Status != OrderPaid && o.Status != OrderPartlyRefunded {
		return Order{}, &OrderError{Order: r.Order, Status: o.Status}
	}
	if o.Paid.Currency() != r.Amount.Currency() {
		return Order{}, &bankrail.FieldError{Field: "currency", Problem: fmt.Sprintf("the order was paid in %s, not %s", o.Paid.Currency(), r.Amount.Currency())}
	}
	if o.Elsewhere.Minor() < 0 {
		return Order{}, &bankrail.FieldError{Field: "elsewhere", Problem: "must not be below zero, is " + o.Elsewhere.String()}
	}
	if c, err := r.Amount.Cmp(o.Paid); err != nil || c > 0 {
		return Order{}, fmt.Errorf("%w: %s of %s paid", bankrail.ErrBudget, r.Amount, o.Paid)
	}
	return o, nil
}

// Get reads a refund from the journal, without asking the gateway. Like a repeated
// Create it tells a failed refund that the gateway executed all the same as Late.
//
// Errors: bankrail.ErrNotFound, bankrail.ErrUnavailable.
func (s *Service) Get(ctx context.Context, ch bankrail.Channel, number string) (*Refund, error) {
	id, err := s.id(Request{Number: number, Channel: ch})
	if err != nil {
		return nil, fmt.Errorf("refund: %w", err)
	}
	e, err := s.book.Get(ctx, id)
	if err == nil && e.Status == bankrail.Failed {
		late := id
		late.Op = id.Op.Correction()
		switch c, lerr := s.book.Get(ctx, late); {
		case lerr == nil:
			e = c
		case !errors.Is(lerr, bankrail.ErrNotFound):
			err = lerr
		}
	}
	if err != nil {
		return nil, fmt.Errorf("refund: %w", err)
	}
	return refundOf(e), nil
}

func refundOf(e journal.Entry) *Refund {
	id, late := e.ID, e.Op.IsCorrection()
	if late {
		id = e.Of
	}
	return &Refund{
		ID: id, Status: e.Status, Order: e.Order, Amount: e.Amount, Refunded: e.Settled,
		GatewayNumber: e.GatewayNumber, Code: e.Code, Message: e.Message, Operator: e.Operator,
		Late: late, Unconfirmed: e.Unconfirmed, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
}
