package redisstore_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/redisstore"
)

func TestExtendOnlyOnesOwn(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{})
	lease, err := s.LockAs(ctx, "O77", "token", time.Minute)
	require.NoError(t, err)
	before := time.Now()
	require.NoError(t, lease.Extend(ctx, time.Hour))
	require.WithinRange(t, lease.Until(), before.Add(time.Hour), time.Now().Add(time.Hour))
	require.Greater(t, s.raw.PTTL(ctx, s.only(t, "l:")).Val(), 59*time.Minute)

	require.NoError(t, s.raw.Set(ctx, s.only(t, "l:"), "another's", time.Hour).Err())
	until := lease.Until()
	require.ErrorIs(t, lease.Extend(ctx, 2*time.Hour), idempotency.ErrLost)
	require.Equal(t, until, lease.Until())
	require.ErrorIs(t, lease.Unlock(ctx), idempotency.ErrLost)
	require.Equal(t, "another's", s.raw.Get(ctx, s.only(t, "l:")).Val())
	require.LessOrEqual(t, s.raw.PTTL(ctx, s.only(t, "l:")).Val(), time.Hour, "another's life is its own")
}

func TestALeaseThatIsOverIsNotExtended(t *testing.T) {
	t.Parallel()
	var c turned
	s := open(t, redisstore.Config{Now: c.now})
	lease, err := s.LockAs(t.Context(), "O77", "token", time.Minute)
	require.NoError(t, err)
	c.turn(time.Minute)
	require.ErrorIs(t, lease.Extend(t.Context(), time.Hour), idempotency.ErrLost)
	require.ErrorIs(t, lease.Unlock(t.Context()), idempotency.ErrLost)
	require.Empty(t, s.names(t, "l:"), "Redis's later end is not waited for")
}

func TestLockIsRepeatedByItsToken(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{})
	first, err := s.LockAs(ctx, "O77", "token", time.Minute)
	require.NoError(t, err)
	again, err := s.LockAs(ctx, "O77", "token", time.Hour)
	require.NoError(t, err)
	require.Equal(t, first.Fence(), again.Fence())
	require.Greater(t, s.raw.PTTL(ctx, s.only(t, "l:")).Val(), 59*time.Minute)
	_, err = s.LockAs(ctx, "O77", "other", time.Hour)
	require.ErrorIs(t, err, idempotency.ErrLocked)
	require.NoError(t, again.Unlock(ctx))
	require.ErrorIs(t, first.Unlock(ctx), idempotency.ErrLost)
}

func TestFencesRiseWhateverRedisForgets(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{})
	last := int64(0)
	take := func(why string) {
		lease, err := s.Lock(ctx, "O77", time.Hour)
		require.NoError(t, err, why)
		require.Greater(t, lease.Fence(), last, why)
		last = lease.Fence()
	}
	take("the first")
	require.NoError(t, s.raw.Del(ctx, s.only(t, "l:")).Err())
	take("the lock was evicted")
	require.NoError(t, s.raw.Del(ctx, s.only(t, "l:"), s.only(t, "f:")).Err())
	take("all was flushed")
	ahead := time.Now().Add(time.Hour).UnixMicro()
	require.NoError(t, s.raw.Set(ctx, s.only(t, "f:"), strconv.FormatInt(ahead, 10), 0).Err())
	require.NoError(t, s.raw.Del(ctx, s.only(t, "l:")).Err())
	take("the server's clock was set back")
	require.Equal(t, ahead+1, last)
	require.Greater(t, s.raw.PTTL(ctx, s.only(t, "f:")).Val(), 24*time.Hour, "a fence outlives its lock")
}

func TestManyLockOneAfterTheOther(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{Timeout: 5 * time.Second})
	var mu sync.Mutex
	var fences []int64
	together(16, func(int) {
		for done := 0; done < 5; {
			lease, err := s.Lock(ctx, "O77", time.Minute)
			if err != nil {
				continue
			}
			if !mu.TryLock() {
				t.Error("two have the lock")
				return
			}
			fences = append(fences, lease.Fence())
			mu.Unlock()
			if err := lease.Unlock(ctx); err != nil {
				t.Error(err)
			}
			done++
		}
	})
	require.Len(t, fences, 80)
	for i := 1; i < len(fences); i++ {
		require.Greater(t, fences[i], fences[i-1])
	}
}
