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
		return c, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return idempotency.Claim{}, s.db.fail(doing, err)
	}
	err = s.db.write(ctx, doing, func(ctx context.Context, on session) error {
		now := s.now(on)
		inserted, err := on.one(ctx, s.insertKey, append(request(k), p[:], owner, now, now, lease.Milliseconds())...)
		if err != nil && !on.duplicate(err) {
			return err
		}
		if c, err = s.find(ctx, on, k, p); inserted {
			c.State = idempotency.New
		}
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
		args := append([]any{string(o), blob(response), s.now(on)}, request(k)...)
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
		now := s.now(on)
		args := append([]any{owner, now, now, lease.Milliseconds()}, request(k)...)
		if won, err = on.one(ctx, s.reclaimKey, append(args, epoch, now)...); err != nil || !won {
			return err
		}
		c, _, err = s.read(ctx, on, k)
		c.State = idempotency.New
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

// now is the time for a statement: NULL where it asks the server by itself.
func (s *Keys) now(on session) any {
	if s.db.clock != nil {
		return nil
	}
	return ms(whole(on.now()))
}

// find reads a key as it stands for a request. Errors: sql.ErrNoRows.
func (s *Keys) find(ctx context.Context, on session, k idempotency.Key, p idempotency.Fingerprint) (idempotency.Claim, error) {
	c, print, err := s.read(ctx, on, k)
	if err != nil {
		return idempotency.Claim{}, err
	}
	if !bytes.Equal(print, p[:]) {
		return idempotency.Claim{State: idempotency.Mismatch}, nil
	}
	return c, nil
}

// read reads a key and its fingerprint.
func (s *Keys) read(ctx context.Context, on session, k idempotency.Key) (c idempotency.Claim, print []byte, err error) {
	var now time.Time
	row := on.q.QueryRowContext(ctx, s.getKey, append([]any{s.now(on)}, request(k)...)...)
	err = row.Scan(&print, &c.Epoch, &c.Owner, at(&c.Since), at(&c.Until), &c.Outcome, &c.Response, &c.Trimmed, at(&now))
	switch {
	case err != nil:
		return idempotency.Claim{}, nil, err
	case c.Outcome == idempotency.Done:
		c.State = idempotency.Replay
	case c.Outcome == "" && now.Before(c.Until):
		c.State = idempotency.InFlight
	default:
		c.State = idempotency.Unknown
	}
	return c, print, nil
}

func request(k idempotency.Key) []any { return []any{k.Tenant, k.Route, k.Key} }
