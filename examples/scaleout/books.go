package main

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
)

// books is everything that must agree in the end.
type books struct {
	wants     []refund.Request
	orders    map[string]refund.Order
	entries   []journal.Entry
	held      map[string]int64 // fen of each order's budget
	health    journal.Health
	bank      sandbox.Ledger
	told      map[string]verdict
	answers   int // calls of Create that were answered
	published []event
	consumed  []event // in the consumer's order
	delivered int64
	credits   map[string]int64 // fen by order
	wrongs    []string         // what was not to be seen at all
}

// event is one of the journal's events.
type event struct {
	id, entry string
	version   int64
	unsaid    bool // never published
}

// books collects what the audit compares.
func (s *story) books(ctx context.Context) (books, error) {
	b := books{
		orders: map[string]refund.Order{}, held: map[string]int64{}, credits: map[string]int64{},
		bank: s.bank.Ledger(), delivered: s.consumer.delivered.Load(),
	}
	s.mu.Lock()
	b.told, b.answers, b.wrongs = maps.Clone(s.told), s.answer, slices.Clone(s.wrongs)
	s.mu.Unlock()
	s.consumer.mu.Lock()
	b.wrongs = append(b.wrongs, s.consumer.wrongs...)
	s.consumer.mu.Unlock()
	for i := range s.refunds {
		b.wants = append(b.wants, s.wishes.request(i))
	}
	var err error
	if b.health, err = s.servers.db.Health(ctx); err != nil {
		return b, err
	}
	if err := b.readJournal(ctx, s.servers.db, s.wishes); err != nil {
		return b, err
	}
	return b, b.readEvents(ctx, s.servers.pool)
}

// readJournal reads all entries, and the budgets of the orders.
func (b *books) readJournal(ctx context.Context, r journal.Reader, w wishes) error {
	for q := (journal.ListQuery{Limit: 1000}); ; {
		page, next, err := r.List(ctx, q)
		if err != nil {
			return err
		}
		b.entries = append(b.entries, page...)
		if q.After = next; next == "" {
			break
		}
	}
	if len(b.entries) == 0 {
		return errors.New("the journal is empty")
	}
	for nth := range w.orders() {
		o, err := w.Order(ctx, orderNumber(nth))
		if err != nil {
			return err
		}
		b.orders[o.Number] = o
		budget, err := r.Budget(ctx, b.entries[0].Channel, o.Number)
		if err != nil && !errors.Is(err, bankrail.ErrNotFound) {
			return err
		}
		b.held[o.Number] = budget.Held.Minor()
	}
	return nil
}

// readEvents reads, past the store, what was published, and the consumer's tables.
func (b *books) readEvents(ctx context.Context, db *sql.DB) error {
	err := each(ctx, db, `SELECT v.event, v.version, e.number, v.published_at IS NULL FROM bankrail_events v
		JOIN bankrail_entries e ON e.id = v.entry ORDER BY v.id`, func(row *sql.Rows) error {
		var e event
		err := row.Scan(&e.id, &e.version, &e.entry, &e.unsaid)
		b.published = append(b.published, e)
		return err
	})
	if err != nil {
		return err
	}
	err = each(ctx, db, `SELECT event, version, entry FROM effects ORDER BY place`, func(row *sql.Rows) error {
		var e event
		err := row.Scan(&e.id, &e.version, &e.entry)
		b.consumed = append(b.consumed, e)
		return err
	})
	if err != nil {
		return err
	}
	return each(ctx, db, `SELECT order_number, fen FROM credits`, func(row *sql.Rows) error {
		var order string
		var fen int64
		err := row.Scan(&order, &fen)
		b.credits[order] = fen
		return err
	})
}

func each(ctx context.Context, db *sql.DB, query string, f func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
