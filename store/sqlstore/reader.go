package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// History lists the steps of an entry; see journal.Reader.
func (db *DB) History(ctx context.Context, id bankrail.ID) ([]journal.Step, error) {
	var steps []journal.Step
	err := db.on(db.reader).each(ctx, func(r scanner) error {
		var st journal.Step
		var from, to string
		var evidence []byte
		if err := r.Scan(&st.Version, &from, &to, &st.Source, &evidence, &st.Note, at(&st.At)); err != nil {
			return err
		}
		copy(st.Evidence[:], evidence)
		err := errors.Join(st.From.UnmarshalText([]byte(from)), st.To.UnmarshalText([]byte(to)))
		steps = append(steps, st)
		return err
	}, db.dialect.listSteps, key(id)...)
	if err != nil {
		return nil, db.fail("history of "+id.String(), err)
	}
	return steps, nil
}

// List pages through entries; see journal.Reader.
func (db *DB) List(ctx context.Context, q journal.ListQuery) ([]journal.Entry, string, error) {
	after, err := position(q.After)
	if err != nil {
		return nil, "", err
	}
	// Only the conditions that are asked for are put into the query, so that an index
	// can serve them.
	where, args := " WHERE id > ?", []any{after}
	and := func(condition string, values ...any) {
		where += " AND " + condition
		args = append(args, values...)
	}
	if q.Channel.Gateway != "" {
		and("gateway = ?", q.Channel.Gateway)
	}
	if q.Channel.Merchant != "" {
		and("merchant = ?", q.Channel.Merchant)
	}
	if q.Op != "" {
		and("op = ?", string(q.Op))
	}
	if q.Order != "" {
		and("order_number = ? AND order_number <> ''", q.Order)
	}
	if q.Status != 0 {
		and("status = ?", name(q.Status))
	}
	if q.Status != 0 && q.Status != bankrail.Succeeded || q.OpenOnly {
		where += indexed
	}
	if q.OpenOnly {
		and("status IN ('created', 'processing', 'manual')")
	}
	if !q.From.IsZero() {
		and("created_at >= ?", ms(whole(q.From)))
	}
	if !q.To.IsZero() {
		and("created_at < ?", ms(whole(q.To)))
	}
	var entries []journal.Entry
	var rows []int64
	err = db.on(db.reader).each(ctx, func(r scanner) error {
		e, row, err := scanEntry(r)
		entries, rows = append(entries, e), append(rows, row)
		return err
	}, db.dialect.bind(db.dialect.listEntries+where+" ORDER BY id LIMIT ?"), append(args, page(q.Limit)+1)...)
	if err != nil {
		return nil, "", db.fail("list", err)
	}
	entries, next := cut(entries, rows, page(q.Limit))
	return entries, next, nil
}

// cut takes off what was read beyond the page, and names the next page where there
// is one.
func cut[T any](found []T, rows []int64, size int) ([]T, string) {
	if len(found) <= size {
		return found, ""
	}
	return found[:size], strconv.FormatInt(rows[size-1], 10)
}

// Anomalies pages through anomalies; see journal.Reader.
func (db *DB) Anomalies(ctx context.Context, after string, limit int) ([]journal.Anomaly, string, error) {
	from, err := position(after)
	if err != nil {
		return nil, "", err
	}
	var as []journal.Anomaly
	var rows []int64
	err = db.on(db.reader).each(ctx, func(r scanner) error {
		var a journal.Anomaly
		var row int64
		var evidence []byte
		err := r.Scan(&row, &a.Kind, &a.Entry.Gateway, &a.Entry.Merchant, &a.Entry.Op, &a.Entry.Number,
			&a.Note, &evidence, at(&a.At))
		a.Row = strconv.FormatInt(row, 10)
		copy(a.Evidence[:], evidence)
		as, rows = append(as, a), append(rows, row)
		return err
	}, db.dialect.listAnomalies, from, page(limit)+1)
	if err != nil {
		return nil, "", db.fail("anomalies", err)
	}
	as, next := cut(as, rows, page(limit))
	return as, next, nil
}

// Budget reads what an order holds. Errors: bankrail.ErrNotFound.
func (db *DB) Budget(ctx context.Context, ch bankrail.Channel, order string) (journal.Budget, error) {
	var b journal.Budget
	var held money
	var limit sql.NullInt64
	err := db.reader.QueryRowContext(ctx, db.dialect.getBudget, ch.Gateway, ch.Merchant, order).
		Scan(&held.currency, &limit, &held.minor, &b.Stopped)
	if errors.Is(err, sql.ErrNoRows) {
		err = bankrail.ErrNotFound
	}
	if err == nil {
		err = held.into(&b.Held)()
	}
	if err == nil && limit.Valid {
		err = (&money{limit.Int64, held.currency}).into(&b.Limit)()
	}
	if err != nil {
		return journal.Budget{}, db.fail("budget of order "+order, err)
	}
	return b, nil
}

// position reads the token of a page.
func position(after string) (int64, error) {
	if after == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(after, 10, 64)
	if err != nil || n < 0 {
		return 0, &bankrail.FieldError{Field: "after", Problem: "want the next of an earlier page"}
	}
	return n, nil
}
