package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// entries lists the journal.
func (a *auditor) entries() []journal.Entry {
	es, _, err := a.w.store.Store.List(background(), journal.ListQuery{})
	if err != nil {
		a.violate("I4", "", "the journal cannot be read: %v", err)
	}
	return es
}

// unknowns judges I8 of entries whose outcome is unknown, 116 minutes after the last
// fault.
func (a *auditor) unknowns() {
	for _, e := range a.entries() {
		if e.Status == bankrail.Created || e.Status == bankrail.Processing && e.AcceptedAt.IsZero() {
			a.violate("I8", e.Number, "still %s, 116 minutes after the last fault (tries %d, next %s)", e.Status, e.Tries, since(e.NextAt))
		}
	}
}

// overdue judges I8 of accepted entries, once the bank's own time is over.
func (a *auditor) overdue() {
	for _, e := range a.entries() {
		late := now().Sub(e.AcceptedAt) - a.w.plan.rules.Settles
		if e.Status == bankrail.Processing && late > time.Minute {
			a.violate("I8", e.Number, "accepted, and still processing %s after the bank's own time", late)
		}
	}
}

// versions is the journal in one line.
func (a *auditor) versions() string {
	var b strings.Builder
	for _, e := range a.entries() {
		fmt.Fprintf(&b, "%s/%s %s #%d; ", e.Op, e.Number, e.Status, e.Version)
	}
	return b.String()
}

// finish judges what must be true at the end.
func (a *auditor) finish() {
	byID := map[bankrail.ID]journal.Entry{}
	for _, e := range a.entries() {
		byID[e.ID] = e
		a.history(e)
		if e.Status == bankrail.Created || e.Status == bankrail.Processing {
			a.violate("I8", e.Number, "still %s at the end", e.Status)
		}
	}
	for _, number := range a.order {
		a.promises(number, byID)
	}
	a.lines(byID)
	a.budgets(byID)
	if a.w.plan.vault {
		a.w.saw("secrets")
		a.secrets()
	}
	for id, n := range a.inbox {
		if n != 1 {
			a.violate("I5", "", "notice %s is in the inbox %d times", id, n)
		}
	}
}

// history judges I3, I4 and I6 of one entry.
func (a *auditor) history(e journal.Entry) {
	steps, err := a.w.store.Store.History(background(), e.ID)
	if err != nil || int64(len(steps)) != e.Version {
		a.violate("I4", e.Number, "%d steps for %d versions (%v)", len(steps), e.Version, err)
		return
	}
	var was bankrail.Status
	for i, s := range steps {
		switch {
		case s.Version != int64(i+1):
			a.violate("I4", e.Number, "step %d has version %d", i+1, s.Version)
		case s.From != was:
			a.violate("I4", e.Number, "step %d leaves %s, the one before ended in %s", i+1, s.From, was)
		case i > 0 && s.To != was && was.Final() && !was.MayBecome(s.To):
			a.violate("I3", e.Number, "%s became %s", was, s.To)
		case i > 0 && s.To != was && !was.MayBecome(s.To):
			a.violate("I4", e.Number, "no edge leads from %s to %s", was, s.To)
		case i == 0 || s.To != was:
			a.event(e, s)
		}
		was = s.To
	}
	if was != e.Status {
		a.violate("I4", e.Number, "the entry is %s, its history ends in %s", e.Status, was)
	}
}

// event judges that a change of status was published.
func (a *auditor) event(e journal.Entry, s journal.Step) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, ev := range a.events {
		if ev.Entry == e.ID && ev.Version == s.Version && ev.Status == s.To {
			return
		}
	}
	a.violated("I6", e.Number, "version %d (%s) was never published", s.Version, s.To)
}

