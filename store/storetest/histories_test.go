package storetest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/storetest"
)

// Each store here has one mistake that was made before, by others, in production. The
// histories have to find it, and have to leave the same store without it alone.
func TestHistoriesFindBrokenStores(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]storetest.Histories{
		"reclaim without compare-and-swap":       keysWith(mistakes{blindReclaim: true}),
		"reclaim of what was completed":          keysWith(mistakes{reclaimDone: true}),
		"complete without epoch":                 keysWith(mistakes{blindComplete: true}),
		"complete over what was completed":       keysWith(mistakes{completeDone: true}),
		"begin that overwrites":                  keysWith(mistakes{beginOverwrites: true}),
		"begin that answers before it is stored": keysWith(mistakes{forgets: true}),
		"unlock without token":                   lockerWith(true, false),
		"fences that fall":                       lockerWith(false, true),
		"insert that overwrites":                 journalWith(&brokenJournal{overwrite: true}),
		"change without version":                 journalWith(&brokenJournal{blind: true}),
		"claim without lease":                    journalWith(&brokenJournal{twice: true}),
		"read of an old version":                 journalWith(&brokenJournal{stale: true}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Count = 200
			err := storetest.Violation(t, cfg)
			require.ErrorContains(t, err, "has no order")
			path := regexp.MustCompile(`see (\S+)`).FindStringSubmatch(err.Error())[1]
			defer func() { require.NoError(t, os.RemoveAll(filepath.Dir(path))) }()
			page, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, string(page), "<html")
		})
	}
	for name, cfg := range map[string]storetest.Histories{
		"keys": keysWith(mistakes{}), "locker": lockerWith(false, false), "journal": journalWith(&brokenJournal{}),
	} {
		t.Run(name+" without a mistake", func(t *testing.T) {
			t.Parallel()
			cfg.Count = 50
			require.NoError(t, storetest.Violation(t, cfg))
		})
	}
}

type mistakes struct {
	blindReclaim, reclaimDone, blindComplete, completeDone, beginOverwrites, forgets bool
}

// brokenKeys is a store of keys with mistakes.
type brokenKeys struct {
	mistakes
	mu    sync.Mutex
	rows  map[idempotency.Key]brokenKey
	begun int
}

type brokenKey struct {
	idempotency.Claim
	print idempotency.Fingerprint
}

func keysWith(m mistakes) storetest.Histories {
	return storetest.Histories{Keys: func(*testing.T) idempotency.Store {
		return &brokenKeys{mistakes: m, rows: map[idempotency.Key]brokenKey{}}
	}}
}

func (s *brokenKeys) Begin(_ context.Context, k idempotency.Key, p idempotency.Fingerprint, owner string, lease time.Duration) (idempotency.Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rows[k]
	s.begun++
	if !ok || s.beginOverwrites && r.state() == idempotency.Unknown {
		r = brokenKey{claim(owner, lease, 1), p}
		if !s.forgets || s.begun%10 > 0 {
			s.rows[k] = r
		}
		r.State = idempotency.New
		return r.Claim, nil
	}
	if r.print != p {
		return idempotency.Claim{State: idempotency.Mismatch}, nil
	}
	r.State = r.state()
	return r.Claim, nil
}

func (s *brokenKeys) Complete(_ context.Context, k idempotency.Key, epoch int64, o idempotency.Outcome, response []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rows[k]
	if !ok || r.Epoch != epoch && !s.blindComplete || r.Outcome == idempotency.Done && !s.completeDone {
		return idempotency.ErrLost
	}
	r.Outcome, r.Response = o, response
	s.rows[k] = r
	return nil
}

func (s *brokenKeys) Reclaim(_ context.Context, k idempotency.Key, epoch int64, owner string, lease time.Duration) (idempotency.Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rows[k]
	free := r.state() == idempotency.Unknown || s.reclaimDone && r.Outcome == idempotency.Done
	if !ok || !free || r.Epoch != epoch && !s.blindReclaim {
		return idempotency.Claim{}, idempotency.ErrLost
	}
	r.Claim = claim(owner, lease, r.Epoch+1)
	s.rows[k] = r
	r.State = idempotency.New
	return r.Claim, nil
}

