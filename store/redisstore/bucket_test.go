package redisstore_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/store/redisstore"
)

func bucket(t *testing.T, s *redisstore.Store, r redisstore.Rate) *redisstore.Bucket {
	t.Helper()
	b, err := s.Bucket("lanhai M1001", redisstore.BucketConfig{Rate: r})
	require.NoError(t, err)
	return b
}

func TestBucketIsSharedByAll(t *testing.T) {
	t.Parallel()
	s := open(t, redisstore.Config{Timeout: 5 * time.Second})
	slow := redisstore.Rate{Calls: 1, Per: time.Hour, Burst: 5}
	one, two := bucket(t, s.Store, slow), bucket(t, s.Store, slow)
	var went atomic.Int64
	together(16, func(n int) {
		b := one
		if n%2 == 0 {
			b = two
		}
		for range 4 {
			if ok, after := b.Allow(t.Context()); ok {
				went.Add(1)
			} else if after < 59*time.Minute || after > time.Hour {
				t.Errorf("worth asking again after %v", after)
			}
		}
	})
	require.EqualValues(t, 5, went.Load())

	require.NoError(t, s.raw.Del(t.Context(), s.only(t, "t:")).Err())
	ok, _ := one.Allow(t.Context())
	require.True(t, ok, "what was flushed is full")
}

func TestBucketFillsByTheServersClock(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{Timeout: 5 * time.Second})
	b := bucket(t, s.Store, redisstore.Rate{Calls: 3, Per: time.Hour, Burst: 3})
	empty := func() {
		for range 3 {
			ok, _ := b.Allow(ctx)
			require.True(t, ok)
		}
		ok, _ := b.Allow(ctx)
		require.False(t, ok)
	}
	empty()
	name := s.only(t, "t:")
	back := func(d time.Duration) {
		at, err := s.raw.HGet(ctx, name, "t").Int64()
		require.NoError(t, err)
		require.NoError(t, s.raw.HSet(ctx, name, "t", strconv.FormatInt(at-d.Microseconds(), 10)).Err())
	}
	back(20 * time.Minute)
	ok, _ := b.Allow(ctx)
	require.True(t, ok, "a third of the hour brings one")
	ok, after := b.Allow(ctx)
	require.False(t, ok)
	require.InDelta(t, 20*time.Minute, after, float64(time.Minute))
	back(1000 * time.Hour)
	empty()
	back(-1000 * time.Hour)
	ok, after = b.Allow(ctx)
	require.False(t, ok)
	require.Less(t, after, 21*time.Minute, "a clock that was set back stops nobody for long")
	back(20 * time.Minute)
	ok, _ = b.Allow(ctx)
	require.True(t, ok)
	require.Greater(t, s.raw.PTTL(ctx, name).Val(), 30*time.Minute, "forgotten only when full")
	for _, damage := range []string{"nan", "inf", "-1e300", "", "x"} {
		require.NoError(t, s.raw.HSet(ctx, name, "l", damage).Err())
		empty()
	}
}

