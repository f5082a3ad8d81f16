package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// persons settles what is Manual, by what they find at the bank at that moment, while
// queries and news go on.
func (w *world) persons() {
	d := w.dice.fork("persons", 0)
	for k := 0; !w.home.Load(); k++ {
		sleep(context.Background(), &d, d.between(10*time.Minute, time.Hour))
		if w.home.Load() {
			return
		}
		es, _, err := w.store.Store.List(background(), journal.ListQuery{Status: bankrail.Manual})
		if err != nil {
			continue
		}
		for i, e := range es {
			w.nodes[d.below(len(w.nodes))].run(d.fork(fmt.Sprintf("decide %d", k), i), func(ctx context.Context, c *call) {
				w.decide(ctx, c, e)
			})
		}
	}
}

// decide takes one decision, or asks once more where it is too early.
func (w *world) decide(ctx context.Context, c *call, e journal.Entry) {
	c.step("decide", e.Number)
	person := "op"
	if w.plan.twoPersons {
		person = []string{"op A", "op B"}[c.dice.below(2)]
	}
	by := journal.Decision{
		Version: e.Version, Status: bankrail.Succeeded, Proof: journal.ProofRecord,
		Reference: "B" + e.Number, By: person, Why: "the bank's own screen",
	}
	w.mu.Lock()
	r := w.bank.find(e.Number)
	if r != nil {
		by.Amount = r.amount
		switch r.status() {
		case bankrail.Failed:
			by.Status, by.Amount = bankrail.Failed, bankrail.Money{}
		case bankrail.Processing:
			w.mu.Unlock()
			return
		}
	}
	w.mu.Unlock()
	if r == nil {
		if w.plan.ages {
			return // what is on its way for longer than its life, no question finds out
		}
		by.Status, by.Proof = bankrail.Failed, journal.ProofAbsent
		if now, err := c.book.Ask(ctx, c.driver, e.ID); err == nil {
			by.Version = now.Version
		}
	}
	decided, err := c.book.Decide(ctx, c.driver, e.ID, by)
	w.say(e.Number, "a person decides %s by its %s: %s %v", by.Status, by.Proof, decided.Status, err)
	if err == nil && decided.Status == bankrail.Manual {
		w.saw("operator proposes")
	} else if err == nil {
		w.saw("operator decides " + by.Status.String())
	} else {
		w.saw("operator is refused")
	}
}

// twoPersons is the rule of a host that wants two, or nil.
func (w *world) twoPersons() func(journal.Entry) bool {
	if !w.plan.twoPersons {
		return nil
	}
	return func(journal.Entry) bool { return true }
}

// persons judges that two different persons stand behind a decision, the second of
// whom saw all that the first did.
func (a *auditor) persons(l *ledger, c journal.Change) {
	e := c.Entry
	if !a.w.plan.twoPersons {
		return
	}
	if c.Source == journal.SourceOperator && e.Status.Final() {
		if l.proposer == "" || strings.Contains(c.Note, " by "+l.proposer+",") {
			a.violated("persons", e.Number, "decided (%s) after the proposal of %q", c.Note, l.proposer)
		}
		a.w.saw("operator agrees")
	}
	l.proposer = ""
	if c.Source == journal.SourceOperator {
		l.proposer = e.Proposal.By
	}
}
