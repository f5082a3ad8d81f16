package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"

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
		return false, err
	}
	n, err := res.RowsAffected()
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

// insert records a new entry, in the order of refusals that journal.Tx promises. The
// row comes first: only what could be inserted was certainly not there, whatever a
// host's transaction can see.
func (s session) insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	id := c.Entry.ID
	if err := s.lock(ctx, id); err != nil {
		return err
	}
	first := c.Entry
	first.Version = 1
	added, err := s.add(ctx, s.insertEntry, entryValues(first)...)
	if err != nil {
		return err
	}
	if !added {
		return journal.ErrExists
	}
	if c.Entry.Status != bankrail.Manual {
		early, err := s.has(ctx, s.hasPending, key(id)...)
		if err != nil {
			return err
		}
		if early {
			return journal.ErrEarly
		}
	}
	if err := s.hold(ctx, c.Entry, h); err != nil {
		return err
	}
	c.Entry.Version = 0
	return s.record(ctx, c)
}

// change turns an entry into its next version: compare-and-swap, history, event, budget.
func (s session) change(ctx context.Context, c journal.Change) error {
	if err := s.swap(ctx, c.Entry); err != nil {
		return err
	}
	return s.record(ctx, c)
}

// record writes what follows the entry's new version.
func (s session) record(ctx context.Context, c journal.Change) error {
	e := c.Entry
	e.Version++
	if err := s.follow(ctx, s.insertStep, e,
		e.Version, name(c.From), name(e.Status), string(c.Source), c.Evidence[:], text(c.Note), ms(c.At)); err != nil {
		return fmt.Errorf("history of %s: %w", e.ID, err)
	}
	if c.Event != "" {
		id := e.ID.String() + "#" + strconv.FormatInt(e.Version, 10)
		if err := s.follow(ctx, s.insertEvent, e,
			id, e.Version, string(c.Event), name(e.Status), e.Order, e.Amount.Minor(), string(e.Amount.Currency()),
			e.Settled.Minor(), string(e.Settled.Currency()), ms(c.At)); err != nil {
			return fmt.Errorf("event of %s: %w", e.ID, err)
		}
	}
	if err := s.charge(ctx, e, c); err != nil {
		return err
	}
	return s.told(ctx, c)
}

// swap writes the entry over the version it replaces, or as a new row.
func (s session) swap(ctx context.Context, e journal.Entry) error {
	lost := fmt.Errorf("%s at version %d: %w", e.ID, e.Version, journal.ErrLost)
	if e.Version == 0 {
		e.Version = 1
		added, err := s.add(ctx, s.insertEntry, entryValues(e)...)
		if err == nil && !added {
			return lost
		}
		return err
	}
	old := e.Version
	e.Version++
	done, err := s.one(ctx, s.updateEntry, append(entryValues(e)[keyColumns:], append(key(e.ID), old)...)...)
	if err == nil && !done {
		return lost
	}
	return err
}

// follow inserts a row that refers to an entry.
func (s session) follow(ctx context.Context, query string, e journal.Entry, values ...any) error {
	done, err := s.one(ctx, query, append(values, key(e.ID)...)...)
	if err == nil && !done {
		err = errors.New("entry is missing")
	}
	return err
}

// hold reserves the amount of a new entry in one conditional step.
func (s session) hold(ctx context.Context, e journal.Entry, h journal.Hold) error {
	if h == (journal.Hold{}) {
		return nil
	}
	if e.Order == "" || e.Amount.Minor() < 0 {
		return &bankrail.FieldError{Field: "order", Problem: "a Hold needs an order and an amount that is not negative"}
	}
	refused := fmt.Errorf("order %s: %w", e.Order, bankrail.ErrBudget)
	most, err := h.Limit.Sub(e.Amount) // what may be held before
	if err != nil || h.Limit.Currency() != e.Amount.Currency() {
		return refused
	}
	if _, err := s.q.ExecContext(ctx, s.addBudget, e.Gateway, e.Merchant, e.Order); err != nil {
		return err
	}
	currency := string(e.Amount.Currency())
	done, err := s.one(ctx, s.holdBudget, h.Limit.Minor(), e.Amount.Minor(), currency,
		e.Gateway, e.Merchant, e.Order, currency, most.Minor())
	if err == nil && !done {
		return refused
	}
	return err
}

// charge adds to what an order holds, whatever is left of it, and may stop it.
func (s session) charge(ctx context.Context, e journal.Entry, c journal.Change) error {
	if c.Charge.IsZero() && !c.Stop {
		return nil
	}
	if e.Order == "" {
		return &bankrail.FieldError{Field: "order", Problem: "a Charge or Stop needs an order"}
	}
	if _, err := s.q.ExecContext(ctx, s.addBudget, e.Gateway, e.Merchant, e.Order); err != nil {
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
		_, err := s.q.ExecContext(ctx, s.stopBudget, e.Gateway, e.Merchant, e.Order)
		return err
	}
	return nil
}
