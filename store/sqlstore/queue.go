package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// Rouse makes due what would never be looked at; see journal.Queue.
func (db *DB) Rouse(ctx context.Context, horizon time.Duration) (int, error) {
	var n int64
	err := db.write(ctx, "rouse", func(ctx context.Context, s session) error {
		now := whole(s.now())
		res, err := s.q.ExecContext(ctx, s.rouse, ms(now), ms(now.Add(horizon)))
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return int(n), err
}

// Pending lists unmatched news; see journal.Queue.
func (db *DB) Pending(ctx context.Context, q journal.PendingQuery) ([]journal.Pending, error) {
	args := append([]any{flag(q.ID == bankrail.ID{})}, key(q.ID)...)
	args = append(args, flag(!q.Recorded), flag(q.Before.IsZero()), ms(q.Before), page(q.Limit))
	var found []journal.Pending
	err := db.on(db.reader).each(ctx, func(r scanner) error {
		var p journal.Pending
		var row int64
		var news, digest []byte
		if err := r.Scan(&row, &p.ID.Gateway, &p.ID.Merchant, &p.ID.Op, &p.ID.Number, &news, &digest, at(&p.At), &p.Blocked, &p.Source); err != nil {
			return err
		}
		p.Row = strconv.FormatInt(row, 10)
		copy(p.Digest[:], digest)
		found = append(found, p)
		return json.Unmarshal(news, &found[len(found)-1].News)
	}, db.dialect.listPending, args...)
	if err != nil {
		return nil, db.fail("pending", err)
	}
	return found, nil
}

func scanEvent(r scanner, id, leased *int64) (journal.Event, error) {
	var e journal.Event
	var status string
	var amount, settled money
	err := r.Scan(id, leased, &e.ID, &e.Entry.Gateway, &e.Entry.Merchant, &e.Entry.Op, &e.Entry.Number,
		&e.Version, &e.Type, &status, &e.Order, &amount.minor, &amount.currency, &settled.minor, &settled.currency, at(&e.At))
	if err != nil {
		return e, err
	}
	if err := e.Status.UnmarshalText([]byte(status)); err != nil {
		return e, err
	}
	if err := amount.into(&e.Amount)(); err != nil {
		return e, err
	}
	return e, settled.into(&e.Settled)()
}

// Published marks events as published; see journal.Outbox.
func (db *DB) Published(ctx context.Context, ids ...string) error {
	return db.write(ctx, "published", func(ctx context.Context, s session) error {
		for _, id := range ids {
			if _, err := s.q.ExecContext(ctx, s.publishEvent, ms(s.now()), id); err != nil {
				return err
			}
		}
		return nil
	})
}

// each runs a query and gives its rows to f.
func (s session) each(ctx context.Context, f func(scanner) error, query string, args ...any) error {
	rows, err := s.q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func(rows *sql.Rows) { _ = rows.Close() }(rows)
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// page returns the size of a page, 100 where none is asked for.
func page(limit int) int {
	if limit > 0 {
		return limit
	}
	return 100
}
