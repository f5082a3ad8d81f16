package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

type limitKey struct {
	bankrail.Channel
	op bankrail.Op
}

// Limits lists the limits in force; see journal.Controls.
func (s *Store) Limits(ctx context.Context) ([]journal.Limit, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memstore: limits: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := map[limitKey]int{}
	for i, l := range s.limits {
		last[limitKey{l.Channel, l.Op}] = i
	}
	var in []journal.Limit
	for i, l := range s.limits {
		if last[limitKey{l.Channel, l.Op}] == i && (l.Stopped || !l.Max.IsZero()) {
			in = append(in, l)
		}
	}
	return in, nil
}

// SetLimit puts a limit in force; see journal.Controls.
func (s *Store) SetLimit(ctx context.Context, l journal.Limit) error {
	if err := begin(ctx); err != nil {
		return err
	}
	if l.Gateway == "" {
		return invalid("gateway", "a limit needs one")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.At = whole(l.At)
	s.limits = append(s.limits, l)
	return nil
}

// Health counts what is open, due and unpublished; see journal.Reader.
func (s *Store) Health(ctx context.Context) (journal.Health, error) {
	if err := ctx.Err(); err != nil {
		return journal.Health{}, fmt.Errorf("memstore: health: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := journal.Health{At: whole(s.now()), Pending: len(s.pending), Anomalies: len(s.anomalies), Unpublished: len(s.events)}
	for _, id := range s.inserted {
		e := s.entries[id]
		if !e.NextAt.IsZero() && !e.NextAt.After(h.At) {
			h.Due++
			h.DueSince = earliest(h.DueSince, e.NextAt)
		}
		switch e.Status {
		case bankrail.Created:
			h.Created++
		case bankrail.Processing:
			h.Processing++
		case bankrail.Manual:
			h.Manual++
		default:
			continue
		}
		age := 0
		for age < len(journal.HealthAges) && h.At.Sub(e.CreatedAt) >= journal.HealthAges[age] {
			age++
		}
		h.Ages[age]++
		h.Oldest = earliest(h.Oldest, e.CreatedAt)
	}
	for _, e := range s.events {
		h.UnpublishedSince = earliest(h.UnpublishedSince, e.At)
	}
	return h, nil
}

// earliest of two times, of which zero is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
