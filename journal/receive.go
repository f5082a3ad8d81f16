package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
)

// Receive takes a verified notice into the journal: its inbox row, what it changes,
// the history and the events in one commit. Nil means that all of it is durable and
// the notice may be acknowledged; an identical redelivery is nil again.
//
// News never ends an entry on its own where only a promise of the gateway would
// allow it; then, and where the notice is stale, the gateway is asked. News of a
// number that is not recorded waits in the inbox, and so does news whose change the
// host's own hook refused: the sweep tries it again.
//
// Errors: bankrail.ErrUnavailable, and whatever kept the store from committing. The
// notice must not be acknowledged then.
func (b *Book) Receive(ctx context.Context, n Notice) error {
	point.At(ctx, point.Verified, n.ID)
	for range maxFolds {
		at, err := b.now(ctx)
		if err != nil {
			return fmt.Errorf("journal: notice %s of %s: %w: %w", n.ID, n.Channel, bankrail.ErrUnavailable, err)
		}
		batch, alarms, err := b.read(ctx, n, at)
		if err != nil {
			return fmt.Errorf("journal: notice %s of %s: %w: %w", n.ID, n.Channel, bankrail.ErrUnavailable, err)
		}
		err = b.store.Apply(ctx, batch)
		if errors.Is(err, ErrHook) {
			b.hooked(ctx, bankrail.ID{Channel: n.Channel}, err, at)
			alarms, batch = nil, blocked(n, batch, at)
			err = b.store.Apply(ctx, batch)
		}
		switch {
		case err == nil:
			b.note(ctx, batch.Changes...)
			b.raise(ctx, alarms)
			b.received(ctx, n)
			return nil
		case errors.Is(err, ErrSeen):
			return nil
		case errors.Is(err, ErrReused):
			return b.reused(ctx, n, at)
		case !errors.Is(err, ErrLost):
			return fmt.Errorf("journal: notice %s of %s: %w", n.ID, n.Channel, err)
		}
	}
	return fmt.Errorf("journal: notice %s of %s: %w", n.ID, n.Channel, ErrLost)
}

// read folds the facts of a notice, one after the other, into one batch.
func (b *Book) read(ctx context.Context, n Notice, at instant) (Batch, []Alarm, error) {
	row := n
	if n.Stale {
		// Nothing is concluded from it, so it must not use up the notice's number: the
		// gateway may deliver the same again, freshly signed. A recording has its time.
		row.ID = fmt.Sprintf("%s stale %d", n.ID, n.At.Unix())
	}
	out := Batch{Notice: &row}
	var alarms []Alarm
	known := make(map[bankrail.ID]Entry)
	for _, news := range n.News {
		id := bankrail.ID{Channel: n.Channel, Op: news.Op, Number: news.Number}
		e, ok := known[id]
		if !ok {
			var err error
			e, err = b.store.Get(ctx, id)
			if errors.Is(err, bankrail.ErrNotFound) {
				out.Pending = append(out.Pending, Pending{ID: id, News: news, Digest: n.Digest, At: at.store, Source: n.from()})
				continue
			}
			if err != nil {
				return Batch{}, nil, err
			}
		}
		v, err := b.hear(ctx, e, known, told(news, n.from(), n.Digest), at)
		if err != nil {
			return Batch{}, nil, err
		}
		// Of a number that was never sent old news is as impossible as new: it stops it.
		if n.Stale && e.Status != bankrail.Created {
			out.Wake = append(out.Wake, id)
			if e.Status == bankrail.Manual {
				// Who decides must know that the bank once spoke of the number.
				v = b.overheard(e, told(news, n.from(), n.Digest), at)
				known[id] = v.entry
				out.add(v.batch)
			}
			if e.Status.Final() && !v.empty() {
				// Nobody asks about a final entry, so a person has to look.
				note := fmt.Sprintf("a notice signed at %s says %s of an entry that is %s", n.At.UTC().Format(time.RFC3339), news.Status, e.Status)
				out.Anomalies = append(out.Anomalies, Anomaly{Kind: AnomalyStale, Entry: id, Note: note, Evidence: n.Digest, At: at.store})
				alarms = append(alarms, Alarm{Kind: AlarmKind(AnomalyStale), Entry: id, Text: note, At: at.store})
			}
			continue
		}
		known[id] = v.entry
		for _, c := range v.batch.Changes {
			c.Entry.Version++
			known[c.Entry.ID] = c.Entry // a correction too: the next fact may be of it
		}
		out.add(v.batch)
		alarms = append(alarms, v.alarms...)
	}
	return out, alarms, nil
}

