package sandbox

import (
	"net/http"
	"strconv"
)

// refundWith executes a refund request under a fault: what happens in the books
// is decided here, what happens to the answer in disturb.
func (b *Bank) refundWith(w http.ResponseWriter, r *http.Request, c call, o order, fault Fault, count int) {
	var plan Fault
	if known(atSettle, fault) {
		plan, fault = fault, None
	}
	b.mu.Lock()
	a := b.book.account(o.number)
	last := a.last()
	repeat := last != nil && !b.anew(last)
	switch {
	case fault == FrequencyLimited, fault == IPRefused, fault == RequestLost:
		b.mu.Unlock()
		b.disturb(w, r, c, reply{}, fault, o.number, count)
		return
	case fault == LateArrival:
		b.arriveLate(c, o)
		b.mu.Unlock()
		drop(w, false)
		return
	case fault == BalanceNotEnough && !repeat:
		b.mu.Unlock()
		b.send(w, c, refusal(c, "BALANCE_NOT_ENOUGH", "merchant's balance is not enough"))
		return
	case fault == SecondCopyRefused && repeat:
		a.Copies++
		b.append(entry{Account: a})
		b.mu.Unlock()
		b.disturb(w, r, c, echo(c, b.opts.Seed, o.number, count), None, o.number, count)
		return
	case fault == EarlyNotice && !repeat:
		plan = EarlyNotice
	}
	rep, rec := b.accept(c, o, plan)
	var early *notice
	if plan == EarlyNotice && rec != nil {
		early = b.move(rec, Success)
		b.append(entry{Account: a})
	}
	b.mu.Unlock()
	if early != nil && b.commit() == nil {
		b.deliver(early)
	}
	b.disturb(w, r, c, rep, fault, o.number, count)
}

// echo is the refusal of a repeat whose first copy was accepted: true of the
// repeat, and false of the refund.
func echo(c call, seed uint64, number string, count int) reply {
	if hash(seed, "echo", number, count)%2 == 0 {
		return refusal(c, "REFUND_AMOUNT_EXCEEDED", "refunds would exceed what was paid")
	}
	return refusal(c, "NO_CONFLICT", "merchantRefundNo was used before")
}

// arriveLate executes a request after its client has given up. A request on the
// way is not in the ledger file: a killed bank never got it. Needs b.mu.
func (b *Bank) arriveLate(c call, o order) {
	b.schedule(b.now().Add(b.opts.Delay), false, func() {
		b.mu.Lock()
		b.accept(c, o, "")
		b.mu.Unlock()
		_ = b.commit() // nobody waits for the answer
	})
}

// disturb sends an answer, or what a fault makes of it. By now the books are
// written; not before they are on disk does anybody hear of them.
func (b *Bank) disturb(w http.ResponseWriter, r *http.Request, c call, rep reply, fault Fault, key string, count int) {
	if err := b.commit(); err != nil {
		b.log.Error("ledger file is broken, no more answers", "err", err)
		drop(w, false)
		return
	}
	if fault != None {
		b.log.Debug("fault", "fault", string(fault), "number", key, "count", count)
	}
	switch fault {
	case ReplyLost, RequestLost:
		drop(w, false)
		return
	case ConnectionDies:
		drop(w, true)
		return
	case ReplyDelayed:
		if !b.hold(r) {
			drop(w, false)
			return
		}
	case SystemError:
		rep = refusal(c, "SYSTEM_ERROR", "please query later")
	case FrequencyLimited:
		rep = refusal(c, "FREQUENCY_LIMITED", "too many requests")
	case IPRefused:
		rep = refusal(c, "IP_NOT_ALLOWED", "caller's address is not allowed")
	case UnsignedRefusal:
		rep = refusal(c, "REFUND_AMOUNT_EXCEEDED", "refunds would exceed what was paid")
		rep.unsigned = true
	case GatewayPage:
		rep = reply{status: http.StatusBadGateway, html: true}
		if hash(b.opts.Seed, "page", key, count)%2 == 0 {
			rep.status = http.StatusGatewayTimeout
		}
	case HTMLOK:
		rep = reply{status: http.StatusOK, html: true}
	case CutReply:
		rep.cut = true
	case WrongSign:
		rep.wrongSign = true
	case AbsentSign:
		rep.noSign = true
	case OtherNumber, OtherAmount:
		rep.body = b.lie(rep.body, fault, key, count)
	}
	b.send(w, c, rep)
}

// lie changes an accepted answer about a refund to be about another number or
// amount. Refusals and trades stay as they are.
func (b *Bank) lie(body members, fault Fault, key string, count int) members {
	amount, err := strconv.ParseInt(body.value("refundAmount"), 10, 64)
	if err != nil {
		return body
	}
	if fault == OtherAmount {
		return body.with("refundAmount", strconv.FormatInt(amount+1+int64(hash(b.opts.Seed, "lie", key, count)%1000), 10))
	}
	return body.
		with("merchantRefundNo", "X"+token(12, b.opts.Seed, "other number", key, count)).
		with("bankRefundNo", "LH"+token(18, b.opts.Seed, "other bank number", key, count))
}

// hold keeps an answer back until Options.Delay has passed; false means that
// nobody waits for it any more.
func (b *Bank) hold(r *http.Request) bool {
	passed := make(chan struct{})
	b.mu.Lock()
	b.schedule(b.now().Add(b.opts.Delay), false, func() { close(passed) })
	b.mu.Unlock()
	select {
	case <-passed:
		return true
	case <-r.Context().Done():
	case <-b.ctx.Done():
	}
	return false
}
