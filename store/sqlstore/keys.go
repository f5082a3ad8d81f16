package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/bankrail/bankrail/idempotency"
)

// Keys keeps the idempotency keys of the host's own API in the same database as the
// journal. It is safe for concurrent use and closed with its DB.
//
// A key that was used before costs one read and no write.
type Keys struct {
	db *DB
	keyStatements
}

var _ idempotency.Store = (*Keys)(nil)

// Keys gives the store of idempotency keys.
func (db *DB) Keys() *Keys { return &Keys{db, keySQL(&db.dialect)} }

// Durable reports whether the database survives a crash; see DB.Durable.
func (s *Keys) Durable() bool { return s.db.Durable() }

// Begin looks a key up or records it; see idempotency.Store.
func (s *Keys) Begin(ctx context.Context, k idempotency.Key, p idempotency.Fingerprint, owner string, lease time.Duration) (idempotency.Claim, error) {
	const doing = "begin a key"
	if err := errors.Join(k.Validate(), idempotency.ValidateLease(owner, lease)); err != nil {
		return idempotency.Claim{}, s.db.fail(doing, err)
	}
	c, err := s.find(ctx, s.db.on(s.db.reader), k, p)
	if err == nil {
		var now time.Time
		if now, err = s.db.Now(ctx); err == nil {
			return judged(c, now), nil
		}
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return idempotency.Claim{}, s.db.fail(doing, err)
	}
	err = s.db.write(ctx, doing, func(ctx context.Context, on session) error {
		now := whole(on.now())
		c = idempotency.Claim{State: idempotency.New, Epoch: 1, Owner: owner, Since: now, Until: whole(now.Add(lease))}
		inserted, err := on.one(ctx, s.insertKey, append(request(k), p[:], owner, ms(c.Since), ms(c.Until))...)
		if inserted || err != nil && !on.duplicate(err) {
			return err
		}
		c, err = s.find(ctx, on, k, p) // somebody was faster
		c = judged(c, whole(on.now()))
		return err
	})
	if err != nil {
		return idempotency.Claim{}, err
	}
	return c, nil
}

// Complete stores an outcome; see idempotency.Store.
func (s *Keys) Complete(ctx context.Context, k idempotency.Key, epoch int64, o idempotency.Outcome, response []byte) error {
	const doing = "complete a key"
	if err := errors.Join(k.Validate(), o.Validate()); err != nil {
		return s.db.fail(doing, err)
	}
	var done bool
	err := s.db.write(ctx, doing, func(ctx context.Context, on session) (err error) {
		args := append([]any{string(o), blob(response), ms(whole(on.now()))}, request(k)...)
		done, err = on.one(ctx, s.completeKey, append(args, epoch)...)
		return err
	})
	if err == nil && !done {
		return s.db.fail(doing, idempotency.ErrLost)
	}
	return err
}

// Reclaim takes over a record that is Unknown; see idempotency.Store.
func (s *Keys) Reclaim(ctx context.Context, k idempotency.Key, epoch int64, owner string, lease time.Duration) (idempotency.Claim, error) {
	const doing = "reclaim a key"
	if err := errors.Join(k.Validate(), idempotency.ValidateLease(owner, lease)); err != nil {
		return idempotency.Claim{}, s.db.fail(doing, err)
	}
	var c idempotency.Claim
	var won bool
	err := s.db.write(ctx, doing, func(ctx context.Context, on session) (err error) {
		now := whole(on.now())
		c = idempotency.Claim{State: idempotency.New, Epoch: epoch + 1, Owner: owner, Since: now, Until: whole(now.Add(lease))}
		args := append([]any{owner, ms(c.Since), ms(c.Until)}, request(k)...)
		won, err = on.one(ctx, s.reclaimKey, append(args, epoch, ms(now))...)
		return err
	})
	if err == nil && !won {
		err = s.db.fail(doing, idempotency.ErrLost)
	}
	if err != nil {
		return idempotency.Claim{}, err
	}
	return c, nil
}

// Trim drops old responses; see idempotency.Store.
func (s *Keys) Trim(ctx context.Context, before time.Time, limit int) (int, error) {
	if limit < 1 {
		return 0, ctx.Err()
	}
	var n int64
	err := s.db.write(ctx, "trim keys", func(ctx context.Context, on session) error {
		// Before 1970 nothing was completed.
		res, err := on.q.ExecContext(ctx, s.trimKeys, max(before.UnixMilli(), 0), limit)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(n), nil
}

// find reads a key, for judged to say what it means. Errors: sql.ErrNoRows.
func (s *Keys) find(ctx context.Context, on session, k idempotency.Key, p idempotency.Fingerprint) (idempotency.Claim, error) {
	var c idempotency.Claim
	var print []byte
	row := on.q.QueryRowContext(ctx, s.getKey, request(k)...)
	if err := row.Scan(&print, &c.Epoch, &c.Owner, at(&c.Since), at(&c.Until), &c.Outcome, &c.Response, &c.Trimmed); err != nil {
		return idempotency.Claim{}, err
	}
	if !bytes.Equal(print, p[:]) {
		return idempotency.Claim{State: idempotency.Mismatch}, nil
	}
	return c, nil
}

// judged says what a record means at a time that was taken after it was read: a lease
// that was over then is over now.
func judged(c idempotency.Claim, now time.Time) idempotency.Claim {
	switch {
	case c.State == idempotency.Mismatch:
	case c.Outcome == idempotency.Done:
		c.State = idempotency.Replay
	case c.Outcome == "" && now.Before(c.Until):
		c.State = idempotency.InFlight
	default:
		c.State = idempotency.Unknown
	}
	return c
}

func request(k idempotency.Key) []any { return []any{k.Tenant, k.Route, k.Key} }