func (s *brokenKeys) Trim(context.Context, time.Time, int) (int, error) { return 0, nil }
func (s *brokenKeys) Durable() bool                                     { return false }

func claim(owner string, lease time.Duration, epoch int64) idempotency.Claim {
	now := time.Now()
	return idempotency.Claim{Owner: owner, Epoch: epoch, Since: now, Until: now.Add(lease)}
}

func (r brokenKey) state() idempotency.State {
	switch {
	case r.Outcome == idempotency.Done:
		return idempotency.Replay
	case r.Outcome == "" && time.Now().Before(r.Until):
		return idempotency.InFlight
	}
	return idempotency.Unknown
}

// brokenLocker frees whatever lock has the name, or gives fences out backwards.
type brokenLocker struct {
	*memstore.Locker
	tokenless, falling bool
	mu                 sync.Mutex
	current            map[string]idempotency.Lease
}

type brokenLease struct {
	idempotency.Lease
	l    *brokenLocker
	name string
}

func lockerWith(tokenless, falling bool) storetest.Histories {
	return storetest.Histories{Locker: func(*testing.T) idempotency.Locker {
		return &brokenLocker{
			Locker: memstore.NewLocker(memstore.Config{}), tokenless: tokenless, falling: falling,
			current: map[string]idempotency.Lease{},
		}
	}}
}

func (l *brokenLocker) Lock(ctx context.Context, name string, life time.Duration) (idempotency.Lease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lease, err := l.Locker.Lock(ctx, name, life)
	if err != nil {
		return nil, err
	}
	l.current[name] = lease
	return brokenLease{lease, l, name}, nil
}

func (l brokenLease) Fence() int64 {
	if l.l.falling {
		return 1_000_000 - l.Lease.Fence()
	}
	return l.Lease.Fence()
}

func (l brokenLease) Unlock(ctx context.Context) error {
	l.l.mu.Lock()
	defer l.l.mu.Unlock()
	if l.l.tokenless {
		return l.l.current[l.name].Unlock(ctx)
	}
	return l.Lease.Unlock(ctx)
}

// brokenJournal is a journal's store with one mistake.
type brokenJournal struct {
	journal.Store
	overwrite, blind, twice, stale bool
	mu                             sync.Mutex
	old                            map[bankrail.ID]journal.Entry
}

func journalWith(s *brokenJournal) storetest.Histories {
	return storetest.Histories{Journal: func(*testing.T) journal.Store {
		s.Store, s.old = memstore.New(memstore.Config{}), map[bankrail.ID]journal.Entry{}
		return s
	}}
}

func (s *brokenJournal) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	err := s.Store.Insert(ctx, c, h)
	if !s.overwrite || !errors.Is(err, journal.ErrExists) {
		return err
	}
	return s.force(ctx, c)
}

func (s *brokenJournal) Apply(ctx context.Context, b journal.Batch) error {
	err := s.Store.Apply(ctx, b)
	if !s.blind || !errors.Is(err, journal.ErrLost) {
		return err
	}
	return s.force(ctx, b.Changes[0])
}

// force writes a change whatever the version.
func (s *brokenJournal) force(ctx context.Context, c journal.Change) error {
	e, err := s.Store.Get(ctx, c.Entry.ID)
	if err != nil {
		return err
	}
	c.Entry.Version = e.Version
	return s.Store.Apply(ctx, journal.Batch{Changes: []journal.Change{c}})
}

func (s *brokenJournal) Claim(ctx context.Context, q journal.ClaimQuery) ([]journal.Entry, error) {
	if s.twice {
		q.Lease = 0
	}
	return s.Store.Claim(ctx, q)
}

func (s *brokenJournal) Get(ctx context.Context, id bankrail.ID) (journal.Entry, error) {
	e, err := s.Store.Get(ctx, id)
	if err != nil || !s.stale {
		return e, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.old[id]; ok && old.Version < e.Version {
		delete(s.old, id)
		return old, nil
	}
	s.old[id] = e
	return e, nil
}
