package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bankrail/bankrail"
)

// Proposal is a decision that waits for a second person.
type Proposal struct {
	Status    bankrail.Status `json:"status"`
	Amount    bankrail.Money  `json:"amount,omitzero"`
	Proof     Proof           `json:"proof,omitempty"`
	Reference string          `json:"reference,omitempty"`
	By        string          `json:"by"`
	Why       string          `json:"why"`
	At        time.Time       `json:"at"`
}

// Decision is what a person says became of a Manual entry.
type Decision struct {
	// Version is that of the entry the person saw. Required.
	Version int64
	// Status is Succeeded or Failed. Required.
	Status bankrail.Status
	// Amount is what moved, for Succeeded. Another than was asked for needs ProofRecord.
	// Defaults to the entry's.
	Amount bankrail.Money
	// Proof says what it stands on. Required; ProofAbsent is for Failed only.
	Proof Proof
	// Reference is where to find the proof: the bank's own number of its record, the name
	// of the statement. Required, at most 100 characters.
	Reference string
	// CompleteThrough is any time of the last day that the statements of a ProofStatement
	// cover to its end, in the bank's own time zone, which is that of the value.
	CompleteThrough time.Time
	// Evidence is the SHA-256 of a document that is kept elsewhere. Defaults to none.
	Evidence [32]byte
	// By is who decides, at most 64 characters, and Why in their words, at most 200.
	// Required. Both are kept; write no secret.
	By, Why string
}

// Decide settles a Manual entry by a person's word. Failed releases what the entry
// holds, so it has to stand on proof that no money will move any more; see Proof. What
// the bank says later against a decision is taken like any other news against a final
// entry: a success becomes a correction.
//
// Where Config.TwoPersons asks for a second person, the first decision is kept as
// Entry.Proposal and the entry returned is still Manual, with a new version. It takes
// effect when another person decides the same status and amount of that version; a
// different decision takes its place, and any news voids it.
//
// The same decision again returns the entry as it is.
//
// Errors: bankrail.ErrNotFound, bankrail.ErrUnavailable, *bankrail.FieldError for a
// malformed decision, *DecisionError for one that cannot be taken (yet), ErrLost where
// the entry has another version than the person saw, ErrHook. After any other error it
// is not known whether it was taken: decide the same again.
func (b *Book) Decide(ctx context.Context, d Driver, id bankrail.ID, c Decision) (Entry, error) {
	if err := errors.Join(serves(d, id), c.check()); err != nil {
		return Entry{}, fmt.Errorf("journal: decision of %s: %w", id, err)
	}
	for range maxFolds {
		e, err := b.Get(ctx, id)
		if err != nil {
			return Entry{}, err
		}
		e, err = b.decide(ctx, d, e, c)
		if !errors.Is(err, errAnew) {
			return e, err
		}
	}
	return Entry{}, fmt.Errorf("journal: decision of %s: %w", id, ErrLost)
}

// errAnew: somebody was faster; what they did may be this very decision.
var errAnew = errors.New("read the entry again")

// decide takes a decision about an entry as it was read.
func (b *Book) decide(ctx context.Context, d Driver, e Entry, c Decision) (Entry, error) {
	past, err := b.store.History(ctx, e.ID)
	if err != nil {
		return e, unavailable(e.ID, err)
	}
	c = c.of(e)
	if c.taken(e, past) {
		return e, nil
	}
	at, err := b.now(ctx)
	if err != nil {
		return e, unavailable(e.ID, err)
	}
	rules, err := d.Rules(ctx, e.Channel)
	if err != nil {
		return e, fmt.Errorf("journal: decision of %s: rules: %w", e.ID, err)
	}
	if err := (judge{b, e, past, rules, at.store}).check(c); err != nil {
		return e, err
	}
	if c.Status == bankrail.Failed {
		if err := b.unheard(ctx, e.ID); err != nil {
			return e, err
		}
	}
	v := folder{book: b, fact: fact{source: SourceOperator, evidence: c.Evidence}, now: at.store, verdict: verdict{entry: e}}
	switch second, err := b.second(e, c); {
	case err != nil:
		return e, err
	case second:
		v.decided(c)
	default:
		v.proposed(c)
	}
	wctx, cancel := b.detached(ctx)
	defer cancel()
	switch err := b.store.Apply(wctx, v.batch); {
	case errors.Is(err, ErrLost):
		return e, errAnew
	case err != nil:
		return e, fmt.Errorf("journal: decision of %s: %w", e.ID, err)
	}
	b.note(ctx, v.batch.Changes...)
	return v.entry, nil
}

