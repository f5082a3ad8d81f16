package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
)

// RunLocker holds a locker to the contract of idempotency.Locker, in real time. Each
// test opens a locker in which nothing is locked, and open closes it in t.Cleanup.
func RunLocker(t *testing.T, open func(t *testing.T) idempotency.Locker) {
	t.Run("Locker", func(t *testing.T) {
		t.Parallel()
		for _, x := range lockerTests {
			t.Run(x.name, func(t *testing.T) {
				t.Parallel()
				x.run(t, open(t))
			})
		}
	})
}

// briefLife is a lease that is waited out.
const briefLife = 20 * time.Millisecond

var lockerTests = []struct {
	name string
	run  func(t *testing.T, l idempotency.Locker)
}{
	{"a name is locked once", func(t *testing.T, l idempotency.Locker) {
		lock(t, l, "a")
		for range 2 {
			_, err := l.Lock(t.Context(), "a", time.Hour)
			require.ErrorIs(t, err, idempotency.ErrLocked)
		}
		for _, other := range []string{"b", "A", "a ", "订单 1"} {
			lock(t, l, other)
		}
	}},
	{"a name that was given back is free", func(t *testing.T, l idempotency.Locker) {
		last := int64(0)
		for range 3 {
			lease := lock(t, l, "a")
			require.Greater(t, lease.Fence(), last)
			last = lease.Fence()
			require.NoError(t, lease.Unlock(t.Context()))
		}
	}},
	{"a lease says when it ends, counted from before it was asked for", func(t *testing.T, l idempotency.Locker) {
		before := time.Now()
		lease := lock(t, l, "a")
		after := time.Now()
		require.False(t, lease.Until().Before(before.Add(time.Hour-time.Millisecond)), "it may be rounded down to a millisecond")
		require.False(t, lease.Until().After(after.Add(time.Hour)))
	}},
	{"giving back twice is lost", func(t *testing.T, l idempotency.Locker) {
		lease := lock(t, l, "a")
		require.NoError(t, lease.Unlock(t.Context()))
		require.ErrorIs(t, lease.Unlock(t.Context()), idempotency.ErrLost)
		lock(t, l, "a")
		require.ErrorIs(t, lease.Unlock(t.Context()), idempotency.ErrLost)
		_, err := l.Lock(t.Context(), "a", time.Hour)
		require.ErrorIs(t, err, idempotency.ErrLocked, "another's lease is left alone")
	}},
	{"a lease that is over is taken by the next, who keeps it", func(t *testing.T, l idempotency.Locker) {
		old, err := l.Lock(t.Context(), "a", briefLife)
		require.NoError(t, err)
		next := await(t, l, "a", time.Hour)
		require.Greater(t, next.Fence(), old.Fence())
		require.ErrorIs(t, old.Unlock(t.Context()), idempotency.ErrLost)
		_, err = l.Lock(t.Context(), "a", time.Hour)
		require.ErrorIs(t, err, idempotency.ErrLocked)
		require.NoError(t, next.Unlock(t.Context()))
	}},
	{"giving back a lease that is over is lost", func(t *testing.T, l idempotency.Locker) {
		lease, err := l.Lock(t.Context(), "a", time.Millisecond)
		require.NoError(t, err)
		// Another of the same life, locked later, is over later.
		_, err = l.Lock(t.Context(), "b", briefLife)
		require.NoError(t, err)
		await(t, l, "b", time.Hour)
		require.ErrorIs(t, lease.Unlock(t.Context()), idempotency.ErrLost)
	}},
	{"of many one gets it, and the fences rise", func(t *testing.T, l idempotency.Locker) {
		const n = 16
		var mu sync.Mutex
		var fences []int64
		inside := 0
		errs := together(n, func(int) error {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			lease, err := polled(ctx, l, "a", time.Hour)
			if err != nil {
				return err
			}
			mu.Lock()
			inside++
			if inside != 1 {
				err = fmt.Errorf("%d hold the name", inside)
			}
			fences = append(fences, lease.Fence())
			inside--
			mu.Unlock()
			return errors.Join(err, lease.Unlock(ctx))
		})
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.Len(t, fences, n)
		for i := 1; i < n; i++ {
			require.Greater(t, fences[i], fences[i-1])
		}
	}},
	{"no name and no life are refused", func(t *testing.T, l idempotency.Locker) {
		_, err := l.Lock(t.Context(), "", time.Hour)
		require.ErrorIs(t, err, bankrail.ErrInvalid)
		for _, life := range []time.Duration{-time.Second, 0, time.Microsecond} {
			_, err = l.Lock(t.Context(), "a", life)
			require.ErrorIs(t, err, bankrail.ErrInvalid)
		}
		lock(t, l, "a")
	}},
	{"a context that has ended does nothing", func(t *testing.T, l idempotency.Locker) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := l.Lock(ctx, "a", time.Hour)
		require.ErrorIs(t, err, context.Canceled)
		lease := lock(t, l, "a")
		require.ErrorIs(t, lease.Unlock(ctx), context.Canceled)
		require.NoError(t, lease.Unlock(t.Context()))
	}},
}

func lock(t *testing.T, l idempotency.Locker, name string) idempotency.Lease {
	t.Helper()
	lease, err := l.Lock(t.Context(), name, time.Hour)
	require.NoError(t, err, name)
	return lease
}

// await locks a name as soon as it is free.
func await(t *testing.T, l idempotency.Locker, name string, life time.Duration) idempotency.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	lease, err := polled(ctx, l, name, life)
	require.NoError(t, err)
	return lease
}

func polled(ctx context.Context, l idempotency.Locker, name string, life time.Duration) (idempotency.Lease, error) {
	for {
		lease, err := l.Lock(ctx, name, life)
		if !errors.Is(err, idempotency.ErrLocked) {
			return lease, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s never became free: %w", name, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}
