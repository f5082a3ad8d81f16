package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// Fault is something that goes wrong between a caller and its store.
type Fault uint8

// The faults. A cut returns an error that does not say whether the transaction
// committed, whatever the store itself would have answered.
const (
	// InsertNotCommitted fails an Insert with ErrNotCommitted.
	InsertNotCommitted Fault = iota + 1
	// InsertCutLost cuts an Insert that never commits.
	InsertCutLost
	// InsertCutCommitted cuts an Insert after the store has done it.
	InsertCutCommitted
	// InsertCutLandsLater cuts an Insert that the store does when Land is called.
	InsertCutLandsLater
	// ApplyNotCommitted fails an Apply with ErrNotCommitted.
	ApplyNotCommitted
	// ApplyCutLost cuts an Apply that never commits.
	ApplyCutLost
	// ApplyCutCommitted cuts an Apply after the store has done it.
	ApplyCutCommitted
	// GetFails fails a Get without an answer.
	GetFails
	// Unreachable fails any call before it reaches the store: Insert and Apply with
	// ErrNotCommitted.
	Unreachable
)

var (
	errCut         = errors.New("storetest: connection cut, outcome unknown")
	errUnreachable = errors.New("storetest: store unreachable")
)

// Faulty is a store behind a bad connection. Its faults stand in a queue: only the
// first is active, and the next becomes so when it is used up. So
//
//	f.Next(storetest.InsertCutLost, 1)
//	f.Next(storetest.Unreachable, 3)
//
// lets everything through up to the next Insert, cuts that, and fails the three
// calls after it, whichever they are.
type Faulty struct {
	store journal.Store

	mu     sync.Mutex
	faults []fault
	late   []lateInsert
}

type fault struct {
	kind Fault
	left int // negative: until Heal
}

type lateInsert struct {
	change journal.Change
	hold   journal.Hold
}

var _ journal.Store = (*Faulty)(nil)

// NewFaulty returns store without any fault yet.
func NewFaulty(store journal.Store) *Faulty { return &Faulty{store: store} }

// Next queues a fault for so many calls; a negative number of times lasts until Heal.
func (f *Faulty) Next(kind Fault, times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if times != 0 {
		f.faults = append(f.faults, fault{kind, times})
	}
}

// Heal drops all faults. Inserts that land later still wait for Land.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// Land lets the first waiting insert of InsertCutLandsLater arrive at the store and
// returns the store's answer, or an error where none is waiting.
func (f *Faulty) Land() error {
	f.mu.Lock()
	if len(f.late) == 0 {
		f.mu.Unlock()
		return errors.New("storetest: no insert is waiting to land")
	}
	l := f.late[0]
	f.late = f.late[1:]
	f.mu.Unlock()
	return f.store.Insert(context.Background(), l.change, l.hold)
}

// take uses the first fault up once, if it is one of these or Unreachable.
func (f *Faulty) take(kinds ...Fault) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.faults) == 0 {
		return 0
	}
	first := &f.faults[0]
	for _, k := range append(kinds, Unreachable) {
		if first.kind != k {
			continue
		}
		if first.left > 0 {
			if first.left--; first.left == 0 {
				f.faults = f.faults[1:]
			}
		}
		return k
	}
	return 0
}

// Insert may fail; see the faults.
func (f *Faulty) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	switch f.take(InsertNotCommitted, InsertCutLost, InsertCutCommitted, InsertCutLandsLater) {
	case InsertNotCommitted:
		return fmt.Errorf("storetest: insert: %w", journal.ErrNotCommitted)
	case Unreachable:
		return notReached()
	case InsertCutLost:
		return errCut
	case InsertCutCommitted:
		_ = f.store.Insert(context.WithoutCancel(ctx), c, h)
		return errCut
	case InsertCutLandsLater:
		e := &c.Entry
		e.Data, e.Reply, e.Sealed = bytes.Clone(e.Data), bytes.Clone(e.Reply), bytes.Clone(e.Sealed)
		f.mu.Lock()
		f.late = append(f.late, lateInsert{c, h})
		f.mu.Unlock()
		return errCut
	}
	return f.store.Insert(ctx, c, h)
}

