package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
)

// Unmatched is how long news may wait for its number before it is an anomaly: a
// record commits within seconds, so that a day means it never will.
const Unmatched = 24 * time.Hour

// Sweep picks up what the schedule missed: entries that a jump of the clock or a
// lost schedule would leave behind, and news whose number was recorded after it
// came. News without a number for 24 hours becomes an anomaly. Run it every five
// minutes; any number of nodes may.
//
// Errors: those of the store; what was done until then stays done.
func (b *Book) Sweep(ctx context.Context) error {
	horizon := b.lease()
	for _, t := range b.cfg.Tries {
		horizon = max(horizon, t)
	}
	// An accepted entry's last look may lie up to one wait beyond the longest try.
	if _, err := b.store.Rouse(ctx, 2*horizon); err != nil {
		return fmt.Errorf("journal: rouse: %w", err)
	}
	return errors.Join(b.match(ctx), b.flag(ctx))
}

// match folds news that waited into entries recorded since.
func (b *Book) match(ctx context.Context) error {
	ps, err := b.store.Pending(ctx, PendingQuery{Recorded: true})
	if err != nil {
		return fmt.Errorf("journal: pending: %w", err)
	}
	var trouble error
	for _, p := range ps {
		if err := b.matchOne(ctx, p); err != nil { // which must not keep the others waiting
			trouble = errors.Join(trouble, fmt.Errorf("journal: %s: %w", p.ID, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return trouble
}

func (b *Book) matchOne(ctx context.Context, p Pending) error {
	at, err := b.now(ctx)
	if err != nil {
		return err
	}
	e, err := b.store.Get(ctx, p.ID)
	if err != nil {
		return err
	}
	from := p.Source
	if from == "" {
		from = SourceNotification
	}
	v, err := b.hear(ctx, e, nil, told(p.News, from, p.Digest), at)
	if err != nil {
		return err
	}
	v.batch.Matched = []Pending{p}
	err = b.store.Apply(ctx, v.batch)
	if errors.Is(err, ErrHook) {
		// To the end of the queue with it: what the host refuses must not hide the rest.
		b.hooked(ctx, p.ID, err, at)
		again := p
		again.Row, again.Blocked, again.At = "", true, at.store
		err = b.store.Apply(ctx, Batch{Matched: []Pending{p}, Pending: []Pending{again}})
	} else if err == nil {
		b.note(ctx, v.batch.Changes...)
		b.raise(ctx, v.alarms)
	}
	if errors.Is(err, ErrLost) {
		return nil // the next sweep
	}
	return err
}

// flag reports news that nobody recorded a number for.
func (b *Book) flag(ctx context.Context) error {
	at, err := b.now(ctx)
	if err != nil {
		return err
	}
	ps, err := b.store.Pending(ctx, PendingQuery{Before: at.store.Add(-Unmatched)})
	if err != nil {
		return fmt.Errorf("journal: pending: %w", err)
	}
	for _, p := range ps {
		if p.Blocked {
			continue // of a recorded number; the sweep keeps trying, and alarms
		}
		note := fmt.Sprintf("%s reported of a number that is not recorded", p.Status)
		err := b.store.Apply(ctx, Batch{
			Flagged:   []Pending{p},
			Anomalies: []Anomaly{{Kind: AnomalyUnmatched, Entry: p.ID, Note: note, Evidence: p.Digest, At: at.store}},
		})
		if err != nil {
			return fmt.Errorf("journal: %s: %w", p.ID, err)
		}
		b.raise(ctx, []Alarm{{Kind: AlarmKind(AnomalyUnmatched), Entry: p.ID, Text: note, At: at.store}})
	}
	return nil
}

// Relay publishes up to limit events in order, and marks them. It returns how many
// were published. An event may be published again after a crash; its ID is the same.
//
// Errors: those of the store and of the publisher. What follows a failed event of
// the same entry waits for it.
func (b *Book) Relay(ctx context.Context, p Publisher, limit int) (int, error) {
	until := b.cfg.Now().Add(b.lease())
	events, err := b.store.TakeEvents(ctx, b.lease(), limit)
	if err != nil {
		return 0, fmt.Errorf("journal: events: %w", err)
	}
	done := make([]string, 0, len(events))
	failed := make(map[bankrail.ID]bool)
	var trouble error
	for _, e := range events {
		// Past the lease others publish the rest, and would be followed by an older version.
		if failed[e.Entry] || ctx.Err() != nil || !b.cfg.Now().Before(until) {
			continue
		}
		point.At(ctx, point.EventTaken, e.Entry.Number)
		if err := p.Publish(ctx, e); err != nil {
			failed[e.Entry] = true
			trouble = errors.Join(trouble, fmt.Errorf("journal: publish %s: %w", e.ID, err))
			continue
		}
		point.At(ctx, point.EventPublished, e.Entry.Number)
		done = append(done, e.ID)
	}
	if len(done) > 0 {
		wctx, cancel := b.detached(ctx)
		defer cancel()
		if err := b.store.Published(wctx, done...); err != nil {
			return 0, fmt.Errorf("journal: published: %w", err)
		}
	}
	return len(done), trouble
}
