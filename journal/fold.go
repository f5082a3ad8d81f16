package journal

import (
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
)

// verdict is what a fact turns an entry into: a batch to commit, and what to say
// once it is committed.
type verdict struct {
	// entry is the entry as the batch leaves it.
	entry  Entry
	batch  Batch
	alarms []Alarm
	// again: another copy may be sent, after a compare-and-swap that counts it.
	again bool
	// againBy is when the gateway may forget the number: none leaves later.
	againBy time.Time
}

// folder folds one fact into one entry. It decides and touches nothing: the rules of
// docs/states.md are here and nowhere else.
type folder struct {
	book *Book
	fact fact
	// rules is the zero Rules where the fact came without its driver: then nothing is
	// concluded that a gateway's promise would have to carry.
	rules Rules
	now   time.Time
	// late is the correction of the entry, where there is one.
	late *Entry
	verdict
}

func (b *Book) fold(e Entry, late *Entry, f fact, r Rules, now time.Time) verdict {
	v := folder{book: b, fact: f, rules: r, now: now, late: late, verdict: verdict{entry: e}}
	switch f.kind {
	case factReceipt:
		v.receipt()
	case factNotFound:
		v.notFound()
	case factRefused:
		v.refused()
	case factDeferred:
		v.deferred()
	case factNotSent:
		v.notSent()
	case factNothing:
		v.nothing()
	}
	return v.verdict
}

// receipt folds what the gateway said of the number.
func (v *folder) receipt() {
	r := v.fact.receipt
	if v.entry.Status == bankrail.Created {
		v.contradict(CauseEarly, AnomalyEarly, "the gateway has news of a number that was never sent")
		return
	}
	switch r.Status {
	case bankrail.Processing:
		v.accepted()
	case bankrail.Failed:
		v.failed()
	case bankrail.Succeeded, bankrail.Reversed:
		v.moved(r.Status)
	default:
		if v.entry.Status.Open() {
			v.undecided("the gateway used a status that is not listed: ask")
		}
	}
}

// accepted: the gateway is on it. That is no unknown outcome and spends no try.
func (v *folder) accepted() {
	e := v.entry
	if e.Status != bankrail.Processing {
		switch {
		case e.Status == bankrail.Manual:
			v.acknowledged()
		case e.Status == bankrail.Failed && e.Cause != CauseFailed && v.late == nil:
			// After a reported failure it is old news; after a refusal, or where nothing
			// was ever sent, it cannot be.
			v.anomaly(AnomalyContradiction, "the gateway is on it, although it refused it or never had it")
		}
		return
	}
	if amount := v.fact.receipt.Amount; (amount != bankrail.Money{}) && amount != e.Amount && !e.AnyAmount {
		v.otherAmount(amount) // it has accepted something, but not this
		return
	}
	note := "still processing at the gateway"
	if e.AcceptedAt.IsZero() {
		e.AcceptedAt, note = v.now, "accepted by the gateway"
	}
	v.learn(&e)
	end := e.AcceptedAt.Add(v.rules.settles())
	if v.fact.source != SourceQuery {
		// News may bring the next look forward, never put it off: a gateway that keeps
		// saying "processing" must not keep the entry open for ever.
		e.NextAt = earliest(e.NextAt, earliest(v.now.Add(v.book.wait(e.Asks)), end))
		v.step(e, note)
		return
	}
	if !v.fact.asked.Before(end) {
		v.manual(e, CauseOverdue, "accepted, but not settled within the gateway's own time")
		return
	}
	e.Asks++
	e.NextAt = earliest(v.now.Add(v.book.wait(e.Asks)), end)
	v.step(e, note)
}

// acknowledged: the gateway is on it, too late to keep it from a person; but now its
// absence proves nothing any more.
func (v *folder) acknowledged() {
	e := v.entry
	known := !e.AcceptedAt.IsZero() && e.AbsentAt.IsZero() && e.Proposal == Proposal{}
	if known && v.fact.source != SourceQuery {
		return // said before
	}
	if e.AcceptedAt.IsZero() {
		e.AcceptedAt = v.now
	}
	e.NextAt = time.Time{}
	v.step(e, "still processing at the gateway")
}

