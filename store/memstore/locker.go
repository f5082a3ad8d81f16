package memstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
)

// Locker locks names among the callers of one process. It is safe for concurrent use.
type Locker struct {
	now func() time.Time

	mu     sync.Mutex
	leases map[string]*lease
	fence  int64 // one count for all names, so that a name can be forgotten
	swept  int   // how many names were left by the last sweep
}

type lease struct {
	locker *Locker
	name   string
	fence  int64
	until  time.Time
}

var (
	_ idempotency.Locker = (*Locker)(nil)
	_ idempotency.Lease  = (*lease)(nil)
)

// NewLocker returns a Locker in which nothing is locked.
func NewLocker(cfg Config) *Locker {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Locker{now: cfg.Now, leases: map[string]*lease{}}
}

// Lock takes a name; see idempotency.Locker.
func (l *Locker) Lock(ctx context.Context, name string, life time.Duration) (idempotency.Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("memstore: lock: %w", err)
	}
	if name == "" {
		return nil, &bankrail.FieldError{Field: "name", Problem: "want the name of what is locked"}
	}
	if life < time.Millisecond {
		return nil, &bankrail.FieldError{Field: "life", Problem: "want at least a millisecond"}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if held, ok := l.leases[name]; ok && now.Before(held.until) {
		return nil, fmt.Errorf("memstore: lock %s: %w", name, idempotency.ErrLocked)
	}
	l.sweep(now)
	l.fence++
	taken := &lease{locker: l, name: name, fence: l.fence, until: now.Add(life)}
	l.leases[name] = taken
	return taken, nil
}

// sweep forgets leases that are over, whenever there are twice as many names as the
// last one left.
func (l *Locker) sweep(now time.Time) {
	if len(l.leases) < 2*l.swept+64 {
		return
	}
	for name, held := range l.leases {
		if !now.Before(held.until) {
			delete(l.leases, name)
		}
	}
	l.swept = len(l.leases)
}

// Fence rises with every Lock.
func (l *lease) Fence() int64 { return l.fence }

// Until is when the lease ends.
func (l *lease) Until() time.Time { return l.until }

// Unlock gives the name back; see idempotency.Lease.
func (l *lease) Unlock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("memstore: unlock: %w", err)
	}
	k := l.locker
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.leases[l.name] != l {
		return fmt.Errorf("memstore: unlock %s: %w", l.name, idempotency.ErrLost)
	}
	delete(k.leases, l.name)
	if !k.now().Before(l.until) {
		return fmt.Errorf("memstore: unlock %s: %w", l.name, idempotency.ErrLost)
	}
	return nil
}
