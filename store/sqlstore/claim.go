package sqlstore

import (
	"context"
	"math"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// exactly is the server's own time, without the error of carrying it on: a lease that
// one process gave must not have ended for another.
func (s session) exactly(ctx context.Context) (time.Time, error) {
	if !s.served {
		return whole(s.now()), nil
	}
	var millis int64
	if err := s.q.QueryRowContext(ctx, s.dialect.now).Scan(&millis); err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(millis).UTC(), nil
}

// Claim hands out due entries; see journal.Queue.
func (db *DB) Claim(ctx context.Context, q journal.ClaimQuery) ([]journal.Entry, error) {
	if q.Limit < 1 {
		return nil, ctx.Err()
	}
	var claimed []journal.Entry
	err := db.write(ctx, "claim "+string(q.Op), func(ctx context.Context, s session) error {
		now, err := s.exactly(ctx)
		if err != nil {
			return err
		}
		claimed = nil
		// A page that others claimed meanwhile must not hide what is behind it.
		for after := (place{math.MinInt64, 0}); len(claimed) < q.Limit; {
			size := q.Limit - len(claimed)
			due, err := s.due(ctx, q, now, after, size)
			if err != nil || len(due) == 0 {
				return err
			}
			for _, d := range due {
				after = place{d.NextAt.UnixMilli(), d.row}
				until := whole(now.Add(q.Lease))
				done, err := s.one(ctx, s.claimEntry, ms(until), d.row, d.Version, ms(d.NextAt))
				if err != nil {
					return err
				}
				if done {
					d.NextAt = until
					claimed = append(claimed, d.Entry)
				}
			}
			if len(due) < size {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

type (
	// place is where a page of due entries ends.
	place    struct{ at, row int64 }
	dueEntry struct {
		journal.Entry
		row int64
	}
)

// due reads a page of due entries.
func (s session) due(ctx context.Context, q journal.ClaimQuery, now time.Time, after place, size int) ([]dueEntry, error) {
	var found []dueEntry
	err := s.each(ctx, func(r scanner) error {
		e, row, err := scanEntry(r)
		found = append(found, dueEntry{e, row})
		return err
	}, s.dueEntries, string(q.Op), ms(now), after.at, after.at, after.row,
		flag(q.Channel == bankrail.Channel{}), q.Channel.Gateway, q.Channel.Merchant, size)
	return found, err
}

// TakeEvents leases unpublished events; see journal.Outbox.
func (db *DB) TakeEvents(ctx context.Context, lease time.Duration, limit int) ([]journal.Event, error) {
	if limit < 1 {
		return nil, ctx.Err()
	}
	var taken []journal.Event
	err := db.write(ctx, "take events", func(ctx context.Context, s session) error {
		now, err := s.exactly(ctx)
		if err != nil {
			return err
		}
		taken = nil
		for after := int64(0); len(taken) < limit; {
			size := limit - len(taken)
			waiting, err := s.waiting(ctx, now, after, size)
			if err != nil || len(waiting) == 0 {
				return err
			}
			for _, w := range waiting {
				after = w.row
				done, err := s.one(ctx, s.leaseEvent, ms(whole(now.Add(lease))), w.row, w.leased)
				if err != nil {
					return err
				}
				if done {
					taken = append(taken, w.Event)
				}
			}
			if len(waiting) < size {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

type waitingEvent struct {
	journal.Event
	row, leased int64
}

// waiting reads a page of events that may be published.
func (s session) waiting(ctx context.Context, now time.Time, after int64, size int) ([]waitingEvent, error) {
	var found []waitingEvent
	err := s.each(ctx, func(r scanner) error {
		var w waitingEvent
		var err error
		w.Event, err = scanEvent(r, &w.row, &w.leased)
		found = append(found, w)
		return err
	}, s.waitingEvents, ms(now), after, size)
	return found, err
}
