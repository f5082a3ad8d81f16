package journal

import (
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
)

// judge says whether a decision may be taken of an entry; docs/states.md has the rules.
type judge struct {
	book  *Book
	entry Entry
	past  []Step
	rules Rules
	now   time.Time
}

// check finds what keeps a decision from being taken.
func (j judge) check(c Decision) error {
	e := j.entry
	switch {
	case e.Status.Final():
		return j.refuse(fmt.Sprintf("it is %s already; final states do not change", e.Status), time.Time{})
	case e.Status != bankrail.Manual:
		return j.refuse(fmt.Sprintf("it is %s: only what is manual waits for a person", e.Status), time.Time{})
	case c.Version != e.Version:
		return fmt.Errorf("journal: decision of %s: it has version %d now, not %d: look again: %w", e.ID, e.Version, c.Version, ErrLost)
	case c.Status == bankrail.Succeeded:
		return j.succeeded(c)
	case c.Proof == ProofAbsent:
		return j.absent()
	case c.Proof == ProofStatement:
		return j.statement(c)
	}
	return j.record()
}

// record: of several copies it tells of one; another may still be executed, unless the
// bank recognises failed numbers too.
func (j judge) record() error {
	e := j.entry
	grace := j.book.grace(e, j.rules)
	if e.Sends > 1 && j.rules.Dedupe != DedupeAll && j.now.Before(grace) {
		return j.refuse(fmt.Sprintf("%d copies were sent, and the last may still be executed", e.Sends), grace)
	}
	return nil
}

func (j judge) refuse(problem string, from time.Time) error {
	return &DecisionError{Entry: j.entry.ID, Problem: problem, From: from}
}

// succeeded: a person may read a number off a screen wrongly; another amount than was
// asked for takes the bank's record.
func (j judge) succeeded(c Decision) error {
	asked := j.entry.Amount
	switch {
	case c.Amount.Currency() != asked.Currency():
		return j.refuse(fmt.Sprintf("%s is another currency than that of the %s asked for", c.Amount, asked), time.Time{})
	case c.Amount != asked && c.Proof != ProofRecord:
		return j.refuse(fmt.Sprintf("%s moved instead of %s: that needs the bank's own record", c.Amount, asked), time.Time{})
	}
	return nil
}

// absent: the journal itself was told, late enough, that there is no such number, of
// a number that the bank never spoke of before.
func (j judge) absent() error {
	e := j.entry
	counts := j.last().Add(j.book.cfg.CallTimeout).Add(j.rules.visible())
	switch {
	case j.endless():
		return j.refuse("the bank lets nobody's offer expire, so that absence proves nothing: its own closed record is needed", time.Time{})
	case j.known():
		return j.refuse("the bank has known the number: its own refused, closed or failed record is needed", time.Time{})
	case e.AbsentAt.IsZero():
		return j.refuse("the bank has not said that it does not know the number: ask it", counts)
	case e.AbsentAt.Before(counts):
		return j.refuse(fmt.Sprintf("the bank was asked at %s, too early to count: ask again", e.AbsentAt.Format(time.RFC3339)), counts)
	}
	return nil
}

// statement: nothing is booked in statements that are complete for a whole day beyond
// the last on which it could be.
func (j judge) statement(c Decision) error {
	if j.endless() {
		return j.refuse("the bank lets nobody's offer expire, so that absence proves nothing: its own closed record is needed", time.Time{})
	}
	zone := c.CompleteThrough.Location()
	end := j.last().Add(j.book.cfg.CallTimeout).Add(j.rules.settles()).In(zone)
	needed := midnight(end, 2) // the booking day, and the day after it
	covered := midnight(c.CompleteThrough, 1)
	switch {
	case j.now.Before(covered):
		return j.refuse(fmt.Sprintf("the day %s is not over in %s: no statement is complete through it", c.CompleteThrough.Format(time.DateOnly), zone), covered)
	case covered.Before(needed):
		return j.refuse(fmt.Sprintf("it could be booked until %s: the statements have to be complete through %s",
			end.Format(time.RFC3339), midnight(end, 1).Format(time.DateOnly)), needed)
	}
	return nil
}

// midnight begins the day that is so many days after t, in the zone of t.
func midnight(t time.Time, days int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+days, 0, 0, 0, 0, t.Location())
}

// known reports whether the bank ever spoke of the number as one it has: what it said
// is in the history by its digest.
func (j judge) known() bool {
	e := j.entry
	if !e.AcceptedAt.IsZero() || e.GatewayNumber != "" || e.Cause.needsPerson() {
		return true
	}
	if e.Copies > 1 && e.Code != "" {
		return true // the refusal of a later copy may be the echo of one that it has
	}
	for _, s := range j.past {
		switch s.Source {
		case SourceAnswer, SourceNotification, SourceQuery, SourceStatement:
			if s.Evidence != ([32]byte{}) {
				return true
			}
		}
	}
	return false
}

// endless: an offer that the gateway never ends may be taken up at any time.
func (j judge) endless() bool {
	return j.entry.Offer && (!j.rules.Expiry || j.entry.Expires.IsZero())
}

// last is when the number may have reached the gateway at the latest: by the last
// copy, the payer of an offer, the gateway's own word that it has it; or, where
// somebody else must have sent it, by the last news of it.
func (j judge) last() time.Time {
	e := j.entry
	t := later(e.LastSendBy, e.AcceptedAt)
	if e.Offer {
		t = later(t, e.Expires)
	}
	if e.Sends > 0 {
		return t
	}
	t = later(t, e.CreatedAt)
	for _, s := range j.past {
		if s.From != s.To || s.Evidence != ([32]byte{}) && s.Source != SourceOperator {
			t = later(t, s.At)
		}
	}
	return t
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
