package sandbox

import (
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"
)

// An order is a refund request whose fields are well formed.
type order struct {
	number    string
	tradeNo   string
	amount    int64
	currency  string
	notifyURL string
}

// serveRefund is POST /refunds (申请退款).
func (b *Bank) serveRefund(w http.ResponseWriter, r *http.Request, c call) {
	o, problem := readOrder(c.body)
	if problem != "" {
		b.send(w, c, refusal(c, "PARAM_ERROR", problem))
		return
	}
	b.mu.Lock()
	a := b.book.account(o.number)
	count := a.Arrivals
	a.Arrivals++
	fault := b.fault(atRequest, o.number, o.number, count)
	b.mu.Unlock()
	b.refundWith(w, r, c, o, fault, count)
}

func readOrder(m members) (o order, problem string) {
	o = order{
		number: m.value("merchantRefundNo"), tradeNo: m.value("originalTradeNo"),
		currency: m.value("currency"), notifyURL: m.value("notifyUrl"),
	}
	amount := m.value("refundAmount")
	var err error
	o.amount, err = strconv.ParseInt(amount, 10, 64)
	switch {
	case !plain(o.number, 1, 64, "_-"):
		problem = "merchantRefundNo is not 1 to 64 of [0-9A-Za-z_-]"
	case !plain(o.tradeNo, 1, 64, "_-"):
		problem = "originalTradeNo is not 1 to 64 of [0-9A-Za-z_-]"
	case err != nil || strconv.FormatInt(o.amount, 10) != amount || o.amount <= 0 || o.amount > maxAmount:
		problem = "refundAmount is not a number of fen above 0"
	case o.currency != "CNY":
		problem = "currency is not CNY"
	case utf8.RuneCountInString(m.value("reason")) > 80:
		problem = "reason has more than 80 characters"
	case !validNotifyURL(o.notifyURL):
		problem = "notifyUrl is not https without a query, at most 256 bytes"
	}
	return o, problem
}

// validNotifyURL admits https, and in this sandbox http to the same machine. Empty
// means that the merchant only asks.
func validNotifyURL(s string) bool {
	if s == "" {
		return true
	}
	u, err := url.Parse(s)
	if err != nil || len(s) > 256 || u.Host == "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}

// accept books an order, or says why not. plan is the settlement's fault if one
// was scripted, else empty. Needs b.mu.
//
// The order of the rules matters: a repeat is answered from the record before any
// check that could refuse it.
func (b *Bank) accept(c call, o order, plan Fault) (reply, *record) {
	a := b.book.account(o.number)
	a.Copies++
	defer func() { b.append(entry{Account: a}) }()
	if r := a.last(); r != nil && !b.anew(r) {
		if r.TradeNo != o.tradeNo || r.Amount != o.amount || r.Currency != o.currency {
			return refusal(c, "NO_CONFLICT", "merchantRefundNo was used with another content"), nil
		}
		return acceptance(c, r), nil
	}
	t := b.book.trades[o.tradeNo]
	switch {
	case t == nil:
		return refusal(c, "TRADE_NOT_EXIST", "no such trade"), nil
	case t.Status != Paid && t.Status != PartRefunded:
		return refusal(c, "TRADE_STATUS_INVALID", "trade is "+string(t.Status)), nil
	case t.RefundedAmount+t.OpenAmount+o.amount > t.PaidAmount:
		return refusal(c, "REFUND_AMOUNT_EXCEEDED", "refunds would exceed what was paid"), nil
	}
	r := b.book.open(a, o, b.now(), b.opts.Seed)
	b.plan(a, r, plan)
	return acceptance(c, r), r
}

// anew says whether a number with this record may be executed once more.
func (b *Bank) anew(r *record) bool {
	return b.opts.Dedupe == DedupeNone || b.opts.Dedupe == DedupeSucceeded && r.Status == Fail
}

// open makes a record in PROCESSING.
func (k *book) open(a *account, o order, now time.Time, seed uint64) *record {
	if a.Seq == 0 {
		k.accepted++
		a.Seq = k.accepted
	}
	r := &record{
		Number: a.Number, TradeNo: o.tradeNo, Amount: o.amount, Currency: o.currency, NotifyURL: o.notifyURL,
		Status: Processing, AcceptedAt: now,
	}
	for i := len(a.Records); ; i += 1000 { // another one where the number is taken
		r.BankRefundNo = "LH" + token(18, seed, "bank number", a.Number, i)
		if k.byBankNo[r.BankRefundNo] == nil {
			break
		}
	}
	a.Records = append(a.Records, r)
	k.byBankNo[r.BankRefundNo] = r
	k.shift(r, "", Processing)
	return r
}

// acceptance answers with where the refund is. A reversed one was a success to
// this endpoint; the query tells more.
func acceptance(c call, r *record) reply {
	status := r.Status
	if status == Reversed {
		status = Success
	}
	return answer(c,
		member{"bankRefundNo", r.BankRefundNo},
		member{"merchantRefundNo", r.Number},
		member{"status", string(status)},
		member{"refundAmount", strconv.FormatInt(r.Amount, 10)},
		member{"acceptedAt", stamp(r.AcceptedAt)},
	)
}
