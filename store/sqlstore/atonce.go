package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/bankrail/bankrail/journal"
)

// What follows an entry's row can be written by the same statement where the database
// has statements inside statements: one answer to wait for instead of five.

// insertAtOnce is insert by one statement; values are those of insertUnlessEarly.
func (s session) insertAtOnce(ctx context.Context, c journal.Change, r reservation, values []any) error {
	e := c.Entry
	e.Version = 1
	values = append(values, e.Gateway, e.Merchant, e.Order, r.currency, r.limit, r.amount, flag(r.asked), r.most)
	held, done, err := s.atOnce(ctx, s.insertAll, e, c, values)
	if err != nil {
		return err
	}
	if !done {
		return s.refusal(ctx, c.Entry, journal.ErrEarly)
	}
	if r.asked && !held {
		return overdrawn(e) // what was written goes with the transaction, or the host's savepoint
	}
	c.Entry.Version = 0
	return s.settle(ctx, c)
}

// changeAtOnce is change by one statement, where what is fixed stays. It reports whether
// there was such a row.
func (s session) changeAtOnce(ctx context.Context, c journal.Change) (bool, error) {
	e := c.Entry
	e.Version++
	values := append(append(changingValues(e), key(e.ID)...), c.Entry.Version, fixed(e))
	_, done, err := s.atOnce(ctx, s.changeAll, e, c, values)
	if err != nil || !done {
		return false, err
	}
	return true, s.settle(ctx, c)
}

// atOnce runs a statement that writes the history and the event too, and names the
// transaction. It reports whether the entry was written, and the budget held.
func (s session) atOnce(ctx context.Context, query string, e journal.Entry, c journal.Change, values []any) (held, done bool, err error) {
	values = append(append(values, stepValues(e, c)...), eventValues(e, c)...)
	var name txName
	err = s.q.QueryRowContext(ctx, query, append(values, flag(c.Event != ""))...).Scan(&held, &name.xid, &name.server)
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, nil
	}
	if err == nil && s.named != nil {
		*s.named = name
	}
	return held, err == nil, err
}
