package sim

import (
	"context"
	"errors"
	"time"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/memstore"
)

// locks is the lock service of a world. It may be down, slow, or forget what it had
// given. Whatever it does, it must cost time at most.
type locks struct {
	w     *world
	given *memstore.Locker
}

var errLocks = errors.New("locks: unreachable")

// newLocker is nil where the hosts of a world have none.
func (w *world) newLocker() idempotency.Locker {
	if !w.plan.locks {
		return nil
	}
	return &locks{w: w, given: memstore.NewLocker(memstore.Config{})}
}

// Lock asks the service over the wire.
func (l *locks) Lock(ctx context.Context, name string, life time.Duration) (idempotency.Lease, error) {
	c, w := callOf(ctx), l.w
	c.step("lock", "")
	if w.happens(&c.dice, 50, "lock slow") {
		slept := sleep(ctx, &c.dice, 5*time.Second)
		c.check()
		if !slept {
			return nil, ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.within(w.locksDown) {
		w.saw("lock down")
		return nil, errLocks
	}
	if w.happens(&c.dice, 50, "lock evicted") {
		l.given = memstore.NewLocker(memstore.Config{})
	}
	lease, err := l.given.Lock(context.Background(), name, life)
	if err != nil {
		w.saw("lock held by another")
		return nil, err
	}
	return given{lease, w}, nil
}

// given is a lock that was given to a call.
type given struct {
	idempotency.Lease
	w *world
}

// Unlock tells the service, if it can be reached.
func (g given) Unlock(ctx context.Context) error {
	c := callOf(ctx)
	c.step("unlock", "")
	g.w.mu.Lock()
	defer g.w.mu.Unlock()
	if g.w.within(g.w.locksDown) {
		return errLocks
	}
	return g.Lease.Unlock(context.Background())
}
