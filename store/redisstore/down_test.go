package redisstore_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/redisstore"
)

// turned is a clock that a test can set forward.
type turned struct{ by atomic.Int64 }

func (c *turned) now() time.Time       { return time.Now().Add(time.Duration(c.by.Load())) }
func (c *turned) turn(d time.Duration) { c.by.Add(int64(d)) }

// heard collects events.
type heard struct {
	mu     sync.Mutex
	events []redisstore.Event
}

func (h *heard) observe(_ context.Context, e redisstore.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

func (h *heard) count(kind redisstore.EventKind) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, e := range h.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// dead is a server that answers nobody, until it is healed.
type dead struct {
	forgetful
	healed atomic.Bool
	calls  atomic.Int64
}

func (d *dead) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		d.calls.Add(1)
		if d.healed.Load() {
			cmd.(*redis.Cmd).SetVal("7")
			return nil
		}
		<-ctx.Done()
		cmd.SetErr(ctx.Err())
		return ctx.Err()
	}
}

// buried is a store over a dead server; it needs none.
func buried(t *testing.T, cfg redisstore.Config) (*redisstore.Store, *dead) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	d := &dead{}
	client.AddHook(d)
	s, err := redisstore.New(client, cfg)
	require.NoError(t, err)
	return s, d
}

func TestADeadServerIsLeftAlone(t *testing.T) {
	t.Parallel()
	var c turned
	var h heard
	s, d := buried(t, redisstore.Config{Timeout: 20 * time.Millisecond, Pause: time.Hour, Now: c.now, Observe: h.observe})
	paused := 0
	for range 1000 {
		_, err := s.Lock(t.Context(), "O77", time.Minute)
		require.Error(t, err)
		require.NotErrorIs(t, err, idempotency.ErrLocked)
		if errors.Is(err, redisstore.ErrPaused) {
			paused++
		} else {
			require.ErrorContains(t, err, "may have been done")
		}
	}
	require.EqualValues(t, 3, d.calls.Load())
	require.Equal(t, 997, paused)
	require.Equal(t, 3, h.count(redisstore.Failed))
	require.Equal(t, 1, h.count(redisstore.Paused))

	c.turn(time.Hour)
	together(16, func(int) { _, _ = s.Lock(t.Context(), "O77", time.Minute) })
	require.EqualValues(t, 4, d.calls.Load(), "one tries, the others do not wait")

	d.healed.Store(true)
	_, err := s.Lock(t.Context(), "O77", time.Minute)
	require.ErrorIs(t, err, redisstore.ErrPaused, "it failed a moment ago")
	c.turn(time.Hour)
	for range 3 {
		lease, err := s.Lock(t.Context(), "O77", time.Minute)
		require.NoError(t, err)
		require.EqualValues(t, 7, lease.Fence())
	}
	require.Equal(t, 1, h.count(redisstore.Resumed))
}

func TestACallerInAHurryProvesNothing(t *testing.T) {
	t.Parallel()
	s, d := buried(t, redisstore.Config{Timeout: time.Hour})
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err := s.Lock(ctx, "O77", time.Minute)
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	require.EqualValues(t, 10, d.calls.Load())
}

func TestAFrozenServerEndsInTime(t *testing.T) {
	t.Parallel()
	s, way := through(t, redisstore.Config{Timeout: 100 * time.Millisecond, Pause: time.Millisecond})
	_, err := s.Begin(t.Context(), refundKey, print1, "n", time.Minute)
	require.NoError(t, err)
	for _, m := range []mode{frozen, mute, cutting} {
		way.set(m)
		for range 5 {
			began := time.Now()
			_, err = s.Begin(t.Context(), refundKey, print1, "n", time.Minute)
			require.Error(t, err)
			require.Less(t, time.Since(began), 2*time.Second, "on an open connection or a new one")
		}
		way.set(cutting) // what was held must not come later
		way.set(healthy)
		eventually(t, "it answers again", func() bool {
			c, err := s.Begin(t.Context(), refundKey, print1, "n", time.Minute)
			return err == nil && c.State == idempotency.InFlight
		})
	}
}

// TestALostAnswerIsRepeated cuts the way back after the server has done each step; the
// client repeats it on a new connection.
func TestALostAnswerIsRepeated(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, way := through(t, redisstore.Config{Timeout: 10 * time.Second})
	record := func(field string) string { return s.raw.HGet(ctx, s.only(t, "k:"), field).Val() }
	loaded(t)
	require.NoError(t, s.client.Ping(ctx).Err())

	lost(t, way, "begin", func() bool { return len(s.names(t, "k:")) > 0 }, func() {
		c, err := s.Begin(ctx, refundKey, print1, "n", time.Minute)
		require.NoError(t, err)
		require.Equal(t, idempotency.New, c.State, "or nobody would complete it")
	})
	require.NoError(t, s.Complete(ctx, refundKey, 1, idempotency.Open, nil))
	lost(t, way, "reclaim", func() bool { return record("e") == "2" }, func() {
		c, err := s.Reclaim(ctx, refundKey, 1, "n", time.Minute)
		require.NoError(t, err)
		require.EqualValues(t, 2, c.Epoch)
	})
	lost(t, way, "complete", func() bool { return record("d") == "done" }, func() {
		require.NoError(t, s.Complete(ctx, refundKey, 2, idempotency.Done, []byte("x")))
	})
	lost(t, way, "lock", func() bool { return len(s.names(t, "l:")) > 0 }, func() {
		lease, err := s.Lock(ctx, "O77", time.Minute)
		require.NoError(t, err)
		require.NoError(t, lease.Unlock(ctx))
	})
}

// loaded makes the server know every script, so that none is asked for first.
func loaded(t *testing.T) {
	t.Helper()
	ctx, s := t.Context(), open(t, redisstore.Config{Timeout: 5 * time.Second})
	_, err := s.Begin(ctx, refundKey, print1, "n", time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.Complete(ctx, refundKey, 1, idempotency.Open, nil))
	_, err = s.Reclaim(ctx, refundKey, 1, "n", time.Minute)
	require.NoError(t, err)
	_, err = s.Lock(ctx, "O77", time.Minute)
	require.NoError(t, err)
}

func lost(t *testing.T, way *faulty, what string, done func() bool, call func()) {
	t.Helper()
	way.set(mute)
	var cut sync.WaitGroup
	cut.Go(func() {
		for end := time.Now().Add(5 * time.Second); !done(); {
			if time.Now().After(end) {
				t.Error("the server never did: ", what)
				break
			}
		}
		way.set(cutting)
		way.set(healthy)
	})
	call()
	cut.Wait()
}
