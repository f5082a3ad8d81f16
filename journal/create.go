package journal

import (
	"context"
	"errors"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
)

// Create carries out a request under a number, once, and answers every repeat from
// the record.
//
// prepare checks the request and says what to record; it runs only for a number
// that is not recorded, after the look-up and before anything is written, and its
// error is returned as it is. p identifies the content: the same number with another
// fingerprint is refused.
//
// An error means that no money moved and none will under this number. No error
// means that it succeeded or is still open, whatever ctx, the network or the store
// did; see Entry.Status. Two errors speak of something else: ErrUnavailable (nothing
// is known of the number, repeat it) and *ConflictError (the number stands for
// another request, whose entry it carries).
//
// An error that is bankrail.ErrFailed is on record, for ever and for every caller; the
// journal's bankrail.ErrBudget is one. Any other error (of prepare, a *LimitError, a
// *HookError whose hook also refuses the record of the failure) left no record: it
// speaks for a number that nobody had recorded when it was told, and whoever repeats the
// number later starts anew. It does not speak for another call of the same number that
// was under way at the same time, on another node, in a transaction, or cut off with its
// process: where there may be one, take the error as ErrUnavailable and repeat the number,
// or let package idempotency keep such calls apart.
//
// Errors: bankrail.ErrFailed with *bankrail.Error, *ConflictError,
// bankrail.ErrUnavailable, bankrail.ErrBudget, *LimitError, *HookError, and those of
// prepare.
func (b *Book) Create(ctx context.Context, id bankrail.ID, p Fingerprint, d Driver, prepare func(context.Context) (Draft, error)) (Entry, error) {
	e, c, order, err := b.inTurn(ctx, id, p, prepare)
	defer b.unlock(ctx, order)
	if err == nil && c != nil {
		var cause error
		e, cause = b.send(ctx, d, *c)
		e, err = b.outcome(ctx, e, cause)
	}
	point.At(ctx, point.Settled, id.Number)
	return e, err
}

// inTurn records a number after all earlier callers of it in this process have.
func (b *Book) inTurn(ctx context.Context, id bankrail.ID, p Fingerprint, prepare func(context.Context) (Draft, error)) (Entry, *checkpointed, locked, error) {
	pass, err := b.keys.lock(ctx, id)
	if err != nil {
		return Entry{}, nil, locked{}, unavailable(id, err)
	}
	defer pass() // also where the host's own check panics
	return b.record(ctx, id, p, prepare)
}

// checkpointed proves that a copy may leave: its entry was inserted, or won by a
// compare-and-swap, as Processing with this copy counted. Only until by.
type checkpointed struct {
	entry Entry
	at    instant
	by    time.Time
}

// record answers a repeat from the journal, or records the request. A checkpoint
// comes back only if this call may send, and with it the lock of the order.
func (b *Book) record(ctx context.Context, id bankrail.ID, p Fingerprint, prepare func(context.Context) (Draft, error)) (e Entry, c *checkpointed, order locked, err error) {
	if e, found, err := b.repeat(ctx, id, p); found || err != nil {
		return e, nil, locked{}, err
	}
	draft, err := b.permitted(ctx, id, prepare)
	if err == nil {
		order, err = b.lockOrder(ctx, id, draft.Order)
	}
	if err != nil {
		e, c, err = b.refused(ctx, id, p, err)
		return e, c, locked{}, err
	}
	at, err := b.now(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		e, c, err = b.refused(ctx, id, p, unavailable(id, err))
		return e, c, order, err
	}
	// The limits last, and after the clock: whoever stalls from here on stalls out of its
	// send-by time, and does not send long after a stop.
	if err = b.allowed(ctx, id, draft.Amount, at.store, false); err == nil {
		e, err = b.draft(id, p, draft, at.store)
	}
	if err != nil {
		e, c, err = b.refused(ctx, id, p, err)
		return e, c, order, err
	}
	e, c, err = b.insert(ctx, e, draft.Hold, at)
	return e, b.within(c, order), order, err
}

// permitted is what a request wants recorded, if the operation allows it.
func (b *Book) permitted(ctx context.Context, id bankrail.ID, prepare func(context.Context) (Draft, error)) (Draft, error) {
	draft, err := prepare(ctx)
	if err == nil {
		err = b.acceptable(draft)
	}
	return draft, err
}

// refused reports why a request was not recorded, unless somebody recorded its
// number meanwhile: then the record answers, because its money may move.
func (b *Book) refused(ctx context.Context, id bankrail.ID, p Fingerprint, why error) (Entry, *checkpointed, error) {
	wctx, cancel := b.detached(ctx)
	defer cancel()
	if e, found, err := b.repeat(wctx, id, p); found || err != nil {
		return e, nil, err
	}
	return Entry{}, nil, b.unlessEarly(wctx, id, why)
}

// repeat answers from the record, if there is one.
func (b *Book) repeat(ctx context.Context, id bankrail.ID, p Fingerprint) (Entry, bool, error) {
	e, err := b.store.Get(ctx, id)
	return b.answer(ctx, id, p, e, err)
}

