package journal

import (
	"context"
	"errors"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
)

// errStalled ends a send that came too late to be safe.
var errStalled = errors.New("the sender stalled past its send-by time; nothing was sent")

// send puts a copy on the wire and settles what comes back. The cause is the error
// of the send, for the caller of a number that failed by it.
func (b *Book) send(ctx context.Context, d Driver, c checkpointed) (Entry, error) {
	e := c.entry
	if !b.since(c.at).Before(c.by) {
		// Others count this copy as dead from here on, or as sent: it must do neither.
		b.raise(ctx, []Alarm{{Kind: AlarmStalled, Entry: e.ID, Text: errStalled.Error(), At: c.by}})
		return b.settle(ctx, d, e, fact{kind: factNothing, source: SourceAnswer, err: errStalled}), nil
	}
	secrets, err := b.open(e)
	if err != nil {
		err = &bankrail.Error{Gateway: e.Gateway, Op: e.Op, Effect: bankrail.NotSent, Err: err}
		return b.settle(ctx, d, e, sent(Answer{}, err)), err
	}
	sctx, cancel := context.WithTimeout(ctx, b.cfg.CallTimeout)
	answer, err := d.Send(sctx, e, secrets)
	cancel()
	point.At(ctx, point.Answered, e.Number)
	return b.settle(ctx, d, e, sent(answer, err)), err
}

// open decrypts the secrets of an entry.
func (b *Book) open(e Entry) ([]byte, error) {
	if len(e.Sealed) == 0 {
		return nil, nil
	}
	if b.cfg.Sealer == nil {
		return nil, &bankrail.FieldError{Field: "journal.Config.Sealer", Problem: "required: the record holds secrets"}
	}
	return b.cfg.Sealer.Open(e.Sealed, []byte(e.ID.String()))
}

// settle commits what a fact makes of an entry and returns the entry as it is
// recorded. Nothing here may become an error: after the checkpoint the record
// answers, and what could not be recorded the worker finds out again.
func (b *Book) settle(ctx context.Context, d Driver, e Entry, f fact) Entry {
	settled, _, _ := b.commit(ctx, d, e, f)
	return settled
}

// commit folds a fact into an entry and applies it, reading the entry again where
// somebody else was faster. It returns the entry as recorded.
func (b *Book) commit(ctx context.Context, d Driver, e Entry, f fact) (Entry, verdict, error) {
	ctx, cancel := b.detached(ctx)
	defer cancel()
	rules, err := d.Rules(ctx, e.Channel)
	if err != nil {
		rules = Rules{} // without its gateway's promises nothing doubtful is concluded
	}
	for range maxFolds {
		at, err := b.now(ctx)
		if err != nil {
			return e, verdict{}, err
		}
		late, err := b.correction(ctx, e)
		if err != nil {
			return e, verdict{}, err
		}
		v := b.fold(e, late, f, rules, at.store)
		if v.empty() {
			return e, v, nil
		}
		err = b.store.Apply(ctx, v.batch)
		if err == nil {
			b.note(ctx, v.batch.Changes...)
			b.raise(ctx, v.alarms)
			return v.entry, v, nil
		}
		got, gerr := b.store.Get(ctx, e.ID)
		if gerr != nil {
			return e, verdict{}, errors.Join(err, gerr)
		}
		if errors.Is(err, ErrHook) {
			b.hooked(ctx, e.ID, err, at)
		}
		if !errors.Is(err, ErrLost) {
			// Committed or not: what can be read now is what callers are told.
			return got, verdict{}, err
		}
		e = got
	}
	return e, verdict{}, ErrLost
}

// maxFolds bounds how often a fact is folded anew because others were faster.
const maxFolds = 16

// correction reads the correction of a failed entry, if there is one.
func (b *Book) correction(ctx context.Context, e Entry) (*Entry, error) {
	if e.Status != bankrail.Failed {
		return nil, nil
	}
	id := e.ID
	id.Op = id.Op.Correction()
	switch c, err := b.store.Get(ctx, id); {
	case errors.Is(err, bankrail.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	default:
		return &c, nil
	}
}

func (v verdict) empty() bool { return len(v.batch.Changes) == 0 && len(v.batch.Anomalies) == 0 }
