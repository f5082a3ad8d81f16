package sandbox

import (
	"net/http"
	"strconv"
)

// serveRefundQuery is POST /refunds/query (退款查询), by either side's number.
func (b *Bank) serveRefundQuery(w http.ResponseWriter, r *http.Request, c call) {
	number, bankNo := c.body.value("merchantRefundNo"), c.body.value("bankRefundNo")
	if number == "" && bankNo == "" || !plain(number, 0, 64, "_-") || !plain(bankNo, 0, 64, "_-") {
		b.send(w, c, refusal(c, "PARAM_ERROR", "give merchantRefundNo or bankRefundNo"))
		return
	}
	b.mu.Lock()
	rec := b.book.find(number, bankNo)
	key := number
	if rec != nil {
		key = rec.Number
	}
	count := b.book.queries["refund "+key]
	b.book.queries["refund "+key]++
	fault := b.fault(atQuery, key, key, count)
	rep := refusal(c, "REFUND_NOT_EXIST", "no such refund")
	hidden := fault == DeniedQuery || fault == StaleQuery && rec != nil && b.now().Sub(rec.AcceptedAt) < b.opts.StaleQuery
	if rec != nil && !hidden {
		rep = answer(c, rec.members()...)
	}
	b.mu.Unlock()
	b.disturb(w, r, c, rep, fault, key, count)
}

// find looks a record up. Two numbers must mean the same one.
func (k *book) find(number, bankNo string) *record {
	if bankNo != "" {
		r := k.byBankNo[bankNo]
		if r != nil && number != "" && r.Number != number {
			return nil
		}
		return r
	}
	if a := k.accounts[number]; a != nil {
		return a.last()
	}
	return nil
}

// members are what queries and notifications tell about a refund. Those without a
// value are there, empty, and not part of the signed text.
func (r *record) members() members {
	return members{
		{"bankRefundNo", r.BankRefundNo},
		{"merchantRefundNo", r.Number},
		{"originalTradeNo", r.TradeNo},
		{"refundAmount", strconv.FormatInt(r.Amount, 10)},
		{"currency", r.Currency},
		{"status", string(r.Status)},
		{"acceptedAt", stamp(r.AcceptedAt)},
		{"refundedAt", stamp(r.RefundedAt)},
		{"failCode", r.FailCode},
		{"failMessage", r.FailMessage},
		{"reversedAt", stamp(r.ReversedAt)},
	}
}

// serveTradeQuery is POST /trades/query (交易查询).
func (b *Bank) serveTradeQuery(w http.ResponseWriter, r *http.Request, c call) {
	number := c.body.value("originalTradeNo")
	if !plain(number, 1, 64, "_-") {
		b.send(w, c, refusal(c, "PARAM_ERROR", "originalTradeNo is not 1 to 64 of [0-9A-Za-z_-]"))
		return
	}
	b.mu.Lock()
	rep := refusal(c, "TRADE_NOT_EXIST", "no such trade")
	count := b.book.queries["trade "+number]
	b.book.queries["trade "+number]++
	if t := b.book.trades[number]; t != nil {
		rep = answer(c,
			member{"originalTradeNo", t.TradeNo},
			member{"tradeStatus", string(t.Status)},
			member{"paidAmount", strconv.FormatInt(t.PaidAmount, 10)},
			member{"refundedAmount", strconv.FormatInt(t.RefundedAmount, 10)},
			member{"currency", "CNY"},
		)
	}
	fault := b.fault(atQuery, number, "trade "+number, count)
	b.mu.Unlock()
	b.disturb(w, r, c, rep, fault, number, count)
}
