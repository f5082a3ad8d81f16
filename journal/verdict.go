package journal

import (
	"errors"
	"time"

	"github.com/bankrail/bankrail"
)

// The steps a folder takes. Each appends to the batch and moves v.entry on, so that
// a second step of the same fact follows from the first.

// change appends one version of the entry.
func (v *folder) change(e Entry, note string, charge bankrail.Money) {
	from := v.entry.Status
	v.absence(&e)
	if v.fact.kind == factReceipt && v.fact.source != SourceOperator && e.Postponed {
		// The gateway has the copy that it had put off: it is asked, and not sent again.
		e.Postponed, e.Copies = false, max(e.Copies, 1)
	}
	if e.Proposal == v.entry.Proposal {
		e.Proposal = Proposal{} // whoever made it had not seen this
	}
	e.UpdatedAt = v.now
	if len(v.fact.reply) > 0 {
		e.Reply = v.fact.reply
	}
	c := Change{
		Entry: e, From: from, Source: v.fact.source, Evidence: v.fact.evidence,
		Note: note, Charge: charge, At: v.now,
	}
	if e.Status != from {
		c.Event = eventOf(e.Status)
	}
	v.batch.Changes = append(v.batch.Changes, c)
	e.Version++
	v.entry = e
}

// absence keeps when the gateway was asked that did not know the number; whatever it
// says of the number ends that. A question put before the last change may have been
// overtaken by it, and sets nothing.
func (v *folder) absence(e *Entry) {
	if v.fact.source == SourceOperator {
		return // a person's word is none of the gateway's
	}
	switch v.fact.kind {
	case factReceipt, factRefused, factDeferred:
		e.AbsentAt = time.Time{}
	case factNotFound:
		if v.fact.asked.After(v.entry.UpdatedAt) && v.fact.asked.After(e.AbsentAt) {
			e.AbsentAt = v.fact.asked
		}
	}
}

// against notes news of an entry that waits for a person. It concludes nothing, but
// makes a version: who decides must have seen it, and what was proposed or absent
// before is not any more.
func (v *folder) against(note string) {
	v.anomaly(AnomalyContradiction, note)
	if v.fact.source == SourceQuery {
		v.asleep(note)
		return
	}
	v.step(v.entry, note)
}

// step records what was learned without an outcome.
func (v *folder) step(e Entry, note string) { v.change(e, note, bankrail.Money{}) }

// tried spends one of the tries of an entry whose outcome is unknown.
func (v *folder) tried(note string) { v.spend(v.entry, note, CauseTries) }

func (v *folder) spend(e Entry, note string, last Cause) {
	e.Tries++
	if e.Tries >= len(v.book.cfg.Tries) {
		v.manual(e, last, note+"; no try left")
		return
	}
	e.NextAt = v.now.Add(v.book.wait(e.Tries))
	v.step(e, note)
}

// undecided notes a fact that concludes nothing, and has the gateway asked.
func (v *folder) undecided(note string) { v.doubted(note, CauseTries) }

// doubted is undecided, with the cause if it was the last try.
func (v *folder) doubted(note string, last Cause) {
	e := v.entry
	if s := v.fact.receipt.Status; e.AcceptedAt.IsZero() && s != bankrail.Failed && (s != 0 || !e.Offer) {
		e.AcceptedAt = v.now // whatever it means, the gateway has the number
	}
	switch {
	case v.fact.source != SourceQuery:
		e.NextAt = v.now
		v.step(e, note)
	case e.Status == bankrail.Manual:
		if last == CauseContradiction {
			e.Cause = last // used-up tries no longer say what is wrong with it
		}
		e.NextAt = time.Time{}
		v.step(e, note)
	default:
		v.spend(e, note, last)
	}
}

// asleep notes what a query of a Manual entry brought; it is asked only when woken.
func (v *folder) asleep(note string) {
	e := v.entry
	e.NextAt = time.Time{}
	v.step(e, note)
}

// manual gives the entry to a person. Its amount stays reserved.
func (v *folder) manual(e Entry, cause Cause, note string) {
	e.Status, e.Cause, e.NextAt, e.Message, e.Postponed = bankrail.Manual, cause, time.Time{}, note, false
	v.step(e, note)
	v.alarms = append(v.alarms, Alarm{Kind: AlarmManual, Entry: e.ID, Text: note, At: v.now})
}

// contradict gives the entry to a person because of news that cannot be.
func (v *folder) contradict(cause Cause, kind AnomalyKind, note string) {
	v.anomaly(kind, note)
	v.manual(v.entry, cause, note)
}

// anomaly notes what must not be, and alarms.
func (v *folder) anomaly(kind AnomalyKind, note string) {
	v.batch.Anomalies = append(v.batch.Anomalies, Anomaly{
		Kind: kind, Entry: v.entry.ID, Note: note, Evidence: v.fact.evidence, At: v.now,
	})
	v.alarms = append(v.alarms, Alarm{Kind: AlarmKind(kind), Entry: v.entry.ID, Text: note, At: v.now})
}

// succeed ends the entry. Where the gateway may move another amount, the budget is
// charged the difference.
func (v *folder) succeed(e Entry, note string) {
	var charge bankrail.Money
	if e.Held.Positive() && e.Settled != e.Held {
		if d, err := e.Settled.Sub(e.Held); err == nil {
			charge, e.Held = d, e.Settled
		}
	}
	e.Status, e.Cause, e.NextAt, e.Postponed = bankrail.Succeeded, CauseNone, time.Time{}, false
	if v.fact.source == SourceOperator {
		e.Cause = CauseDecided
	}
	v.change(e, note, charge)
}

// fail ends the entry and releases what it held.
func (v *folder) fail(e Entry, cause Cause, note string) {
	e.Cause, e.NextAt, e.Postponed = cause, time.Time{}, false
	v.release(e, bankrail.Failed, note)
}

// reverse records that the money came back, and releases it.
func (v *folder) reverse(e Entry) {
	v.release(e, bankrail.Reversed, "came back (bounce)")
}

func (v *folder) release(e Entry, to bankrail.Status, note string) {
	var charge bankrail.Money
	if e.Held.Positive() {
		charge, _ = (bankrail.Money{}).Sub(e.Held) // a positive amount always negates
	}
	e.Status, e.Held = to, bankrail.Money{}
	v.change(e, note, charge)
}

// learn takes over what the gateway calls the number.
func (v *folder) learn(e *Entry) {
	if n := v.fact.receipt.GatewayNumber; n != "" {
		e.GatewayNumber = n
	}
}

func eventOf(s bankrail.Status) EventType {
	return [...]EventType{
		bankrail.Created: EventCreated, bankrail.Processing: EventProcessing, bankrail.Manual: EventManual,
		bankrail.Succeeded: EventSucceeded, bankrail.Failed: EventFailed, bankrail.Reversed: EventReversed,
	}[s]
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func asError(err error) *bankrail.Error {
	var e *bankrail.Error
	errors.As(err, &e)
	return e
}
