package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

func (s session) get(ctx context.Context, id bankrail.ID) (journal.Entry, error) {
	e, _, err := scanEntry(s.q.QueryRowContext(ctx, s.getEntry, key(id)...))
	if errors.Is(err, sql.ErrNoRows) {
		return journal.Entry{}, bankrail.ErrNotFound
	}
	return e, err
}

// has runs a query that finds a row or none.
func (s session) has(ctx context.Context, query string, args ...any) (bool, error) {
	var one int
	err := s.q.QueryRowContext(ctx, query, args...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// one runs a change of one row and reports whether it happened.
func (s session) one(ctx context.Context, query string, args ...any) (bool, error) {
	res, err := s.q.ExecContext(ctx, query, args...)
	if err != nil {
		s.touch()
		return false, err
	}
	n, err := res.RowsAffected()
	if n > 0 {
		s.touch()
	}
	if err == nil && n > 1 {
		err = fmt.Errorf("%d rows changed instead of one", n)
	}
	return n == 1, err
}

// add inserts a row and reports whether there was none.
func (s session) add(ctx context.Context, query string, args ...any) (bool, error) {
	added, err := s.one(ctx, query, args...)
	if err != nil && s.duplicate(err) {
		return false, nil
	}
	return added, err
}

// enter writes one entry and answers its row: 0 where there was nothing to write over,
// or something already.
func (s session) enter(ctx context.Context, query string, args ...any) (row int64, err error) {
	if strings.HasSuffix(query, returningID) {
		err = s.q.QueryRowContext(ctx, query, args...).Scan(&row)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, nil
		}
		s.touch()
		return row, err
	}
	res, err := s.q.ExecContext(ctx, query, args...)
	if err != nil {
		if s.duplicate(err) {
			return 0, nil
		}
		s.touch()
		return 0, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return 0, err
	}
	s.touch()
	return res.LastInsertId()
}

// insert records a new entry, in the order of refusals that journal.Tx promises. All
// that can be refused without writing is.
func (s session) insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	e := c.Entry
	if err := s.lock(ctx, e.ID); err != nil {
		return err
	}
	r, refused := reserving(e, h)
	if refused != nil {
		return s.refusal(ctx, e, refused)
	}
	first := e
	first.Version = 1
	values := append(append(entryValues(first), flag(e.Status == bankrail.Manual)), key(e.ID)...)
	if s.insertAll != "" && r.most >= 0 {
		return s.insertAtOnce(ctx, c, r, values)
	}
	row, err := s.enter(ctx, s.insertUnlessEarly, values...)
	if err != nil {
		return err
	}
	if row == 0 {
		return s.refusal(ctx, e, journal.ErrEarly)
	}
	if err := s.hold(ctx, e, r); err != nil {
		if errors.Is(err, bankrail.ErrBudget) {
			return s.leave(ctx, row, err)
		}
		return err
	}
	c.Entry.Version = 0
	return s.record(ctx, row, c)
}

// refusal says why an entry is not inserted: because of what comes first, or else
// because of otherwise.
func (s session) refusal(ctx context.Context, e journal.Entry, otherwise error) error {
	// The row is looked for with a lock where a host's snapshot may be older than it.
	exists, err := s.has(ctx, s.hasEntry+s.share, key(e.ID)...)
	if err != nil {
		return err
	}
	if exists {
		return journal.ErrExists
	}
	if e.Status == bankrail.Manual || errors.Is(otherwise, journal.ErrEarly) {
		return otherwise
	}
	early, err := s.has(ctx, s.hasPending, key(e.ID)...)
	if err == nil && early {
		err = journal.ErrEarly
	}
	if err == nil {
		err = otherwise
	}
	return err
}

// leave takes back the row of an insert that the budget refused, where that spares
// those who share the transaction a savepoint.
func (s session) leave(ctx context.Context, row int64, refused error) error {
	if s.wrote == nil {
		return refused
	}
	done, err := s.one(ctx, s.deleteEntry, row)
	if err == nil && done {
		*s.wrote = false
		err = refused
	}
	return err
}

// change turns an entry into its next version: compare-and-swap, history, event, budget.
func (s session) change(ctx context.Context, c journal.Change) error {
	if s.changeAll != "" && c.Entry.Version > 0 {
		if done, err := s.changeAtOnce(ctx, c); done || err != nil {
			return err
		}
	}
	row, err := s.swap(ctx, c.Entry)
	if err != nil {
		return err
	}
	return s.record(ctx, row, c)
}

