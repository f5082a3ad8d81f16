package sim

import (
	"context"
	"errors"
	"fmt"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
)

// hostTx is a transaction of the host's, as a database without locks would give it:
// what is inserted is checked at once and again at the commit, which fails where
// somebody was faster.
type hostTx struct {
	s    *store
	made *journal.Change
	hold journal.Hold
}

var _ journal.Tx = (*hostTx)(nil)

// Get sees what the transaction did itself.
func (t *hostTx) Get(ctx context.Context, id bankrail.ID) (journal.Entry, error) {
	if t.made != nil && t.made.Entry.ID == id {
		e := t.made.Entry
		e.Version = 1
		return e, nil
	}
	return t.s.Get(ctx, id)
}

// Insert checks what the commit will check, and keeps the change until then.
func (t *hostTx) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	if err := t.s.read(ctx, "insert in the host's transaction", c.Entry.Number); err != nil {
		return fmt.Errorf("%w: %w", journal.ErrNotCommitted, err)
	}
	if _, err := t.s.Store.Get(context.Background(), c.Entry.ID); err == nil {
		return journal.ErrExists
	}
	early, err := t.s.Store.Pending(context.Background(), journal.PendingQuery{ID: c.Entry.ID, Limit: 1})
	if err == nil && len(early) > 0 && c.Entry.Status != bankrail.Manual {
		return journal.ErrEarly
	}
	held, err := t.s.Store.Budget(context.Background(), c.Entry.Channel, c.Entry.Order)
	if err == nil && h != (journal.Hold{}) && (held.Stopped || held.Held.Minor()+c.Entry.Amount.Minor() > h.Limit.Minor()) {
		return bankrail.ErrBudget
	}
	t.made, t.hold = &c, h
	return nil
}

// createTx records in a transaction of the host's, which it may roll back, and whose
// commit may be unknown: then the number is repeated.
func (c *call) createTx(ctx context.Context, r refund.Request) answer {
	w := c.n.w
	tx := &hostTx{s: w.store}
	got, err := c.refunds.CreateTx(ctx, tx, r)
	if err != nil {
		return answer{err: err}
	}
	w.saw("host transaction")
	a := answer{status: got.Status, unconfirmed: got.Unconfirmed}
	if tx.made == nil {
		return a
	}
	if w.happens(&c.dice, 200, "host rolls back") {
		w.say(r.Number, "the host rolls its transaction back")
		return answer{died: true}
	}
	switch err := w.store.Insert(ctx, *tx.made, tx.hold); {
	case err == nil:
		return a
	case errors.Is(err, errCut):
		w.saw("host commit unknown")
	default:
		w.saw("host commit fails")
	}
	w.say(r.Number, "the host's commit: not known, or failed")
	return answer{died: true}
}