// answer makes of a look-up what its caller is told.
func (b *Book) answer(ctx context.Context, id bankrail.ID, p Fingerprint, e Entry, err error) (Entry, bool, error) {
	switch {
	case errors.Is(err, bankrail.ErrNotFound):
		return Entry{}, false, nil
	case err != nil:
		return Entry{}, false, unavailable(id, err)
	case e.Fingerprint != p:
		return Entry{}, true, &ConflictError{Existing: e}
	}
	e, err = b.outcome(ctx, e, nil)
	return e, true, err
}

// outcome turns a recorded entry into what its caller is told. A failed number whose
// money moved after all (the gateway broke its word) is told by its correction: an
// error would say that no money moved.
func (b *Book) outcome(ctx context.Context, e Entry, cause error) (Entry, error) {
	if e.Status != bankrail.Failed {
		return e, nil
	}
	late := e.ID
	late.Op = late.Op.Correction()
	wctx, cancel := b.detached(ctx)
	defer cancel()
	switch c, err := b.store.Get(wctx, late); {
	case err == nil:
		return c, nil
	case !errors.Is(err, bankrail.ErrNotFound):
		return Entry{}, unavailable(e.ID, err)
	}
	return e, failure(e, cause)
}

// acceptable refuses drafts that could never be settled.
func (b *Book) acceptable(d Draft) error {
	switch {
	case !d.Amount.Positive():
		return &bankrail.FieldError{Field: "amount", Problem: "must be above zero, is " + d.Amount.String()}
	case len(d.Secrets) > 0 && b.cfg.Sealer == nil:
		return &bankrail.FieldError{Field: "journal.Config.Sealer", Problem: "required: the request holds secrets"}
	case !b.store.Durable() && !b.cfg.AllowVolatile:
		return &bankrail.FieldError{Field: "journal.Config.AllowVolatile", Problem: "the store forgets when the process ends"}
	}
	return nil
}

// draft makes the row. It is Processing from the start unless it is queued: the
// record that it may have been sent is there before the first byte.
func (b *Book) draft(id bankrail.ID, p Fingerprint, d Draft, now time.Time) (Entry, error) {
	e := Entry{
		ID: id, Status: bankrail.Processing, Order: d.Order, Amount: d.Amount,
		AnyAmount: d.AnyAmount, Offer: d.Offer, Fingerprint: p, Data: d.Data, Operator: d.Operator,
		Attempt: token(), Expires: d.Expires, CreatedAt: now, UpdatedAt: now,
	}
	if d.SendWithin > 0 {
		e.SendUntil = now.Add(d.SendWithin)
	}
	if d.Hold != (Hold{}) {
		e.Held = d.Amount
	}
	if len(d.Secrets) > 0 {
		sealed, err := b.cfg.Sealer.Seal(d.Secrets, []byte(id.String()))
		if err != nil {
			return Entry{}, &bankrail.FieldError{Field: "journal.Config.Sealer", Problem: "does not seal", Err: err}
		}
		e.Sealed = sealed
	}
	if d.Queue {
		e.Status, e.NextAt = bankrail.Created, now
		return e, nil
	}
	return b.departing(e, now), nil
}

// departing counts a copy that is about to leave.
func (b *Book) departing(e Entry, now time.Time) Entry {
	e.Status, e.Postponed = bankrail.Processing, false
	e.Sends++
	e.Copies++
	if e.FirstSend.IsZero() {
		e.FirstSend = now
	}
	e.LastSendBy = now.Add(b.cfg.SendBy)
	e.NextAt = now.Add(b.wait(e.Tries))
	e.UpdatedAt = now
	return e
}

// insert commits the row and says whether this call may send.
func (b *Book) insert(ctx context.Context, e Entry, h Hold, at instant) (Entry, *checkpointed, error) {
	wctx, cancel := b.detached(ctx)
	defer cancel()
	c := recorded(e, "recorded")
	err := b.store.Insert(wctx, c, h)
	switch {
	case err == nil:
		e.Version = 1
		b.note(ctx, c)
		point.At(ctx, point.Inserted, e.Number)
		return e, b.checkpoint(e, at), nil
	case errors.Is(err, bankrail.ErrBudget), errors.Is(err, ErrHook):
		return b.spent(ctx, e, err)
	case errors.Is(err, ErrExists):
		return b.refused(ctx, e.ID, e.Fingerprint, err)
	case errors.Is(err, ErrEarly):
		return b.early(ctx, e, h)
	case errors.Is(err, ErrNotCommitted):
		return b.refused(ctx, e.ID, e.Fingerprint, unavailable(e.ID, err))
	}
	return b.uncertain(ctx, e, at, err)
}

// checkpoint is nil for a queued entry: the worker sends that one.
func (b *Book) checkpoint(e Entry, at instant) *checkpointed {
	if e.Status != bankrail.Processing {
		return nil
	}
	return &checkpointed{entry: e, at: at, by: e.LastSendBy}
}

