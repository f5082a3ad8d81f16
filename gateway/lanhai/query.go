package lanhai

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/refund"
)

const (
	pathRefundQuery = "/refunds/query"
	pathTradeQuery  = "/trades/query"
)

// statuses maps the bank's refund states. One that is not listed stays zero, and
// concludes nothing.
//
// Source: the bank refund brief, state machine (SUCCESS, FAIL, PROCESSING); the
// bounce is the sandbox contract's.
var statuses = map[string]bankrail.Status{
	"PROCESSING": bankrail.Processing,
	"SUCCESS":    bankrail.Succeeded,
	"FAIL":       bankrail.Failed,
	"REVERSED":   bankrail.Reversed,
}

// QueryRefund asks what became of a refund (退费查询).
//
// Errors: *bankrail.Error; it is bankrail.ErrNotFound where the bank says,
// authentically, that it has no such number. That is no failure: the number may
// still be on its way.
func (g *Gateway) QueryRefund(ctx context.Context, r refund.Request) (bankrail.Receipt, error) {
	body, err := json.Marshal(map[string]string{"merchantRefundNo": r.Number})
	if err != nil {
		return bankrail.Receipt{}, &bankrail.FieldError{Field: "number", Problem: "cannot be written as JSON", Err: err}
	}
	call := client.Request{Op: bankrail.OpRefund, Number: r.Number, Method: http.MethodPost, Path: pathRefundQuery, Body: body}
	m, raw, err := g.call(ctx, call, r.Trade)
	if err != nil {
		return bankrail.Receipt{}, err
	}
	return g.receipt(call, m, raw)
}

// receipt reads a verified answer about a refund. One that names no refund says
// nothing about this one.
func (g *Gateway) receipt(call client.Request, m map[string]string, raw []byte) (bankrail.Receipt, error) {
	fail := func(err error) (bankrail.Receipt, error) {
		return bankrail.Receipt{}, &bankrail.Error{Gateway: g.channel.Gateway, Op: call.Op, HTTPStatus: http.StatusOK, Err: err}
	}
	if m["merchantRefundNo"] == "" {
		return fail(&bankrail.FieldError{Field: "merchantRefundNo", Problem: "the answer names no refund"})
	}
	r, err := parse(m)
	if err != nil {
		return fail(err)
	}
	r.Raw = raw
	return r, nil
}

// parse reads the members that answers and notifications share.
func parse(m map[string]string) (bankrail.Receipt, error) {
	r := bankrail.Receipt{
		Number: m["merchantRefundNo"], GatewayNumber: m["bankRefundNo"], Status: statuses[m["status"]],
		Code: m["failCode"], Message: m["failMessage"],
	}
	if s := m["refundAmount"]; s != "" {
		currency := m["currency"]
		if currency == "" {
			currency = "CNY" // the contract has no other
		}
		var err error
		if r.Amount, err = bankrail.ParseMinor(s, bankrail.Currency(currency)); err != nil {
			return r, fmt.Errorf("refundAmount: %w", err)
		}
	}
	for _, name := range []string{"reversedAt", "refundedAt", "acceptedAt"} {
		s := m[name]
		if s == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return r, &bankrail.FieldError{Field: name, Problem: "want a time as 2006-01-02T15:04:05+08:00"}
		}
		r.At = at.UTC()
		break
	}
	return r, nil
}

// tradeStatuses maps the bank's trade states to what a refund must know.
var tradeStatuses = map[string]refund.OrderStatus{
	"PAID":          refund.OrderPaid,
	"PART_REFUNDED": refund.OrderPartlyRefunded,
	"REFUNDED":      refund.OrderRefunded,
	"CLOSED":        refund.OrderClosed,
}

// Order asks the bank what was paid for an order whose number is the trade number
// (交易查询), for hosts that keep no orders of their own.
//
// Errors: *bankrail.Error; bankrail.ErrNotFound where there is no such trade.
func (g *Gateway) Order(ctx context.Context, number string) (refund.Order, error) {
	if len(number) > maxNumber || !name(number) {
		return refund.Order{}, &bankrail.FieldError{Field: "order", Problem: "the bank takes 1 to 64 of 0-9 A-Z a-z _ -"}
	}
	body, err := json.Marshal(map[string]string{"originalTradeNo": number})
	if err != nil {
		return refund.Order{}, &bankrail.FieldError{Field: "order", Problem: "cannot be written as JSON", Err: err}
	}
	call := client.Request{Op: bankrail.OpRefund, Number: number, Method: http.MethodPost, Path: pathTradeQuery, Body: body}
	m, _, err := g.call(ctx, call, number)
	if err != nil {
		return refund.Order{}, noTrade(err)
	}
	fail := func(err error) (refund.Order, error) {
		return refund.Order{}, &bankrail.Error{Gateway: g.channel.Gateway, Op: call.Op, HTTPStatus: http.StatusOK, Err: err}
	}
	if m["originalTradeNo"] == "" {
		return fail(&bankrail.FieldError{Field: "originalTradeNo", Problem: "the answer names no trade"})
	}
	status, ok := tradeStatuses[m["tradeStatus"]]
	if !ok {
		return fail(&bankrail.FieldError{Field: "tradeStatus", Problem: fmt.Sprintf("not listed: %.16q", m["tradeStatus"])})
	}
	paid, err := bankrail.ParseMinor(m["paidAmount"], bankrail.Currency(m["currency"]))
	if err != nil {
		return fail(fmt.Errorf("paidAmount: %w", err))
	}
	return refund.Order{Number: number, Trade: number, Status: status, Paid: paid}, nil
}