// unheard refuses to fail a number while the host's hook keeps back news of it: the
// gateway has said more than the entry shows.
func (b *Book) unheard(ctx context.Context, id bankrail.ID) error {
	news, err := b.store.Pending(ctx, PendingQuery{ID: id})
	if err != nil {
		return unavailable(id, err)
	}
	for _, p := range news {
		if p.Blocked { // what came before the record made the entry Manual, and was seen
			return &DecisionError{Entry: id, Problem: fmt.Sprintf("the host's hook keeps back news of it (%s): mend the hook, then sweep", p.Status)}
		}
	}
	return nil
}

// second reports whether the decision takes effect: one person is enough, or another
// has proposed the same.
func (b *Book) second(e Entry, c Decision) (bool, error) {
	p := e.Proposal
	switch {
	case b.cfg.TwoPersons == nil || !b.cfg.TwoPersons(e):
		return true, nil
	case p.By == "" || p.Status != c.Status || p.Amount != c.Amount:
		return false, nil
	case strings.EqualFold(p.By, c.By):
		return false, &DecisionError{Entry: e.ID, Problem: p.By + " has proposed it already: another person has to agree"}
	}
	return true, nil
}

// proposed keeps a decision until a second person agrees.
func (v *folder) proposed(c Decision) {
	e := v.entry
	e.Proposal = Proposal{Status: c.Status, Amount: c.Amount, Proof: c.Proof, Reference: c.Reference, By: c.By, Why: c.Why, At: v.now}
	v.step(e, c.note(proposedBy))
}

// decided ends the entry.
func (v *folder) decided(c Decision) {
	e := v.entry
	e.Code, e.Message = "", ""
	if c.Status == bankrail.Succeeded {
		e.Settled = c.Amount
		v.succeed(e, c.note(decidedBy))
		return
	}
	e.Message = "a person decided: " + c.Why
	v.fail(e, CauseDecided, c.note(decidedBy))
}

// Ask asks the gateway about an open entry now and takes its answer like a worker's
// query: what concludes something ends the entry, an authentic "no such number" sets
// Entry.AbsentAt, and an answer without an outcome spends a try of an entry that is
// Processing. It sends nothing. A final entry is returned as it is, without a question.
//
// Errors: bankrail.ErrNotFound, bankrail.ErrUnavailable, *bankrail.FieldError for a
// driver of another operation or channel; that of the gateway where it gave no answer.
// With the last comes the entry as it is recorded.
func (b *Book) Ask(ctx context.Context, d Driver, id bankrail.ID) (Entry, error) {
	if err := serves(d, id); err != nil {
		return Entry{}, fmt.Errorf("journal: question about %s: %w", id, err)
	}
	e, err := b.Get(ctx, id)
	if err != nil || e.Status.Final() {
		return e, err
	}
	if _, err := d.Rules(ctx, e.Channel); err != nil {
		return e, fmt.Errorf("journal: question about %s: rules: %w", id, err)
	}
	at, err := b.now(ctx)
	if err != nil {
		return e, unavailable(id, err)
	}
	qctx, cancel := context.WithTimeout(ctx, b.cfg.CallTimeout)
	r, answer := d.Query(qctx, e)
	cancel()
	if answer != nil && ctx.Err() != nil {
		return e, fmt.Errorf("journal: question about %s: %w", id, ctx.Err())
	}
	f := asked(r, answer, at.store)
	e, _, err = b.commit(ctx, d, e, f)
	switch {
	case err != nil:
		return e, fmt.Errorf("journal: question about %s: %w: %w", id, bankrail.ErrUnavailable, err)
	case f.kind == factNothing:
		return e, fmt.Errorf("journal: question about %s: no answer: %w", id, answer)
	}
	return e, nil
}

// serves reports whether a driver is one of the entry's operation and channel.
func serves(d Driver, id bankrail.ID) error {
	own := d.Channel()
	switch {
	case d.Op() != id.Op:
		return &bankrail.FieldError{Field: "driver", Problem: fmt.Sprintf("is of %s, not of %s", d.Op(), id.Op)}
	case own != bankrail.Channel{} && own != id.Channel:
		return &bankrail.FieldError{Field: "driver", Problem: fmt.Sprintf("serves %s, not %s", own, id.Channel)}
	}
	return nil
}