func recorded(e Entry, note string) Change {
	return Change{Entry: e, Source: SourceHost, Note: note, Event: eventOf(e.Status), At: e.CreatedAt}
}

// arrivedEarly is the record of a number that the gateway had news of before it was
// ever sent: somebody else used the number, or a record was lost.
func arrivedEarly(e Entry, h Hold) (Change, Hold) {
	e.Status, e.Cause, e.NextAt = bankrail.Manual, CauseEarly, time.Time{}
	e.Sends, e.Copies, e.FirstSend, e.LastSendBy = 0, 0, time.Time{}, time.Time{}
	e.Message = "the gateway had news of this number before it was sent"
	c := recorded(e, e.Message)
	if h != (Hold{}) {
		// Charged whatever is left: the money has moved, or may, and a refusal for want of
		// budget would be an error that says it has not.
		c.Charge = e.Amount
	}
	return c, Hold{}
}

// early records a number that the gateway had news of. It is not sent.
func (b *Book) early(ctx context.Context, e Entry, h Hold) (Entry, *checkpointed, error) {
	wctx, cancel := b.detached(ctx)
	defer cancel()
	c, h := arrivedEarly(e, h)
	e = c.Entry
	err := b.store.Insert(wctx, c, h)
	switch {
	case err == nil:
		e.Version = 1
		b.note(ctx, c)
		b.raise(ctx, []Alarm{{Kind: AlarmManual, Entry: e.ID, Text: e.Message, At: e.CreatedAt}})
		return e, nil, nil
	case errors.Is(err, ErrExists):
		return b.refused(ctx, e.ID, e.Fingerprint, err)
	case errors.Is(err, ErrNotCommitted):
		return b.refused(ctx, e.ID, e.Fingerprint, unavailable(e.ID, err))
	}
	return b.uncertain(ctx, e, instant{}, err)
}

// spent tells why the store refused a number, and takes its key: another call of the
// number, on a node that died or that is slow, may have an insert on its way, which must
// not land after the error was told. The budget that refused this one may have room by
// then.
func (b *Book) spent(ctx context.Context, e Entry, why error) (Entry, *checkpointed, error) {
	wctx, cancel := b.detached(ctx)
	defer cancel()
	message := bankrail.ErrBudget.Error()
	if errors.Is(why, ErrHook) {
		message = "the host's hook refused it" // whose own words may not be for the record
	}
	tomb := tombstone(e, message)
	c := recorded(tomb, "refused before it was sent")
	err := b.store.Insert(wctx, c, Hold{})
	switch {
	case err == nil:
		tomb.Version = 1
		b.note(ctx, c)
		return tomb, nil, failure(tomb, why)
	case errors.Is(err, ErrHook):
		return b.refused(ctx, e.ID, e.Fingerprint, why) // the host's own word, twice
	}
	return b.refused(ctx, e.ID, e.Fingerprint, unavailable(e.ID, errors.Join(why, err)))
}

// tombstone is the record that a number will never be sent.
func tombstone(e Entry, message string) Entry {
	e.Status, e.Cause, e.NextAt = bankrail.Failed, CauseNeverSent, time.Time{}
	e.Held, e.Sealed, e.Attempt = bankrail.Money{}, nil, token()
	e.Sends, e.Copies, e.FirstSend, e.LastSendBy = 0, 0, time.Time{}, time.Time{}
	e.Message = message
	return e
}

// uncertain settles an insert whose commit is unknown. A read that finds nothing
// proves nothing, because the insert may land later; a tombstone under the same key
// makes sure that it cannot.
func (b *Book) uncertain(ctx context.Context, e Entry, at instant, cause error) (Entry, *checkpointed, error) {
	tomb := tombstone(e, "the commit of the record was unknown; nothing was sent")
	for range 3 {
		wctx, cancel := b.detached(ctx)
		c := recorded(tomb, tomb.Message)
		err := b.store.Insert(wctx, c, Hold{})
		cancel()
		if err == nil {
			tomb.Version = 1
			b.note(ctx, c)
			return tomb, nil, failure(tomb, cause)
		}
		if !errors.Is(err, ErrExists) && !errors.Is(err, ErrEarly) {
			continue // still unknown: perhaps this tombstone is the one that stands
		}
		rctx, cancel := b.detached(ctx)
		got, err := b.store.Get(rctx, e.ID)
		cancel()
		if err != nil {
			continue
		}
		if got.Attempt == e.Attempt && got.Version == 1 && got.Status == bankrail.Processing {
			return got, b.checkpoint(got, at), nil // the insert had committed: it is ours to send
		}
		if got.Fingerprint != e.Fingerprint {
			return Entry{}, nil, &ConflictError{Existing: got}
		}
		got, err = b.outcome(ctx, got, cause)
		return got, nil, err
	}
	e.Unconfirmed = true
	return e, nil, nil
}
