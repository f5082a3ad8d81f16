package sim

import (
	"time"

	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
)

// The times a Book promises for its copies, from its documentation.
const (
	sendBy      = 10 * time.Second
	callTimeout = 20 * time.Second
)

// mostSends is how many copies of a number a bank may ever get.
const mostSends = 6

// sent judges a copy that leaves, numbers it, and says whether it is the first. The
// node that sends paused until then, if it did.
func (a *auditor) sent(r refund.Request, pause time.Time) (serial int, first bool) {
	e, err := a.w.store.Store.Get(background(), idOf(r.Number))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.serial++
	l := a.of(r.Number)
	l.sent++
	a.w.say(r.Number, "copy %d leaves", l.sent)
	switch {
	case l.intent == nil:
		a.violated("I1", r.Number, "sent, although no host ever asked for this number")
	case l.intent.amount != r.Amount || l.intent.order != r.Order:
		a.violated("I1", r.Number, "sent as %s of %s, asked for as %s of %s", r.Amount, r.Order, l.intent.amount, l.intent.order)
	case l.sent > mostSends:
		a.violated("I8", r.Number, "sent %d times", l.sent)
	case err != nil || e.Sends < l.sent:
		a.violated("I1", r.Number, "copy %d leaves and the journal does not count it (%v)", l.sent, err)
	case now().After(e.LastSendBy.Add(callTimeout)):
		a.violated("I1", r.Number, "a copy leaves %s after it had to", now().Sub(e.LastSendBy))
	}
	a.heeds(r.Number, r.Amount, pause)
	a.again(l, r.Number)
	l.leftAt, l.serial = now(), a.serial
	l.alive++
	return a.serial, l.sent == 1
}

// again judges a copy that leaves while an earlier one may be alive.
func (a *auditor) again(l *ledger, number string) {
	if l.firstAt.IsZero() {
		l.firstAt = now()
	}
	if l.leftAt.IsZero() {
		return
	}
	a.w.saw("sent again")
	rules := a.w.plan.rules
	visible := rules.Visible
	if visible == 0 {
		visible = 10 * time.Minute
	}
	switch ago := now().Sub(l.leftAt); {
	case rules.Dedupe == journal.DedupeNone:
		a.violated("I1", number, "sent again to a bank that does not recognise numbers")
	case ago < visible:
		a.violated("I1", number, "sent again after %s: the copy before may be alive, or not visible yet", ago)
	case l.askedAt.Before(l.leftAt.Add(visible)):
		a.violated("I1", number, "sent again on the answer to a question that was put %s after the copy before", l.askedAt.Sub(l.leftAt))
	case now().Sub(l.firstAt) > rules.Horizon+sendBy+callTimeout:
		a.violated("I1", number, "sent again after the bank has forgotten it")
	}
}

// refused notes that the bank refused a copy and the node was told: if it was the
// only one that may be alive, none is now.
func (a *auditor) refused(p parcel) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.of(p.number); l.serial == p.serial && l.alive == 1 {
		l.leftAt, l.alive = time.Time{}, 0
	}
}
