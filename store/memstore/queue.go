package memstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// Claim hands out due entries; see journal.Queue.
func (s *Store) Claim(ctx context.Context, q journal.ClaimQuery) ([]journal.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memstore: claim: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := whole(s.now())
	var due []*journal.Entry
	for _, id := range s.inserted {
		e := s.entries[id]
		asked := e.Op == q.Op && (q.Channel == bankrail.Channel{} || e.Channel == q.Channel)
		if asked && !e.NextAt.IsZero() && !e.NextAt.After(now) {
			due = append(due, e)
		}
	}
	slices.SortStableFunc(due, func(a, b *journal.Entry) int { return a.NextAt.Compare(b.NextAt) })
	var claimed []journal.Entry
	for _, e := range due[:min(len(due), max(q.Limit, 0))] {
		e.NextAt = whole(now.Add(q.Lease))
		claimed = append(claimed, copyEntry(*e))
	}
	return claimed, nil
}

// Rouse makes due what would never be looked at; see journal.Queue.
func (s *Store) Rouse(ctx context.Context, horizon time.Duration) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("memstore: rouse: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := whole(s.now())
	n := 0
	for _, id := range s.inserted {
		e := s.entries[id]
		if e.Status != bankrail.Created && e.Status != bankrail.Processing {
			continue
		}
		if e.NextAt.IsZero() || e.NextAt.After(now.Add(horizon)) {
			e.NextAt = now
			n++
		}
	}
	return n, nil
}

// Pending lists unmatched news; see journal.Queue.
func (s *Store) Pending(ctx context.Context, q journal.PendingQuery) ([]journal.Pending, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memstore: pending: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []journal.Pending
	for _, r := range s.pending {
		_, recorded := s.entries[r.ID]
		switch {
		case q.ID != bankrail.ID{} && q.ID != r.ID:
		case q.Recorded && !recorded:
		case !q.Before.IsZero() && (r.flagged || !r.At.Before(whole(q.Before))):
		default:
			found = append(found, copyPending(r.Pending))
		}
	}
	slices.SortStableFunc(found, func(a, b journal.Pending) int { return a.At.Compare(b.At) })
	return found[:min(len(found), page(q.Limit))], nil
}

// TakeEvents leases unpublished events; see journal.Outbox.
func (s *Store) TakeEvents(ctx context.Context, lease time.Duration, limit int) ([]journal.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memstore: take events: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := whole(s.now())
	blocked := map[bankrail.ID]bool{}
	var taken []journal.Event
	for _, e := range s.events {
		if len(taken) >= limit {
			break
		}
		// The first unpublished event of an entry has its lowest version.
		if blocked[e.Entry] {
			continue
		}
		blocked[e.Entry] = true
		if e.leased.After(now) {
			continue
		}
		e.leased = whole(now.Add(lease))
		taken = append(taken, e.Event)
	}
	return taken, nil
}

// Published marks events as published; see journal.Outbox.
func (s *Store) Published(ctx context.Context, ids ...string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: published: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = slices.DeleteFunc(s.events, func(e *eventRow) bool { return slices.Contains(ids, e.ID) })
	return nil
}