func TestWaitersTakeTurns(t *testing.T) {
	t.Parallel()
	s := open(t, redisstore.Config{Timeout: 5 * time.Second})
	b := bucket(t, s.Store, redisstore.Rate{Calls: 100, Burst: 2})
	began := time.Now()
	together(12, func(int) {
		if err := b.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
	require.GreaterOrEqual(t, time.Since(began), 95*time.Millisecond, "two at once, ten every 10 ms")
}

func TestWaitDoesNotWaitInVain(t *testing.T) {
	t.Parallel()
	s := open(t, redisstore.Config{Timeout: 5 * time.Second})
	b := bucket(t, s.Store, redisstore.Rate{Calls: 1, Per: 10 * time.Minute})
	require.NoError(t, b.Wait(t.Context()))
	_, first := b.Allow(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	for range 3 {
		require.ErrorIs(t, b.Wait(ctx), context.DeadlineExceeded)
	}
	require.Less(t, time.Since(began), 30*time.Second)
	_, again := b.Allow(t.Context())
	require.LessOrEqual(t, again, first, "who did not wait took no turn")

	cancel()
	require.ErrorIs(t, b.Wait(ctx), context.Canceled)
	ok, _ := b.Allow(ctx)
	require.False(t, ok)

	gone, leave := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() { waiting <- b.Wait(gone) }()
	eventually(t, "a turn is promised", func() bool {
		_, after := b.Allow(t.Context())
		return after > 10*time.Minute
	})
	leave()
	require.ErrorIs(t, <-waiting, context.Canceled)
}

func TestBucketWithoutRedisCountsByItself(t *testing.T) {
	t.Parallel()
	var h heard
	s, d := buried(t, redisstore.Config{Timeout: 10 * time.Millisecond, Pause: time.Hour, Observe: h.observe})
	b, err := s.Bucket("lanhai M1001", redisstore.BucketConfig{
		Rate: redisstore.Rate{Calls: 1, Per: time.Hour}, Fallback: redisstore.Rate{Calls: 1, Per: time.Minute, Burst: 10},
	})
	require.NoError(t, err)
	for n := range 10 {
		if n%2 == 0 {
			ok, _ := b.Allow(t.Context())
			require.True(t, ok)
		} else {
			require.NoError(t, b.Wait(t.Context()))
		}
	}
	ok, after := b.Allow(t.Context())
	require.False(t, ok)
	require.InDelta(t, time.Minute, after, float64(30*time.Second))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	require.ErrorIs(t, b.Wait(ctx), context.DeadlineExceeded)
	_, again := b.Allow(t.Context())
	require.LessOrEqual(t, again, after, "who did not wait took no turn")
	require.EqualValues(t, 3, d.calls.Load())
	require.Equal(t, 13, h.count(redisstore.Degraded))
}

func TestReadyTakesNoTurn(t *testing.T) {
	t.Parallel()
	b := bucket(t, open(t, redisstore.Config{Timeout: 5 * time.Second}).Store, redisstore.Rate{Calls: 1, Per: time.Minute, Burst: 2})
	soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for range 2 {
		for range 5 {
			require.NoError(t, b.Ready(soon))
		}
		ok, _ := b.Allow(t.Context())
		require.True(t, ok, "no Ready took it")
	}
	require.ErrorIs(t, b.Ready(soon), context.DeadlineExceeded)
	require.NoError(t, soon.Err(), "it does not wait to find out")
	require.NoError(t, b.Ready(t.Context()), "within the hour there is a turn")
	cancel()
	require.ErrorIs(t, b.Ready(soon), context.Canceled)
}

func TestReadyWithoutRedisGoesByTheFallback(t *testing.T) {
	t.Parallel()
	var h heard
	s, _ := buried(t, redisstore.Config{Timeout: 10 * time.Millisecond, Pause: time.Hour, Observe: h.observe})
	b, err := s.Bucket("lanhai M1001", redisstore.BucketConfig{
		Rate: redisstore.Rate{Calls: 1, Per: time.Hour}, Fallback: redisstore.Rate{Calls: 1, Per: time.Minute},
	})
	require.NoError(t, err)
	soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for range 5 {
		require.NoError(t, b.Ready(soon))
	}
	ok, _ := b.Allow(t.Context())
	require.True(t, ok, "no Ready took it")
	require.ErrorIs(t, b.Ready(soon), context.DeadlineExceeded)
	require.Equal(t, 7, h.count(redisstore.Degraded))
}

func TestSettingsAreCheckedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := redisstore.New(nil, redisstore.Config{
		Prefix: "{x}*", Timeout: -1, Pause: time.Microsecond, KeepBodies: -1, KeepFences: -1, KeepKeys: -1,
	})
	require.Equal(t, []string{"client", "Prefix", "Timeout", "Pause", "KeepBodies", "KeepFences", "KeepKeys"}, fields(err))
	for _, client := range []redis.UniversalClient{
		redis.NewClient(&redis.Options{}), redis.NewClusterClient(&redis.ClusterOptions{}), redis.NewRing(&redis.RingOptions{}),
	} {
		_, err := redisstore.New(client, redisstore.Config{})
		require.ErrorContains(t, err, "ContextTimeoutEnabled")
		require.NoError(t, client.Close())
	}
	s, _ := buried(t, redisstore.Config{})
	for field, cfg := range map[string]redisstore.BucketConfig{
		"Rate.Calls":     {},
		"Rate.Per":       {Rate: redisstore.Rate{Calls: 1, Per: time.Nanosecond}},
		"Rate.Burst":     {Rate: redisstore.Rate{Calls: 1, Burst: 1 << 40}},
		"Fallback.Calls": {Rate: redisstore.Rate{Calls: 1}, Fallback: redisstore.Rate{Calls: 2, Per: time.Microsecond}},
	} {
		_, err := s.Bucket("x", cfg)
		require.Equal(t, []string{field}, fields(err))
	}
	_, err = s.Bucket("", redisstore.BucketConfig{Rate: redisstore.Rate{Calls: 1}})
	require.Equal(t, []string{"name"}, fields(err))
}
