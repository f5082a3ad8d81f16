package lanhai

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/refund"
)

const (
	pathRefund = "/refunds"
	maxNumber  = 64
	maxReason  = 80
)

// refundRequest is the body of a refund (退费申请). Empty members are left out of the
// signed text by the rule, and out of the body so that both say the same.
type refundRequest struct {
	MerchantRefundNo string `json:"merchantRefundNo"` // 商户退费单号
	OriginalTradeNo  string `json:"originalTradeNo"`  // 原交易流水号
	RefundAmount     string `json:"refundAmount"`     // 退费金额, fen
	Currency         string `json:"currency"`
	Reason           string `json:"reason,omitempty"` // 退费原因
	NotifyURL        string `json:"notifyUrl,omitempty"`
}

// CheckRefund refuses what the bank would not take: numbers other than 1 to 64 of
// 0-9 A-Z a-z _ -, another currency than CNY, a reason of more than 80 characters or
// with control characters, and any Extra.
//
// Errors: *bankrail.FieldError.
func (g *Gateway) CheckRefund(r refund.Request) error {
	bad := func(field, problem string) error { return &bankrail.FieldError{Field: field, Problem: problem} }
	if len(r.Number) > maxNumber || !name(r.Number) {
		return bad("number", "the bank takes 1 to 64 of 0-9 A-Z a-z _ -")
	}
	trade := r.Trade
	if trade == "" {
		trade = r.Order
	}
	if len(trade) > maxNumber || !name(trade) {
		return bad("trade", "the bank takes 1 to 64 of 0-9 A-Z a-z _ -")
	}
	if r.Amount.Currency() != "CNY" {
		return bad("currency", fmt.Sprintf("the bank refunds CNY, not %.8q", string(r.Amount.Currency())))
	}
	if !r.Amount.Positive() {
		return bad("amount", "must be above zero, is "+r.Amount.String())
	}
	if !utf8.ValidString(r.Reason) || utf8.RuneCountInString(r.Reason) > maxReason {
		return bad("reason", "the bank takes at most 80 characters")
	}
	for _, c := range r.Reason {
		if unicode.IsControl(c) {
			return bad("reason", "holds a control character")
		}
	}
	for k := range r.Extra {
		return bad("extra", fmt.Sprintf("the bank knows no field %.32q", k))
	}
	return nil
}

// Refund sends the request (申请退款). A success, an acceptance and a failure come back
// as a Receipt; errors carry their Effect.
//
// WARNING: an error of it may be Unknown: the refund may have been executed. Call it
// through package refund, which records first and finds out.
//
// Errors: *bankrail.Error, *bankrail.FieldError.
// Source: the bank refund brief, request and signature steps 1 to 4.
func (g *Gateway) Refund(ctx context.Context, r refund.Request) (bankrail.Receipt, error) {
	if err := g.CheckRefund(r); err != nil {
		return bankrail.Receipt{}, err
	}
	body, err := g.refundBody(r)
	if err != nil {
		return bankrail.Receipt{}, err
	}
	call := client.Request{
		Op: bankrail.OpRefund, Number: r.Number, Method: http.MethodPost, Path: pathRefund,
		Body: body, MovesMoney: true,
	}
	m, raw, err := g.call(ctx, call, r.Trade)
	if err != nil {
		return bankrail.Receipt{}, err
	}
	return g.receipt(call, m, raw)
}

// refundBody is the same, byte for byte, each time a recorded request is sent.
func (g *Gateway) refundBody(r refund.Request) ([]byte, error) {
	trade := r.Trade
	if trade == "" {
		trade = r.Order
	}
	b, err := json.Marshal(refundRequest{
		MerchantRefundNo: r.Number, OriginalTradeNo: trade,
		RefundAmount: strconv.FormatInt(r.Amount.Minor(), 10), Currency: string(r.Amount.Currency()),
		Reason: r.Reason, NotifyURL: g.notify,
	})
	if err != nil {
		return nil, &bankrail.FieldError{Field: "request", Problem: "cannot be written as JSON", Err: err}
	}
	return b, nil
}

// call makes one round trip and reads the code of the verified answer. One that
// speaks of another number or trade is no answer, whatever its code: a refusal or a
// "no such refund" that belongs elsewhere must decide nothing here.
func (g *Gateway) call(ctx context.Context, r client.Request, trade string) (map[string]string, []byte, error) {
	a, err := g.client.Do(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	m, err := read(a.Body)
	if err == nil {
		err = about(m, r.Number, trade)
	}
	if err != nil {
		return nil, nil, &bankrail.Error{Gateway: g.channel.Gateway, Op: r.Op, HTTPStatus: a.HTTPStatus, Err: err}
	}
	if m["code"] != codeOK || a.HTTPStatus != http.StatusOK {
		return nil, nil, g.refusal(r, a, m)
	}
	return m, a.Body, nil
}

// about refuses an answer that names another number or trade than was asked for. It
// may name none: requestNonce ties it to its request.
func about(m map[string]string, number, trade string) error {
	if got := m["merchantRefundNo"]; got != "" && got != number {
		return &bankrail.FieldError{Field: "merchantRefundNo", Problem: "the answer is about another refund"}
	}
	if got := m["originalTradeNo"]; got != "" && trade != "" && got != trade {
		return &bankrail.FieldError{Field: "originalTradeNo", Problem: "the answer is about another trade"}
	}
	return nil
}
