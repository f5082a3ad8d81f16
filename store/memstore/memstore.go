// Package memstore is a journal store in memory, for tests and simulations:
//
//	db := memstore.New(memstore.Config{})
//	book := journal.New(db, journal.Config{AllowVolatile: true})
//
// It keeps every rule of journal.Store (storetest holds it to them) but survives
// no crash, which Durable says. It is not for moving real money.
package memstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// Config configures a Store.
type Config struct {
	// Now is the store's clock. Defaults to time.Now.
	Now func() time.Time
}

// Store keeps a journal in memory. It is safe for concurrent use.
type Store struct {
	now func() time.Time

	mu        sync.Mutex
	entries   map[bankrail.ID]*journal.Entry
	inserted  []bankrail.ID // in order of insertion; entries are never deleted
	history   map[bankrail.ID][]journal.Step
	inbox     map[noticeKey][32]byte
	pending   []*pendingRow // in order of arrival
	early     map[bankrail.ID]int
	budgets   map[orderKey]*journal.Budget
	events    []*eventRow // the unpublished ones, in order of insertion
	anomalies []journal.Anomaly
	limits    []journal.Limit // all there ever were; the last of a key counts
	known     map[anomalyKey]bool
	rows      int64 // the last Row given to pending news
}

type (
	noticeKey struct {
		bankrail.Channel
		id string
	}
	orderKey struct {
		bankrail.Channel
		order string
	}
	anomalyKey struct {
		entry    bankrail.ID
		kind     journal.AnomalyKind
		evidence [32]byte
	}
	pendingRow struct {
		journal.Pending
		flagged bool
	}
	eventRow struct {
		journal.Event
		leased time.Time
	}
)

var _ journal.Store = (*Store)(nil)

// New returns an empty store.
func New(cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Store{
		now:     cfg.Now,
		entries: map[bankrail.ID]*journal.Entry{},
		history: map[bankrail.ID][]journal.Step{},
		inbox:   map[noticeKey][32]byte{},
		early:   map[bankrail.ID]int{},
		budgets: map[orderKey]*journal.Budget{},
		known:   map[anomalyKey]bool{},
	}
}

// Durable returns false: nothing survives the process.
func (s *Store) Durable() bool { return false }

// Now returns the configured clock in UTC, whole milliseconds.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, fmt.Errorf("memstore: now: %w", err)
	}
	return whole(s.now()), nil
}

// Get reads an entry. Errors: bankrail.ErrNotFound.
func (s *Store) Get(ctx context.Context, id bankrail.ID) (journal.Entry, error) {
	if err := ctx.Err(); err != nil {
		return journal.Entry{}, fmt.Errorf("memstore: get: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[id]
	if !ok {
		return journal.Entry{}, fmt.Errorf("memstore: entry %s: %w", id, bankrail.ErrNotFound)
	}
	return copyEntry(*e), nil
}

// Insert records a new entry; see journal.Tx.
func (s *Store) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	if err := begin(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := c.Entry.ID
	if _, ok := s.entries[id]; ok {
		return fmt.Errorf("memstore: insert %s: %w", id, journal.ErrExists)
	}
	if s.early[id] > 0 && c.Entry.Status != bankrail.Manual {
		return fmt.Errorf("memstore: insert %s: %w", id, journal.ErrEarly)
	}
	var t undo
	if err := s.hold(&t, c.Entry, h); err != nil {
		t.run()
		return fmt.Errorf("memstore: insert %s: %w", id, err)
	}
	c.Entry.Version = 0
	if err := s.change(&t, c); err != nil {
		t.run()
		return fmt.Errorf("memstore: insert %s: %w", id, err)
	}
	return nil
}

// Apply commits a batch or nothing of it; see journal.Store.
func (s *Store) Apply(ctx context.Context, b journal.Batch) error {
	if err := begin(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var t undo
	if err := s.apply(&t, b); err != nil {
		t.run()
		return fmt.Errorf("memstore: apply: %w", err)
	}
	return nil
}

// begin refuses a context that has ended already: nothing was done then.
func begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: %w: %w", journal.ErrNotCommitted, err)
	}
	return nil
}