// overheard makes a version of stale news, which concludes nothing.
func (b *Book) overheard(e Entry, f fact, at instant) verdict {
	v := folder{book: b, fact: f, now: at.store, verdict: verdict{entry: e}}
	v.step(e, fmt.Sprintf("a stale notice says %s: ask", f.receipt.Status))
	return v.verdict
}

// received marks the place after the commit of a notice.
func (b *Book) received(ctx context.Context, n Notice) {
	if n.from() == SourceStatement {
		point.At(ctx, point.HalfReconciled, n.ID)
		return
	}
	point.At(ctx, point.Received, n.ID)
}

// blocked keeps the notice although the host's hook refused what its news changes:
// the gateway has said it, and must not be asked to say it again.
func blocked(n Notice, refused Batch, at instant) Batch {
	out := Batch{Notice: refused.Notice, Pending: refused.Pending, Wake: refused.Wake}
	done := make(map[bankrail.ID]bool)
	for _, p := range refused.Pending {
		done[p.ID] = true
	}
	for _, id := range refused.Wake {
		done[id] = true // stale: nothing is to be concluded from it later either
	}
	for _, news := range n.News {
		id := bankrail.ID{Channel: n.Channel, Op: news.Op, Number: news.Number}
		if !done[id] {
			out.Pending = append(out.Pending, Pending{ID: id, News: news, Digest: n.Digest, At: at.store, Source: n.from(), Blocked: true})
		}
	}
	return out
}

// hooked says that the host's hook refused.
func (b *Book) hooked(ctx context.Context, id bankrail.ID, err error, at instant) {
	var he *HookError
	if errors.As(err, &he) {
		id = he.Entry
	}
	b.raise(ctx, []Alarm{{Kind: AlarmHook, Entry: id, Text: clip(err.Error()), At: at.store}})
}

// hear folds news without its driver: with no promise of the gateway to lean on. A
// correction is taken from what the same batch has made of it, or else read.
func (b *Book) hear(ctx context.Context, e Entry, known map[bankrail.ID]Entry, f fact, at instant) (verdict, error) {
	id := e.ID
	id.Op = id.Op.Correction()
	c, ok := known[id]
	late := &c
	if !ok {
		var err error
		if late, err = b.correction(ctx, e); err != nil {
			return verdict{}, err
		}
	}
	return b.fold(e, late, f, Rules{}, at.store), nil
}

func (b *Batch) add(o Batch) {
	b.Changes = append(b.Changes, o.Changes...)
	b.Anomalies = append(b.Anomalies, o.Anomalies...)
}

// reused: one notice number for two contents. Which is true the gateway is asked; a
// number that was never sent is stopped, and who decides about one gets to see it.
func (b *Book) reused(ctx context.Context, n Notice, at instant) error {
	note := fmt.Sprintf("notice %s came again with other content", n.ID)
	old := n
	old.Stale = true // it may as well be a recording
	read, alarms, err := b.read(ctx, old, at)
	if err != nil {
		return fmt.Errorf("journal: notice %s of %s: %w: %w", n.ID, n.Channel, bankrail.ErrUnavailable, err)
	}
	alarms = slices.DeleteFunc(alarms, func(a Alarm) bool { return a.Kind != AlarmManual })
	batch := Batch{Changes: read.Changes}
	for _, news := range n.News {
		id := bankrail.ID{Channel: n.Channel, Op: news.Op, Number: news.Number}
		batch.Wake = append(batch.Wake, id)
		batch.Anomalies = append(batch.Anomalies, Anomaly{Kind: AnomalyReused, Entry: id, Note: note, Evidence: n.Digest, At: at.store})
		alarms = append(alarms, Alarm{Kind: AlarmKind(AnomalyReused), Entry: id, Text: note, At: at.store})
	}
	if err := b.store.Apply(ctx, batch); err != nil {
		return fmt.Errorf("journal: notice %s of %s: %w", n.ID, n.Channel, err)
	}
	b.note(ctx, batch.Changes...)
	b.raise(ctx, alarms)
	return nil
}
