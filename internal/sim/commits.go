package sim

import (
	"context"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

func background() context.Context { return context.Background() }

// inserted judges an insert that the database answered.
func (a *auditor) inserted(c journal.Change, err error) {
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.committed(c)
}

// applied judges a batch that the database answered.
func (a *auditor) applied(b journal.Batch, err error) {
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if b.Notice != nil {
		id := b.Notice.ID
		if a.inbox[id]++; a.inbox[id] > 1 {
			a.violated("I5", "", "notice %s was taken in twice", id)
		}
	}
	for _, c := range b.Changes {
		a.committed(c)
	}
	for _, an := range b.Anomalies {
		a.w.saw("anomaly " + string(an.Kind))
		a.of(an.Entry.Number).doubted = true
		a.w.say(an.Entry.Number, "anomaly %s: %s", an.Kind, an.Note)
	}
}

// committed judges one change at the instant of its commit.
func (a *auditor) committed(c journal.Change) {
	e := c.Entry
	a.w.say(e.Number, "journal: %s %s → %s #%d (%s: %s)", e.Op, c.From, e.Status, e.Version+1, c.Source, c.Note)
	if c.From != e.Status && c.From != 0 {
		a.w.saw("edge " + c.From.String() + ">" + e.Status.String())
	}
	if e.Cause != journal.CauseNone && (e.Status == bankrail.Manual || e.Status == bankrail.Failed) {
		a.w.saw("cause " + string(e.Cause))
	}
	if e.Op == bankrail.OpRefund {
		l := a.of(e.Number)
		l.failed = e.Status == bankrail.Failed
		a.word(l, e.Number)
		a.persons(l, c)
		a.records(e)
		a.news(l, c)
	}
	held := a.reserve[e.Order]
	if held == nil {
		held = map[bankrail.ID]int64{}
		a.reserve[e.Order] = held
	}
	switch held[e.ID] = 0; {
	case e.Status == bankrail.Succeeded: // a person may have seen another amount at the bank
		held[e.ID] = e.Settled.Minor()
	case e.Status.Reserves():
		held[e.ID] = e.Amount.Minor()
	}
	total := int64(0)
	for _, m := range held {
		total += m
	}
	if total > a.w.plan.paid && !a.spoilt[e.Order] {
		a.violated("I2", e.Number, "the entries of order %s hold %s of %s paid", e.Order, bankrail.CNY(total), bankrail.CNY(a.w.plan.paid))
	}
}

// news judges what a record makes of what the bank has said.
func (a *auditor) news(l *ledger, c journal.Change) {
	e := c.Entry
	switch {
	case e.Version == 0 && (e.Status == bankrail.Created || e.Status == bankrail.Processing) && a.waits(e.Number):
		a.violated("I5", e.Number, "recorded to be sent, although news of it waits in the inbox")
	case c.From != bankrail.Manual && e.Status == bankrail.Manual && e.Cause == journal.CauseTries && c.Source == journal.SourceQuery && l.said == bankrail.Processing:
		a.violated("I8", e.Number, "given up for want of an outcome, although the bank is on it")
	}
}

// word judges the promise as the record gives it: a number recorded as failed is told
// as an error to whoever asks, so the bank must not execute it, now or later.
func (a *auditor) word(l *ledger, number string) {
	if !l.failed || l.tainted {
		return
	}
	for _, r := range a.w.bank.recs {
		if r.number == number && r.live() {
			a.violated("I12", number, "the record says failed, and the bank executes it")
		}
	}
}

// moved judges the bank's own log after each change of it: I1, I2 and I12 hold at
// every instant.
func (a *auditor) moved(r *record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	number, intent, order := 0, 0, int64(0)
	l := a.of(r.number)
	for _, o := range a.w.bank.recs {
		if !o.live() {
			continue
		}
		if o.number == r.number {
			number++
		}
		ol := a.of(o.number)
		if ol.intent != nil && ol.intent == l.intent && !ol.tainted {
			intent++
		}
		if o.order == r.order && o.status() != bankrail.Reversed {
			order += o.amount.Minor()
		}
	}
	if l.tainted {
		return
	}
	a.word(l, r.number)
	if number > 1 {
		a.violated("I1", r.number, "the bank executes it %d times", number)
	}
	if intent > 1 {
		a.violated("I12", r.number, "the bank executes %d numbers of one intent", intent)
	}
	if order > a.w.plan.paid && !a.spoilt[r.order] {
		a.violated("I2", r.number, "the bank gives back %s of %s paid", bankrail.CNY(order), bankrail.CNY(a.w.plan.paid))
	}
}