// promises judges what callers were told: I7 and I12.
func (a *auditor) promises(number string, byID map[bankrail.ID]journal.Entry) {
	l := a.numbers[number]
	e, recorded := byID[idOf(number)]
	lives := false
	for _, r := range a.w.bank.recs {
		lives = lives || r.number == number && r.live()
	}
	if l.moved && recorded && !l.tainted && e.Status == bankrail.Manual && (e.Cause == journal.CauseTries || e.Cause == journal.CauseOverdue) {
		a.violate("I5", number, "news of success was acknowledged, and the entry still waits for a person (%s)", e.Cause)
	}
	if l.heard && !recorded && !a.waits(number) {
		a.violate("I5", number, "news was acknowledged, and is neither with an entry nor waiting for one")
	}
	if l.cancelled && lives && !l.tainted {
		a.violate("I12", number, "cancelled, and executed all the same")
	}
	for _, t := range l.answers {
		switch {
		case errors.Is(t.err, bankrail.ErrUnavailable):
		case errors.Is(t.err, bankrail.ErrConflict):
			a.violate("I7", number, "a repeat with the same content was answered %v", t.err)
		case t.err == nil && t.noRow:
		case t.err == nil && !recorded:
			a.violate("I7", number, "told as %s, and there is no record", t.status)
		case t.err == nil && t.status.Final() && !l.tainted && e.Status != t.status && !t.status.MayBecome(e.Status):
			a.violate("I7", number, "told as %s, and the record is %s", t.status, e.Status)
		case errors.Is(t.err, bankrail.ErrBudget) && !recorded && a.w.plan.inTx == 0 && !a.w.plan.hookInserts:
			a.violate("I12", number, "Create returned the error %q, and no record keeps another call of the number from landing", t.err)
		case t.err == nil || l.tainted:
		case errors.Is(t.err, bankrail.ErrFailed) && (!recorded || e.Status != bankrail.Failed):
			a.violate("I7", number, "told as failed, and the record is %s", e.Status)
		case lives && (errors.Is(t.err, bankrail.ErrFailed) || t.alone && t.nth == l.called && !l.unanswered):
			a.violate("I12", number, "Create returned the error %q, and the bank executes it", t.err)
		}
	}
}

// lines judges I9: each line of the last statement is in exactly one class.
func (a *auditor) lines(byID map[bankrail.ID]journal.Entry) {
	for _, r := range a.w.bank.recs {
		s := r.status()
		if !r.opened || s != bankrail.Succeeded && s != bankrail.Reversed {
			continue
		}
		e, ok := byID[idOf(r.number)]
		if e.Status == bankrail.Failed {
			late := e.ID
			late.Op = late.Op.Correction()
			e, ok = byID[late]
		}
		agrees := ok && e.Status == s && e.Settled == r.amount
		l := a.of(r.number)
		honest := !l.tainted && l.intent != nil && r.amount == l.intent.amount
		person := ok && (e.Status == bankrail.Manual || l.doubted && !honest)
		if !agrees && !person {
			a.violate("I9", r.number, "the statement says %s %s, the journal %s %s", s, r.amount, e.Status, e.Settled)
		}
	}
}

// budgets judges I2 by what the journal itself says of every order.
func (a *auditor) budgets(byID map[bankrail.ID]journal.Entry) {
	held, late := map[string]int64{}, map[string]bool{}
	for _, e := range byID {
		held[e.Order] += e.Held.Minor()
		late[e.Order] = late[e.Order] || e.Op.IsCorrection()
	}
	for order, sum := range held {
		b, err := a.w.store.Store.Budget(background(), channel(), order)
		switch {
		case errors.Is(err, bankrail.ErrNotFound) && sum == 0 && !late[order]:
		case err != nil || b.Held.Minor() != sum:
			a.violate("I2", "", "the entries of order %s hold %s, its budget says %s (%v)", order, bankrail.CNY(sum), b.Held, err)
		case late[order] && !b.Stopped:
			a.violate("I2", "", "order %s goes on although a failed number of it was executed", order)
		}
	}
}

// bounces judges I5 before the last statement could mend it: a bounce that the bank
// was told is safe shows in the record, unless a person has overruled it.
func (a *auditor) bounces() {
	es := a.entries()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range es {
		if l := a.of(e.Number); l.bounced && !l.tainted && e.Op == bankrail.OpRefund && e.Status == bankrail.Succeeded && e.Cause != journal.CauseDecided && !a.waits(e.Number) {
			a.violated("I5", e.Number, "news of a bounce was acknowledged, and the record does not know it")
		}
	}
}

// waits reports whether news of a number waits in the inbox.
func (a *auditor) waits(number string) bool {
	ps, err := a.w.store.Store.Pending(background(), journal.PendingQuery{ID: idOf(number), Limit: 1})
	return err == nil && len(ps) > 0
}
