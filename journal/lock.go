package journal

import (
	"context"
	"errors"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/internal/point"
)

// locked is the order lock that a call holds from before its record to after its
// outcome; the zero value holds none.
type locked struct {
	lease idempotency.Lease
	// until is by this node's clock, counted from before the lock was asked for.
	until time.Time
}

// lockOrder keeps requests of one order apart, so that they do not meet at the
// gateway. It is for speed: without the lock the call goes on, unless the host
// requires it.
func (b *Book) lockOrder(ctx context.Context, id bankrail.ID, order string) (locked, error) {
	point.At(ctx, point.BeforeLock, id.Number)
	if b.cfg.Locker == nil && b.cfg.LockRequired {
		return locked{}, &bankrail.FieldError{Field: "journal.Config.Locker", Problem: "required: LockRequired is set"}
	}
	if b.cfg.Locker == nil || order == "" {
		return locked{}, nil
	}
	name := "bankrail order " + id.Channel.String() + " " + order
	wctx, cancel := context.WithTimeout(ctx, b.cfg.LockWait)
	defer cancel()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 400*time.Millisecond) {
		asked := b.cfg.Now()
		lease, err := b.cfg.Locker.Lock(wctx, name, b.cfg.LockLife)
		if err == nil {
			point.At(ctx, point.Locked, id.Number)
			return locked{lease, asked.Add(b.cfg.LockLife)}, nil
		}
		if !errors.Is(err, idempotency.ErrLocked) || !sleep(wctx, pause) {
			if b.cfg.LockRequired {
				return locked{}, unavailable(id, err)
			}
			return locked{}, nil
		}
	}
}

// sleep waits, and reports whether it did not have to give up.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// unlock gives the order back. Where that fails the lock ends by itself.
func (b *Book) unlock(ctx context.Context, l locked) {
	if l.lease == nil {
		return
	}
	wctx, cancel := b.detached(ctx)
	defer cancel()
	_ = l.lease.Unlock(wctx)
}

// within moves a checkpoint's end to where the lock still covers the whole call.
func (b *Book) within(c *checkpointed, l locked) *checkpointed {
	if c == nil || l.lease == nil {
		return c
	}
	c.by = earliest(c.by, c.at.store.Add(l.until.Sub(c.at.local)-b.cfg.CallTimeout))
	return c
}
