package sqlstore

import (
	"context"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// Limits lists the limits in force; see journal.Controls.
func (db *DB) Limits(ctx context.Context) ([]journal.Limit, error) {
	var in []journal.Limit
	err := db.on(db.reader).each(ctx, func(r scanner) error {
		var l journal.Limit
		var most money
		err := r.Scan(&l.Gateway, &l.Merchant, &l.Op, &l.Stopped, &most.minor, &most.currency, &l.By, &l.Why, at(&l.At))
		if err == nil {
			err = most.into(&l.Max)()
		}
		if l.Stopped || !l.Max.IsZero() {
			in = append(in, l)
		}
		return err
	}, db.dialect.listLimits)
	if err != nil {
		return nil, db.fail("limits", err)
	}
	return in, nil
}

// SetLimit puts a limit in force; see journal.Controls.
func (db *DB) SetLimit(ctx context.Context, l journal.Limit) error {
	return db.write(ctx, "limit "+l.Channel.String(), func(ctx context.Context, s session) error {
		if l.Gateway == "" {
			return &bankrail.FieldError{Field: "gateway", Problem: "a limit needs one"}
		}
		_, err := s.q.ExecContext(ctx, s.insertLimit, l.Gateway, l.Merchant, string(l.Op), flag(l.Stopped),
			l.Max.Minor(), string(l.Max.Currency()), text(l.By), text(l.Why), ms(whole(l.At)))
		return err
	})
}

// Health counts what is open, due and unpublished; see journal.Reader.
func (db *DB) Health(ctx context.Context) (journal.Health, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return journal.Health{}, err
	}
	h := journal.Health{At: now}
	args := []any{ms(now), ms(now)}
	for _, age := range journal.HealthAges {
		args = append(args, ms(now.Add(-age)))
	}
	err = db.on(db.reader).each(ctx, func(r scanner) error { return healthOf(r, &h) }, db.dialect.openEntries, args...)
	if err == nil {
		err = db.reader.QueryRowContext(ctx, db.dialect.healthCounts).
			Scan(&h.Unpublished, at(&h.UnpublishedSince), &h.Pending, &h.Anomalies)
	}
	if err != nil {
		return journal.Health{}, db.fail("health", err)
	}
	return h, nil
}

// healthOf adds the row of one status.
func healthOf(r scanner, h *journal.Health) error {
	var status string
	var count, due int
	var oldest, since time.Time
	var younger [len(journal.HealthAges)]int // cumulative: younger than each age
	dest := []any{&status, &count, at(&oldest), &due, at(&since)}
	for i := range younger {
		dest = append(dest, &younger[i])
	}
	if err := r.Scan(dest...); err != nil {
		return err
	}
	switch status {
	case bankrail.Created.String():
		h.Created = count
	case bankrail.Processing.String():
		h.Processing = count
	default:
		h.Manual = count
	}
	h.Due += due
	h.DueSince, h.Oldest = earliest(h.DueSince, since), earliest(h.Oldest, oldest)
	before := 0
	for i, n := range younger {
		h.Ages[i] += n - before
		before = n
	}
	h.Ages[len(younger)] += count - before
	return nil
}

// earliest of two times, of which zero is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
