package memstore

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// History lists the steps of an entry; see journal.Reader.
func (s *Store) History(ctx context.Context, id bankrail.ID) ([]journal.Step, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memstore: history: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history[id]), nil
}

// List pages through entries; see journal.Reader.
func (s *Store) List(ctx context.Context, q journal.ListQuery) ([]journal.Entry, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", fmt.Errorf("memstore: list: %w", err)
	}
	from, err := position(q.After)
	if err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []journal.Entry
	last := ""
	for i := from; i < len(s.inserted); i++ {
		e := s.entries[s.inserted[i]]
		if !selects(q, e) {
			continue
		}
		if len(found) == page(q.Limit) {
			return found, last, nil
		}
		found = append(found, copyEntry(*e))
		last = strconv.Itoa(i + 1)
	}
	return found, "", nil
}

func selects(q journal.ListQuery, e *journal.Entry) bool {
	return (q.Channel.Gateway == "" || q.Channel.Gateway == e.Gateway) &&
		(q.Channel.Merchant == "" || q.Channel.Merchant == e.Merchant) &&
		(q.Op == "" || q.Op == e.Op) &&
		(q.Order == "" || q.Order == e.Order) &&
		(q.Status == 0 || q.Status == e.Status) &&
		(!q.OpenOnly || e.Status.Open()) &&
		(q.From.IsZero() || !e.CreatedAt.Before(whole(q.From))) &&
		(q.To.IsZero() || e.CreatedAt.Before(whole(q.To)))
}

// Anomalies pages through anomalies; see journal.Reader.
func (s *Store) Anomalies(ctx context.Context, after string, limit int) ([]journal.Anomaly, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", fmt.Errorf("memstore: anomalies: %w", err)
	}
	from, err := position(after)
	if err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	from = min(from, len(s.anomalies))
	to := min(from+page(limit), len(s.anomalies))
	next := ""
	if to < len(s.anomalies) {
		next = strconv.Itoa(to)
	}
	return slices.Clone(s.anomalies[from:to]), next, nil
}

// Budget reads what an order holds. Errors: bankrail.ErrNotFound.
func (s *Store) Budget(ctx context.Context, ch bankrail.Channel, order string) (journal.Budget, error) {
	if err := ctx.Err(); err != nil {
		return journal.Budget{}, fmt.Errorf("memstore: budget: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.budgets[orderKey{ch, order}]
	if !ok {
		return journal.Budget{}, fmt.Errorf("memstore: budget of order %s: %w", order, bankrail.ErrNotFound)
	}
	return *b, nil
}

// position reads the token of a page.
func position(after string) (int, error) {
	if after == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(after)
	if err != nil || n < 0 {
		return 0, &bankrail.FieldError{Field: "after", Problem: "want the next of an earlier page"}
	}
	return n, nil
}

// page returns the size of a page, 100 where none is asked for.
func page(limit int) int {
	if limit > 0 {
		return limit
	}
	return 100
}

// whole is a time as stores keep it: UTC, whole milliseconds.
func whole(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

func copyEntry(e journal.Entry) journal.Entry {
	e.Data, e.Reply, e.Sealed = bytes.Clone(e.Data), bytes.Clone(e.Reply), bytes.Clone(e.Sealed)
	for _, t := range []*time.Time{
		&e.FirstSend, &e.LastSendBy, &e.SendUntil, &e.AcceptedAt,
		&e.NextAt, &e.Expires, &e.AbsentAt, &e.Proposal.At, &e.CreatedAt, &e.UpdatedAt,
	} {
		*t = whole(*t)
	}
	return e
}

func copyPending(p journal.Pending) journal.Pending {
	p.Raw = bytes.Clone(p.Raw)
	p.At = whole(p.At)
	return p
}