// failed: the gateway reports that it did not do it.
func (v *folder) failed() {
	e := v.entry
	switch e.Status {
	case bankrail.Failed:
	case bankrail.Succeeded, bankrail.Reversed:
		v.anomaly(AnomalyContradiction, fmt.Sprintf("the gateway reports %s as failed", e.Status))
	case bankrail.Processing, bankrail.Manual:
		switch {
		case e.Cause.needsPerson():
			v.against("failure reported of an entry that waits for a person")
		case v.failureDecides():
			e.Code, e.Message = v.fact.receipt.Code, v.fact.receipt.Message
			v.fail(e, CauseFailed, "failed at the gateway")
		default:
			v.undecided("failure reported, but an earlier copy may still be executed")
		}
	}
}

// failureDecides: failure news speaks of the only copy that ever left, or answers the
// only one alive; or of a number the gateway remembers for good; or it was asked when no
// other copy could be alive. Late news may be of a copy that was refused for now.
func (v *folder) failureDecides() bool {
	e := v.entry
	only := e.Copies <= 1 && (e.Sends <= 1 || v.fact.source == SourceAnswer)
	return only && !e.Offer || v.rules.Dedupe == DedupeAll || v.pastGrace()
}

// pastGrace reports whether the fact is the answer to a query put after the last
// copy's grace.
func (v *folder) pastGrace() bool {
	return v.fact.source == SourceQuery && !v.fact.asked.Before(v.book.grace(v.entry, v.rules))
}

// moved: money moved, and perhaps came back.
func (v *folder) moved(to bankrail.Status) {
	e, amount := v.entry, v.fact.receipt.Amount
	if e.Status == bankrail.Failed {
		v.lateSuccess(to, amount)
		return
	}
	if e.Status == bankrail.Reversed && (amount != bankrail.Money{}) && amount != e.Settled {
		// A bounce that named no amount was taken for that of the record.
		v.otherAmount(amount)
		return
	}
	if e.Status == bankrail.Reversed || e.Status == bankrail.Succeeded && to == bankrail.Succeeded && (amount == e.Settled || amount == bankrail.Money{}) {
		return // said before, or overtaken by the bounce
	}
	if e.Cause.needsPerson() {
		v.against(fmt.Sprintf("%s reported of an entry that waits for a person", to))
		return
	}
	if (amount == bankrail.Money{}) {
		if to == bankrail.Succeeded {
			v.undecided("success without an amount: ask")
			return
		}
		amount = e.Amount // a bounce gives back what had moved
		if e.Status == bankrail.Succeeded {
			amount = e.Settled
		}
	}
	if e.Status == bankrail.Succeeded && amount != e.Settled || e.Status != bankrail.Succeeded && amount != e.Amount && !e.AnyAmount {
		v.otherAmount(amount)
		return
	}
	if e.Status != bankrail.Succeeded {
		v.learn(&e)
		e.Settled, e.Code, e.Message = amount, "", ""
		v.succeed(e, "succeeded at the gateway")
	}
	if to == bankrail.Reversed {
		v.reverse(v.entry)
	}
}

// otherAmount: the gateway speaks of an amount nobody asked for. One message may be
// wrong at its source, so the entry stays open and the gateway is asked; when it
// keeps saying so until the tries are used up, that is a contradiction.
func (v *folder) otherAmount(amount bankrail.Money) {
	note := fmt.Sprintf("the gateway says %s, the record %s", amount, v.entry.Amount)
	v.anomaly(AnomalyAmount, note)
	if v.entry.Status.Open() {
		v.doubted(note, CauseContradiction)
	}
}