// Apply may fail; see the faults.
func (f *Faulty) Apply(ctx context.Context, b journal.Batch) error {
	switch f.take(ApplyNotCommitted, ApplyCutLost, ApplyCutCommitted) {
	case ApplyNotCommitted:
		return fmt.Errorf("storetest: apply: %w", journal.ErrNotCommitted)
	case Unreachable:
		return notReached()
	case ApplyCutLost:
		return errCut
	case ApplyCutCommitted:
		_ = f.store.Apply(context.WithoutCancel(ctx), b)
		return errCut
	}
	return f.store.Apply(ctx, b)
}

// Get may fail; see the faults.
func (f *Faulty) Get(ctx context.Context, id bankrail.ID) (journal.Entry, error) {
	if f.take(GetFails) != 0 {
		return journal.Entry{}, errUnreachable
	}
	return f.store.Get(ctx, id)
}

// Now fails only where the store is Unreachable, as do all that follow.
func (f *Faulty) Now(ctx context.Context) (time.Time, error) {
	if f.take() != 0 {
		return time.Time{}, errUnreachable
	}
	return f.store.Now(ctx)
}

// Durable never fails.
func (f *Faulty) Durable() bool { return f.store.Durable() }

// Claim passes through.
func (f *Faulty) Claim(ctx context.Context, q journal.ClaimQuery) ([]journal.Entry, error) {
	if f.take() != 0 {
		return nil, errUnreachable
	}
	return f.store.Claim(ctx, q)
}

// Rouse passes through.
func (f *Faulty) Rouse(ctx context.Context, horizon time.Duration) (int, error) {
	if f.take() != 0 {
		return 0, errUnreachable
	}
	return f.store.Rouse(ctx, horizon)
}

// Pending passes through.
func (f *Faulty) Pending(ctx context.Context, q journal.PendingQuery) ([]journal.Pending, error) {
	if f.take() != 0 {
		return nil, errUnreachable
	}
	return f.store.Pending(ctx, q)
}

// TakeEvents passes through.
func (f *Faulty) TakeEvents(ctx context.Context, lease time.Duration, limit int) ([]journal.Event, error) {
	if f.take() != 0 {
		return nil, errUnreachable
	}
	return f.store.TakeEvents(ctx, lease, limit)
}

// Published passes through.
func (f *Faulty) Published(ctx context.Context, ids ...string) error {
	if f.take() != 0 {
		return errUnreachable
	}
	return f.store.Published(ctx, ids...)
}

// History passes through.
func (f *Faulty) History(ctx context.Context, id bankrail.ID) ([]journal.Step, error) {
	if f.take() != 0 {
		return nil, errUnreachable
	}
	return f.store.History(ctx, id)
}

// List passes through.
func (f *Faulty) List(ctx context.Context, q journal.ListQuery) ([]journal.Entry, string, error) {
	if f.take() != 0 {
		return nil, "", errUnreachable
	}
	return f.store.List(ctx, q)
}

// Anomalies passes through.
func (f *Faulty) Anomalies(ctx context.Context, after string, limit int) ([]journal.Anomaly, string, error) {
	if f.take() != 0 {
		return nil, "", errUnreachable
	}
	return f.store.Anomalies(ctx, after, limit)
}

// Budget passes through.
func (f *Faulty) Budget(ctx context.Context, ch bankrail.Channel, order string) (journal.Budget, error) {
	if f.take() != 0 {
		return journal.Budget{}, errUnreachable
	}
	return f.store.Budget(ctx, ch, order)
}

// Health passes through.
func (f *Faulty) Health(ctx context.Context) (journal.Health, error) {
	if f.take() != 0 {
		return journal.Health{}, errUnreachable
	}
	return f.store.Health(ctx)
}

// Limits passes through.
func (f *Faulty) Limits(ctx context.Context) ([]journal.Limit, error) {
	if f.take() != 0 {
		return nil, errUnreachable
	}
	return f.store.Limits(ctx)
}

// SetLimit passes through.
func (f *Faulty) SetLimit(ctx context.Context, l journal.Limit) error {
	if f.take() != 0 {
		return errUnreachable
	}
	return f.store.SetLimit(ctx, l)
}

func notReached() error {
	return fmt.Errorf("%w: %w", journal.ErrNotCommitted, errUnreachable)
}
