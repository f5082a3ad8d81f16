package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/bankrail/bankrail"
)

// CreateTx records a request as Created in the host's own transaction, together with
// the host's own rows; the worker sends it once that is committed. A number that is
// recorded already is answered from the record, as Create does.
//
// An error means that this call recorded nothing in tx, and that nothing will move
// under this number unless the number stands for something else (ErrUnavailable,
// *ConflictError, as with Create). No error means: recorded, if the host commits.
// Where the host's commit is unknown, it repeats the number: the record answers.
// No error but bankrail.ErrFailed leaves a record, so that each speaks, as with Create,
// not for another call of the number that was under way at the same time.
//
// Errors: those of Create. A *HookError says that the host's own hook refused.
func (b *Book) CreateTx(ctx context.Context, tx Tx, id bankrail.ID, p Fingerprint, prepare func(context.Context) (Draft, error)) (Entry, error) {
	if e, found, err := b.repeatTx(ctx, tx, id, p); found || err != nil {
		return e, err
	}
	draft, err := b.permitted(ctx, id, prepare)
	if err != nil {
		return b.refusedTx(ctx, tx, id, p, err)
	}
	at, err := b.now(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return b.refusedTx(ctx, tx, id, p, unavailable(id, err))
	}
	draft.Queue = true
	var e Entry
	if err = b.allowed(ctx, id, draft.Amount, at.store, false); err == nil {
		e, err = b.draft(id, p, draft, at.store)
	}
	if err != nil {
		return b.refusedTx(ctx, tx, id, p, err)
	}
	c, hold := recorded(e, "recorded in the host's transaction"), draft.Hold
	err = tx.Insert(ctx, c, hold)
	if errors.Is(err, ErrEarly) {
		c, hold = arrivedEarly(e, hold)
		err = tx.Insert(ctx, c, hold)
		if err == nil {
			// Raised although the host may still roll back: an alarm too many is no harm.
			b.raise(ctx, []Alarm{{Kind: AlarmManual, Entry: e.ID, Text: c.Entry.Message, At: e.CreatedAt}})
		}
	}
	switch {
	case err == nil:
		e = c.Entry
		e.Version = 1
		return e, nil
	case errors.Is(err, ErrExists), errors.Is(err, bankrail.ErrBudget), errors.Is(err, ErrHook):
		return b.refusedTx(ctx, tx, id, p, err)
	}
	return b.refusedTx(ctx, tx, id, p, unavailable(id, err))
}

// repeatTx answers from the record as the transaction sees it.
func (b *Book) repeatTx(ctx context.Context, tx Tx, id bankrail.ID, p Fingerprint) (Entry, bool, error) {
	e, err := tx.Get(ctx, id)
	return b.answer(ctx, id, p, e, err)
}

// refusedTx reports why nothing was recorded, unless somebody recorded the number
// meanwhile.
func (b *Book) refusedTx(ctx context.Context, tx Tx, id bankrail.ID, p Fingerprint, why error) (Entry, error) {
	wctx, cancel := b.detached(ctx)
	defer cancel()
	if e, found, err := b.repeatTx(wctx, tx, id, p); found || err != nil {
		return e, err
	}
	// The transaction may see the journal as it was when it began.
	if e, found, err := b.repeat(wctx, id, p); found || err != nil {
		return e, err
	}
	if errors.Is(why, ErrExists) { // somebody's record that this transaction may not see yet
		why = unavailable(id, why)
	}
	return Entry{}, b.unlessEarly(wctx, id, why)
}

// unlessEarly is why a request was not recorded. Where the inbox holds news of its
// number, no error may say that nothing moved.
func (b *Book) unlessEarly(ctx context.Context, id bankrail.ID, why error) error {
	switch early, err := b.store.Pending(ctx, PendingQuery{ID: id, Limit: 1}); {
	case err != nil:
		return unavailable(id, errors.Join(err, why))
	case len(early) > 0:
		return unavailable(id, fmt.Errorf("the gateway has news of it, so a person has to look: %w", why))
	}
	return why
}