// lateSuccess: the gateway had refused or failed the number, and did it all the
// same. The failed entry stays; a correction holds the money.
func (v *folder) lateSuccess(to bankrail.Status, amount bankrail.Money) {
	e := v.entry
	if (amount == bankrail.Money{}) {
		amount = e.Amount
	}
	switch {
	case amount.Currency() != e.Amount.Currency():
		// The order's budget has one currency; a person has to see what this is.
		v.anomaly(AnomalyLateSuccess, fmt.Sprintf("%s moved after the number had failed: another currency than the order's", amount))
		return
	case v.late == nil:
		c := e
		c.ID.Op, c.Of, c.Version = e.Op.Correction(), e.ID, 0
		c.Status, c.Cause, c.Code, c.Message = bankrail.Succeeded, CauseNone, "", ""
		c.Settled, c.Held, c.Sealed, c.NextAt = amount, amount, nil, time.Time{}
		c.CreatedAt, c.UpdatedAt, c.Attempt = v.now, v.now, token()
		v.learn(&c)
		note := fmt.Sprintf("%s moved after the number had failed", amount)
		v.anomaly(AnomalyLateSuccess, note)
		v.batch.Changes = append(v.batch.Changes, Change{
			Entry: c, Source: v.fact.source, Evidence: v.fact.evidence, Note: note,
			Charge: amount, Stop: true, Event: EventLateSuccess, At: v.now,
		})
		c.Version = 1
		v.late = &c
	case amount != v.late.Settled:
		v.anomaly(AnomalyAmount, fmt.Sprintf("the gateway says %s, the correction %s", amount, v.late.Settled))
		return
	}
	if to == bankrail.Reversed && v.late.Status == bankrail.Succeeded {
		failed := v.entry
		v.entry = *v.late
		v.reverse(v.entry)
		v.entry = failed
	}
}

// notFound: the gateway does not know the number. Rarely does that say anything.
func (v *folder) notFound() {
	e := v.entry
	switch {
	case e.Status == bankrail.Manual:
		v.asleep("the gateway does not know the number")
	case e.Status != bankrail.Processing || e.Postponed: // no copy is out
	case e.Offer:
		v.offerNotFound()
	case !v.pastGrace() && !e.AcceptedAt.IsZero():
		// Accepted is not unknown, and its books may be behind: that spends no try.
		e.Asks++
		e.NextAt = v.now.Add(v.book.wait(e.Asks))
		v.step(e, "accepted, and not found, which says nothing before "+v.book.grace(e, v.rules).Format(time.RFC3339))
	case !v.pastGrace():
		v.tried("not found, which says nothing before " + v.book.grace(e, v.rules).Format(time.RFC3339))
	case e.Cause == CauseRefused && e.Copies <= 1 && e.AcceptedAt.IsZero():
		v.fail(e, CauseRefused, "refused, and not found after every copy's life")
	case v.mayResend():
		if v.tried("not found after every copy's life: may be sent again"); v.entry.Status == bankrail.Processing {
			v.again, v.againBy = true, v.forgets()
		}
	case !e.AcceptedAt.IsZero():
		v.tried("accepted earlier, now not found")
	default:
		v.manual(e, CauseTries, "not found after every copy's life, and the gateway does not recognise a repeated number")
	}
}

// offerNotFound: before the payer scanned, a gateway knows nothing of an offer.
func (v *folder) offerNotFound() {
	e := v.entry
	end := e.Expires.Add(v.rules.visible())
	if v.rules.Expiry && !e.Expires.IsZero() && !v.fact.asked.Before(end) {
		if !e.AcceptedAt.IsZero() {
			v.tried("the offer was taken up, now it is not found")
			return
		}
		v.fail(e, CauseFailed, "the offer expired and the gateway does not know it")
		return
	}
	e.Asks++
	e.NextAt = v.now.Add(v.book.wait(e.Asks))
	v.step(e, "not taken up yet")
}

// mayResend: the gateway recognises the number until the copy must have arrived, and
// never said it had it.
func (v *folder) mayResend() bool {
	e := v.entry
	return v.rules.Dedupe != DedupeNone && e.AcceptedAt.IsZero() && e.Sends < MaxSends && v.now.Before(v.forgets())
}

// forgets is from when on a copy could arrive after the gateway forgot the number.
func (v *folder) forgets() time.Time {
	return v.entry.FirstSend.Add(v.rules.Horizon - v.book.cfg.SendBy - v.book.cfg.CallTimeout)
}