// record writes what follows the entry's new version.
func (s session) record(ctx context.Context, row int64, c journal.Change) error {
	e := c.Entry
	e.Version++
	if _, err := s.one(ctx, s.insertStep, append([]any{row}, stepValues(e, c)...)...); err != nil {
		return fmt.Errorf("history of %s: %w", e.ID, err)
	}
	if c.Event != "" {
		if _, err := s.one(ctx, s.insertEvent, append([]any{row}, eventValues(e, c)...)...); err != nil {
			return fmt.Errorf("event of %s: %w", e.ID, err)
		}
	}
	return s.settle(ctx, c)
}

// settle does what is left of a change when its rows are written.
func (s session) settle(ctx context.Context, c journal.Change) error {
	if err := s.charge(ctx, c); err != nil {
		return err
	}
	return s.told(ctx, c)
}

// swap writes the entry over the version it replaces, or as a new row.
func (s session) swap(ctx context.Context, e journal.Entry) (row int64, err error) {
	old := e.Version
	e.Version++
	if old == 0 {
		row, err = s.enter(ctx, s.insertEntry, entryValues(e)...)
	} else {
		row, err = s.enter(ctx, s.updateChanging, append(append(changingValues(e), key(e.ID)...), old, fixed(e))...)
		if err == nil && row == 0 { // another version, or another request than was recorded
			row, err = s.enter(ctx, s.updateEntry, append(append(entryValues(e)[keyColumns:], key(e.ID)...), old)...)
		}
	}
	if err == nil && row == 0 {
		err = fmt.Errorf("%s at version %d: %w", e.ID, old, journal.ErrLost)
	}
	return row, err
}

// reservation is what an order's budget is asked for. The zero reservation asks for
// nothing.
type reservation struct {
	asked               bool
	limit, amount, most int64 // most is what may be held before
	currency            string
}

// reserving reads what a Hold reserves, or why it never could.
func reserving(e journal.Entry, h journal.Hold) (reservation, error) {
	if h == (journal.Hold{}) {
		return reservation{}, nil
	}
	if e.Order == "" || e.Amount.Minor() < 0 {
		return reservation{}, &bankrail.FieldError{Field: "order", Problem: "a Hold needs an order and an amount that is not negative"}
	}
	most, err := h.Limit.Sub(e.Amount)
	if err != nil || h.Limit.Currency() != e.Amount.Currency() {
		return reservation{}, overdrawn(e)
	}
	return reservation{true, h.Limit.Minor(), e.Amount.Minor(), most.Minor(), string(e.Amount.Currency())}, nil
}

func overdrawn(e journal.Entry) error {
	return fmt.Errorf("order %s: %w", e.Order, bankrail.ErrBudget)
}

// hold reserves the amount of a new entry in one conditional step.
func (s session) hold(ctx context.Context, e journal.Entry, r reservation) error {
	if !r.asked {
		return nil
	}
	var done bool
	var err error
	if s.openBudget != "" && r.most >= 0 { // an order that holds nothing yet may hold it
		done, err = s.one(ctx, s.openBudget, e.Gateway, e.Merchant, e.Order, r.currency, r.limit, r.amount, r.most)
	} else {
		if r.most >= 0 { // otherwise only what is there can hold less, and a refusal leaves no row
			if _, err := s.one(ctx, s.addBudget, e.Gateway, e.Merchant, e.Order); err != nil {
				return err
			}
		}
		done, err = s.one(ctx, s.holdBudget, r.limit, r.amount, r.currency, e.Gateway, e.Merchant, e.Order, r.currency, r.most)
	}
	if err == nil && !done {
		return overdrawn(e)
	}
	return err
}

// charge adds to what an order holds, whatever is left of it, and may stop it.
func (s session) charge(ctx context.Context, c journal.Change) error {
	e := c.Entry
	if c.Charge.IsZero() && !c.Stop {
		return nil
	}
	if e.Order == "" {
		return &bankrail.FieldError{Field: "order", Problem: "a Charge or Stop needs an order"}
	}
	if _, err := s.one(ctx, s.addBudget, e.Gateway, e.Merchant, e.Order); err != nil {
		return err
	}
	if !c.Charge.IsZero() {
		// SQL's sum must not leave int64 either.
		low, high := int64(math.MinInt64), int64(math.MaxInt64)
		if m := c.Charge.Minor(); m > 0 {
			high -= m
		} else {
			low -= m
		}
		currency := string(c.Charge.Currency())
		done, err := s.one(ctx, s.chargeBudget, c.Charge.Minor(), currency, e.Gateway, e.Merchant, e.Order, currency, low, high)
		if err != nil {
			return err
		}
		if !done {
			return &bankrail.FieldError{Field: "charge", Problem: "order " + e.Order + " has another currency, or the sum is beyond int64"}
		}
	}
	if c.Stop {
		_, err := s.one(ctx, s.stopBudget, e.Gateway, e.Merchant, e.Order)
		return err
	}
	return nil
}
