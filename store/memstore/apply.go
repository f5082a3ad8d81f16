package memstore

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// undo takes back, last first, what a transaction did before it failed.
type undo []func()

func (t *undo) add(f func()) { *t = append(*t, f) }

func (t *undo) run() {
	for _, f := range slices.Backward(*t) {
		f()
	}
}

// apply does a batch in the order of its fields.
func (s *Store) apply(t *undo, b journal.Batch) error {
	if b.Notice != nil {
		if err := s.receive(t, *b.Notice); err != nil {
			return err
		}
	}
	for _, p := range b.Pending {
		if _, ok := s.entries[p.ID]; ok && !p.Blocked {
			return fmt.Errorf("pending news of %s: %w", p.ID, journal.ErrLost)
		}
		s.keep(t, p)
	}
	for _, c := range b.Changes {
		if err := s.change(t, c); err != nil {
			return err
		}
	}
	// Nothing fails from here on, so nothing needs to be taken back.
	now := whole(s.now())
	for _, id := range b.Wake {
		e, ok := s.entries[id]
		if ok && !e.Status.Final() && (e.NextAt.IsZero() || e.NextAt.After(now)) {
			e.NextAt = now
		}
	}
	for _, p := range b.Matched {
		s.match(p.Row)
	}
	for _, p := range b.Flagged {
		for _, r := range s.pending {
			if r.Row == p.Row {
				r.flagged = true
			}
		}
	}
	for _, a := range b.Anomalies {
		s.report(a)
	}
	return nil
}

// receive puts a notice into the inbox.
func (s *Store) receive(t *undo, n journal.Notice) error {
	k := noticeKey{n.Channel, n.ID}
	if digest, ok := s.inbox[k]; ok {
		if digest == n.Digest {
			return fmt.Errorf("notice %s of %s: %w", n.ID, n.Channel, journal.ErrSeen)
		}
		return fmt.Errorf("notice %s of %s: %w", n.ID, n.Channel, journal.ErrReused)
	}
	s.inbox[k] = n.Digest
	t.add(func() { delete(s.inbox, k) })
	return nil
}

// keep adds news of a number that is not recorded.
func (s *Store) keep(t *undo, p journal.Pending) {
	s.rows++
	p = copyPending(p)
	p.Row = strconv.FormatInt(s.rows, 10)
	before := s.pending
	s.pending = append(s.pending, &pendingRow{Pending: p})
	s.early[p.ID]++
	t.add(func() {
		s.pending = before
		s.early[p.ID]--
	})
}

// match removes pending news; a row that is gone already is no error.
func (s *Store) match(row string) {
	for i, r := range s.pending {
		if r.Row == row {
			s.pending = slices.Delete(s.pending, i, i+1)
			s.early[r.ID]--
			return
		}
	}
}

// change turns an entry into its next version: compare-and-swap, budget, history, event.
func (s *Store) change(t *undo, c journal.Change) error {
	e := copyEntry(c.Entry)
	e.Unconfirmed = false
	old, ok := s.entries[e.ID]
	switch {
	case !ok && e.Version == 0:
		s.inserted = append(s.inserted, e.ID)
		t.add(func() {
			s.inserted = s.inserted[:len(s.inserted)-1]
			delete(s.entries, e.ID)
			delete(s.history, e.ID)
		})
	case !ok || e.Version == 0 || old.Version != e.Version:
		return fmt.Errorf("entry %s at version %d: %w", e.ID, e.Version, journal.ErrLost)
	default:
		steps := s.history[e.ID]
		t.add(func() {
			s.entries[e.ID] = old
			s.history[e.ID] = steps
		})
	}
	e.Version++
	s.entries[e.ID] = &e
	s.history[e.ID] = append(s.history[e.ID], journal.Step{
		Version: e.Version, From: c.From, To: e.Status,
		Source: c.Source, Evidence: c.Evidence, Note: c.Note, At: whole(c.At),
	})
	if c.Event != "" {
		before := s.events
		s.events = append(s.events, &eventRow{Event: journal.Event{
			ID:   e.ID.String() + "#" + strconv.FormatInt(e.Version, 10),
			Type: c.Event, Entry: e.ID, Version: e.Version, Status: e.Status, Order: e.Order,
			Amount: e.Amount, Settled: e.Settled, At: whole(c.At),
		}})
		t.add(func() { s.events = before })
	}
	return s.charge(t, e, c)
}

// report appends an anomaly that is not known yet.
func (s *Store) report(a journal.Anomaly) {
	k := anomalyKey{a.Entry, a.Kind, a.Evidence}
	if s.known[k] {
		return
	}
	s.known[k] = true
	a.Row = strconv.Itoa(len(s.anomalies) + 1)
	a.At = whole(a.At)
	s.anomalies = append(s.anomalies, a)
}

// hold reserves the amount of a new entry, if what its order holds stays within
// the limit. The limit of the latest Hold is the order's.
func (s *Store) hold(t *undo, e journal.Entry, h journal.Hold) error {
	if h == (journal.Hold{}) {
		return nil
	}
	if e.Order == "" || e.Amount.Minor() < 0 {
		return invalid("order", "a Hold needs an order and an amount that is not negative")
	}
	b := s.budget(t, e)
	held, err := b.Held.Add(e.Amount)
	if err != nil || b.Stopped || h.Limit.Currency() != e.Amount.Currency() || held.Minor() > h.Limit.Minor() {
		return fmt.Errorf("order %s: %w", e.Order, bankrail.ErrBudget)
	}
	b.Held, b.Limit = held, h.Limit
	return nil
}

// charge adds to what an order holds, whatever is left of it, and may stop it.
func (s *Store) charge(t *undo, e journal.Entry, c journal.Change) error {
	if c.Charge.IsZero() && !c.Stop {
		return nil
	}
	if e.Order == "" {
		return invalid("order", "a Charge or Stop needs an order")
	}
	b := s.budget(t, e)
	if !c.Charge.IsZero() {
		held, err := b.Held.Add(c.Charge)
		if err != nil {
			return fmt.Errorf("charge order %s: %w: %w", e.Order, journal.ErrNotCommitted, err)
		}
		b.Held = held
	}
	b.Stopped = b.Stopped || c.Stop
	return nil
}

// budget returns the row of an entry's order, made if it is missing.
func (s *Store) budget(t *undo, e journal.Entry) *journal.Budget {
	k := orderKey{e.Channel, e.Order}
	b, ok := s.budgets[k]
	if !ok {
		b = &journal.Budget{}
		s.budgets[k] = b
		t.add(func() { delete(s.budgets, k) })
		return b
	}
	before := *b
	t.add(func() { *b = before })
	return b
}

func invalid(field, problem string) error {
	return fmt.Errorf("%w: %w", journal.ErrNotCommitted, &bankrail.FieldError{Field: field, Problem: problem})
}