// refused: the gateway will not execute this copy. That ends the entry only if it
// answers the only copy there is.
func (v *folder) refused() {
	e := v.entry
	e.Code, e.Message = said(v.fact.err)
	switch {
	case e.Status == bankrail.Succeeded || e.Status == bankrail.Reversed || !e.AcceptedAt.IsZero() && e.Status.Open():
		if e.Copies <= 1 {
			v.anomaly(AnomalyContradiction, fmt.Sprintf("refused (%s) after the gateway had it", e.Code))
		}
	case e.Status != bankrail.Processing:
	case e.Copies > 1 || e.Offer:
		v.step(e, fmt.Sprintf("refused (%s), which may be the echo of an earlier copy", e.Code))
	case v.rules.Dedupe == DedupeNone:
		e.Cause = CauseRefused
		v.step(e, fmt.Sprintf("refused (%s): a query confirms it", e.Code))
	default:
		v.fail(e, CauseRefused, fmt.Sprintf("refused (%s)", e.Code))
	}
}

// deferred: not now. The same number may go again, if the host lets it wait.
func (v *folder) deferred() {
	e := v.entry
	if e.Status != bankrail.Processing || e.Copies > 1 || e.Offer || !e.AcceptedAt.IsZero() || v.rules.Dedupe == DedupeNone {
		v.refused()
		return
	}
	var pause time.Duration
	if be := asError(v.fact.err); be != nil {
		pause = min(be.RetryAfter, time.Hour) // beyond that it is no pause any more
	}
	next := v.now.Add(max(pause, v.book.cfg.SendBy))
	if !next.Before(e.SendUntil) || e.Sends >= MaxSends {
		v.refused()
		return
	}
	e.Copies, e.Postponed, e.NextAt = 0, true, next
	e.Code, e.Message = said(v.fact.err)
	v.step(e, fmt.Sprintf("refused for now (%s)", e.Code))
}

// notSent: this copy never left.
func (v *folder) notSent() {
	e := v.entry
	if e.Status != bankrail.Processing || e.Copies == 0 {
		return
	}
	e.Copies--
	next := v.now.Add(v.book.cfg.SendBy)
	wait := next.Before(e.SendUntil)
	message := words(v.fact.err)
	switch {
	case e.Copies > 0 || !e.AcceptedAt.IsZero():
		v.step(e, "this copy did not leave: "+message)
	case wait && e.Sends == 1:
		e.Status, e.Sends, e.FirstSend, e.LastSendBy, e.NextAt = bankrail.Created, 0, time.Time{}, time.Time{}, next
		v.step(e, "did not leave, waits: "+message)
	case wait:
		e.Sends-- // or a bank that cannot be reached would use up the copies that may go
		e.Postponed, e.NextAt = true, next
		v.step(e, "did not leave, waits: "+message)
	default:
		e.Code, e.Message = said(v.fact.err)
		v.fail(e, CauseNeverSent, "did not leave: "+message)
	}
}

// A query every five minutes: after an hour of silence a person hears of it, and then
// once a day.
const (
	anHour = 12
	aDay   = 24 * anHour
)

// nothing: no answer, or none that can be believed. The schedule stays.
func (v *folder) nothing() {
	e := v.entry
	message := words(v.fact.err)
	switch {
	case e.Status == bankrail.Processing && v.fact.source == SourceAnswer:
		v.step(e, "outcome unknown: "+message)
	case e.Status == bankrail.Processing && v.fact.source == SourceQuery && !e.Postponed:
		e.Asks++
		e.NextAt = v.now.Add(min(v.book.wait(e.Asks), 5*time.Minute))
		v.step(e, "asked, no answer: "+message)
		if e.Asks%aDay == anHour {
			v.alarms = append(v.alarms, Alarm{Kind: AlarmUnanswered, Entry: e.ID, Text: v.batch.Changes[0].Note, At: v.now})
		}
	case e.Status == bankrail.Manual && v.fact.source == SourceQuery:
		v.asleep("asked, no answer: " + message)
	}
}
