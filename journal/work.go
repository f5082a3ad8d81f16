package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
)

// Work looks once at up to limit due entries of an operation: sends what is queued,
// asks for what is open, sends again where the rules allow it, and gives up on what
// stays unknown. It returns how many entries it took. At most parallel of them are
// in hand at a time; 1 where it is below 1.
//
// A call whose ctx ends finishes what it has in hand and leaves the rest to whoever
// claims it next. Trouble with one entry is no error and hides no other: it shows in
// the entry's history.
//
// Errors: those of the store, when nothing could be claimed.
func (b *Book) Work(ctx context.Context, d Driver, limit, parallel int) (int, error) {
	until := b.cfg.Now().Add(b.lease())
	entries, err := b.store.Claim(ctx, ClaimQuery{Op: d.Op(), Channel: d.Channel(), Lease: b.lease(), Limit: limit})
	if err != nil {
		return 0, fmt.Errorf("journal: claim: %w", err)
	}
	slots := make(chan struct{}, max(parallel, 1))
	var wg sync.WaitGroup
	for _, e := range entries {
		slots <- struct{}{}
		if ctx.Err() != nil || !b.cfg.Now().Before(until) {
			break // past the lease others have the rest: asked twice, it would spend two tries
		}
		wg.Go(func() {
			defer func() { <-slots }()
			b.attend(ctx, d, e)
		})
	}
	wg.Wait()
	return len(entries), nil
}

// attend does what is due for one entry. One whose gateway cannot be found is left
// as it is until its lease ends: nothing may be concluded from a configuration.
func (b *Book) attend(ctx context.Context, d Driver, e Entry) {
	if _, err := d.Rules(ctx, e.Channel); err != nil {
		return
	}
	point.At(ctx, point.Claimed, e.Number)
	switch {
	case e.Status == bankrail.Created, e.Status == bankrail.Processing && e.Postponed:
		b.dispatch(ctx, d, e)
	case e.Status.MayAsk():
		b.ask(ctx, d, e)
	}
}

// dispatch sends a waiting entry, or ends it when it waited too long.
func (b *Book) dispatch(ctx context.Context, d Driver, e Entry) {
	at, err := b.now(ctx)
	if err != nil {
		return
	}
	if !e.SendUntil.IsZero() && !at.store.Before(e.SendUntil) {
		if b.unheard(ctx, e.ID) != nil {
			return
		}
		cause := CauseNeverSent
		if e.Postponed && e.Code != "" {
			cause = CauseRefused
		}
		b.end(ctx, e, cause, SourceWorker, "waited too long to be sent", at)
		return
	}
	b.depart(ctx, d, e, at, "leaves")
}

// depart counts a copy by compare-and-swap and, if that is won, sends it.
func (b *Book) depart(ctx context.Context, d Driver, e Entry, at instant, note string) {
	if ctx.Err() != nil || b.unheard(ctx, e.ID) != nil {
		return // stopped; or the bank has news of what would be sent, which waits for the hook
	}
	if _, err := b.open(e); err != nil {
		return // a node without the Sealer must not fail what another can send
	}
	if b.allowed(ctx, e.ID, e.Amount, at.store, true) != nil {
		return // stopped, or nobody knows: it waits
	}
	next := b.departing(e, at.store)
	c := Change{Entry: next, From: e.Status, Source: SourceWorker, Note: fmt.Sprintf("%s, copy %d", note, next.Sends), At: at.store}
	if e.Status != next.Status {
		c.Event = eventOf(next.Status)
	}
	wctx, cancel := b.detached(ctx)
	defer cancel()
	if err := b.store.Apply(wctx, Batch{Changes: []Change{c}}); err != nil {
		if errors.Is(err, ErrHook) {
			b.hooked(ctx, e.ID, err, at)
		}
		return // lost, or unknown: without a won compare-and-swap nothing may leave
	}
	next.Version++
	b.note(ctx, c)
	point.At(ctx, point.Inserted, e.Number)
	// A worker that is stopped now finishes the call, which has its own deadline: cut,
	// it would leave an unknown outcome behind at every restart.
	b.send(context.WithoutCancel(ctx), d, checkpointed{entry: next, at: at, by: next.LastSendBy})
}

// ask queries the gateway, folds the answer, and sends again where that follows.
func (b *Book) ask(ctx context.Context, d Driver, e Entry) {
	at, err := b.now(ctx)
	if err != nil {
		return
	}
	qctx, cancel := context.WithTimeout(ctx, b.cfg.CallTimeout)
	r, err := d.Query(qctx, e)
	cancel()
	point.At(ctx, point.Asked, e.Number)
	if err != nil && ctx.Err() != nil {
		return // stopped, not unanswered: whoever claims it next asks again
	}
	settled, v, err := b.commit(ctx, d, e, asked(r, err, at.store))
	if err != nil || !v.again {
		return
	}
	// Asked anew, because this node may have stood still since the answer.
	if at, err = b.now(ctx); err == nil && at.store.Before(v.againBy) {
		b.depart(ctx, d, settled, at, "sent again")
	}
}

// end fails an entry of which no copy can be alive.
func (b *Book) end(ctx context.Context, e Entry, cause Cause, source Source, note string, at instant) (Entry, error) {
	v := folder{book: b, fact: fact{source: source}, now: at.store, verdict: verdict{entry: e}}
	if e.Message == "" {
		e.Message = note
	}
	v.fail(e, cause, note)
	wctx, cancel := b.detached(ctx)
	defer cancel()
	if err := b.store.Apply(wctx, v.batch); err != nil {
		return e, err
	}
	b.note(ctx, v.batch.Changes...)
	return v.entry, nil
}

// Cancel ends an entry that was recorded and not sent yet. After nil the number is
// Failed and will never be sent.
//
// Errors: bankrail.ErrNotFound, bankrail.ErrUnavailable, ErrSent where a copy may
// have left, *DecisionError where the host's hook keeps back news of the number. After
// any other error it is not known whether it is cancelled: read the entry, or cancel
// again.
func (b *Book) Cancel(ctx context.Context, id bankrail.ID, operator, why string) (Entry, error) {
	for range maxFolds {
		e, err := b.Get(ctx, id)
		if err != nil {
			return Entry{}, err
		}
		if e.Status == bankrail.Failed && e.Cause == CauseNeverSent {
			return e, nil
		}
		if e.Status != bankrail.Created {
			return e, fmt.Errorf("journal: %s is %s: %w", id, e.Status, ErrSent)
		}
		at, err := b.now(ctx)
		if err != nil {
			return e, unavailable(id, err)
		}
		if err := b.unheard(ctx, id); err != nil {
			return e, err
		}
		note := clip("cancelled by " + operator + ": " + why)
		if e, err = b.end(ctx, e, CauseNeverSent, SourceHost, note, at); err == nil || !errors.Is(err, ErrLost) {
			return e, err
		}
	}
	return Entry{}, fmt.Errorf("journal: %s: %w", id, ErrLost)
}
