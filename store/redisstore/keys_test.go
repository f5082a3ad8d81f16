package redisstore_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/redisstore"
)

var (
	refundKey = idempotency.Key{Tenant: "shop", Route: "POST /refunds", Key: "3f1c-client-secret"}
	print1    = idempotency.NewFingerprint("CNY", "1234", "O77")
	print2    = idempotency.NewFingerprint("CNY", "1235", "O77")
)

func TestBeginIsReplayedByteForByte(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{})
	response := []byte("HTTP/1.1 200 OK\r\n\x00\xff\xfe{\"id\":1}")

	c, err := s.Begin(ctx, refundKey, print1, "node-1", time.Minute)
	require.NoError(t, err)
	require.Equal(t, idempotency.New, c.State)
	require.EqualValues(t, 1, c.Epoch)
	require.Equal(t, time.Minute, c.Until.Sub(c.Since))
	require.WithinDuration(t, time.Now(), c.Since, time.Minute)

	again, err := s.Begin(ctx, refundKey, print1, "node-2", time.Minute)
	require.NoError(t, err)
	c.State = idempotency.InFlight
	require.Equal(t, c, again)

	other, err := s.Begin(ctx, refundKey, print2, "node-2", time.Minute)
	require.NoError(t, err)
	require.Equal(t, idempotency.Claim{State: idempotency.Mismatch}, other)

	require.NoError(t, s.Complete(ctx, refundKey, 1, idempotency.Done, response))
	require.ErrorIs(t, s.Complete(ctx, refundKey, 1, idempotency.Done, []byte("other")), idempotency.ErrLost)
	replay, err := s.Begin(ctx, refundKey, print1, "node-2", time.Minute)
	require.NoError(t, err)
	require.Equal(t, idempotency.Replay, replay.State)
	require.Equal(t, idempotency.Done, replay.Outcome)
	require.Equal(t, response, replay.Response)
	require.False(t, replay.Trimmed)
}

func TestReclaimTakesOnlyWhatIsUnknown(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{})
	_, err := s.Begin(ctx, refundKey, print1, "node-1", 150*time.Millisecond)
	require.NoError(t, err)
	_, err = s.Reclaim(ctx, refundKey, 1, "node-2", time.Minute)
	require.ErrorIs(t, err, idempotency.ErrLost, "it is live")
	eventually(t, "the lease runs out", func() bool {
		c, err := s.Begin(ctx, refundKey, print1, "node-2", time.Minute)
		return err == nil && c.State == idempotency.Unknown && c.Owner == "node-1"
	})
	c, err := s.Reclaim(ctx, refundKey, 1, "node-2", time.Minute)
	require.NoError(t, err)
	require.Equal(t, idempotency.New, c.State)
	require.EqualValues(t, 2, c.Epoch)
	require.Equal(t, "node-2", c.Owner)
	require.ErrorIs(t, s.Complete(ctx, refundKey, 1, idempotency.Done, nil), idempotency.ErrLost)
	_, err = s.Reclaim(ctx, refundKey, 1, "node-3", time.Minute)
	require.ErrorIs(t, err, idempotency.ErrLost)

	require.NoError(t, s.Complete(ctx, refundKey, 2, idempotency.Open, []byte("processing")))
	c, err = s.Begin(ctx, refundKey, print1, "node-2", time.Minute)
	require.NoError(t, err)
	require.Equal(t, idempotency.Unknown, c.State)
	require.Equal(t, idempotency.Open, c.Outcome)
	require.Equal(t, "processing", string(c.Response))
	require.NoError(t, s.Complete(ctx, refundKey, 2, idempotency.Done, nil))
	_, err = s.Reclaim(ctx, refundKey, 2, "node-3", time.Minute)
	require.ErrorIs(t, err, idempotency.ErrLost, "it is completed")
}

func TestOneOfManyIsNew(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{})
	for round := range 20 {
		k := idempotency.Key{Route: "r", Key: fmt.Sprint(round)}
		var fresh, taken atomic.Int64
		together(16, func(n int) {
			c, err := s.Begin(ctx, k, print1, fmt.Sprint(n), time.Minute)
			if err != nil {
				t.Error(err)
			} else if c.State == idempotency.New {
				fresh.Add(1)
			}
		})
		require.EqualValues(t, 1, fresh.Load())
		require.NoError(t, s.Complete(ctx, k, 1, idempotency.Open, nil))
		together(16, func(n int) {
			if _, err := s.Reclaim(ctx, k, 1, fmt.Sprint(n), time.Minute); err == nil {
				taken.Add(1)
			}
		})
		require.EqualValues(t, 1, taken.Load())
	}
}

// together runs n calls that start at once.
func together(n int, call func(n int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() { <-start; call(i) })
	}
	close(start)
	all.Wait()
}

func TestKeysAreKeptApartAndShowNothing(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{})
	keys := []idempotency.Key{
		{Tenant: "a", Route: "b", Key: "c"}, {Tenant: "ab", Route: "", Key: "c"}, {Tenant: "", Route: "ab", Key: "c"},
		{Tenant: "a", Route: "", Key: "bc"}, {Tenant: "a:b", Route: "}", Key: "{c}"}, {Tenant: "a", Route: "b:}", Key: "{c}"}, refundKey,
	}
	for _, k := range keys {
		c, err := s.Begin(ctx, k, print1, "n", time.Minute)
		require.NoError(t, err)
		require.Equal(t, idempotency.New, c.State, k)
	}
	for _, name := range s.names(t, "") {
		require.NotContains(t, name, refundKey.Key)
		require.Regexp(t, `^`+s.prefix+`k:\{[0-9a-f]{64}\}$`, name)
	}
}

func TestTrimLeavesTheKey(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{})
	key := func(n int) idempotency.Key { return idempotency.Key{Key: fmt.Sprint(n)} }
	for n := range 12 {
		_, err := s.Begin(ctx, key(n), print1, "n", time.Minute)
		require.NoError(t, err)
		outcome := idempotency.Done
		if n >= 10 {
			outcome = idempotency.Open
		}
		require.NoError(t, s.Complete(ctx, key(n), 1, outcome, bytes.Repeat([]byte{'x'}, n)))
	}
	trim := func(before time.Time, limit int) int {
		n, err := s.Trim(ctx, before, limit)
		require.NoError(t, err)
		return n
	}
	require.Zero(t, trim(time.Now().Add(-time.Hour), 100))
	require.Equal(t, 3, trim(time.Now().Add(time.Hour), 3))
	require.Equal(t, 7, trim(time.Now().Add(time.Hour), 100))
	require.Zero(t, trim(time.Now().Add(time.Hour), 100))
	for n := range 12 {
		c, err := s.Begin(ctx, key(n), print1, "n", time.Minute)
		require.NoError(t, err)
		require.Equal(t, n < 10, c.Trimmed)
		require.Equal(t, n < 10, c.State == idempotency.Replay)
		if n >= 10 {
			require.Len(t, c.Response, n, "what is open is never trimmed")
		}
	}
}

func TestOnlyBodiesExpire(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{KeepBodies: 30 * time.Millisecond})
	open := idempotency.Key{Key: "open"}
	for _, k := range []idempotency.Key{refundKey, open} {
		_, err := s.Begin(ctx, k, print1, "n", time.Minute)
		require.NoError(t, err)
	}
	require.NoError(t, s.Complete(ctx, refundKey, 1, idempotency.Done, []byte("body")))
	require.NoError(t, s.Complete(ctx, open, 1, idempotency.Open, []byte("body")))
	eventually(t, "the body expires", func() bool {
		c, err := s.Begin(ctx, refundKey, print1, "n", time.Minute)
		return err == nil && c.State == idempotency.Replay && c.Trimmed && c.Response == nil
	})
	for _, name := range s.names(t, "") {
		require.Equal(t, time.Duration(-1), s.raw.PTTL(ctx, name).Val(), "kept for ever: %s", name)
	}
	require.Len(t, s.names(t, "b:"), 1)
}

func TestKeysExpireWhereTheHostSaysSo(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{KeepKeys: 40 * time.Millisecond})
	begin := func(k idempotency.Key) idempotency.Claim {
		c, err := s.Begin(ctx, k, print1, "n", time.Minute)
		require.NoError(t, err)
		return c
	}
	begin(refundKey)
	require.NoError(t, s.Complete(ctx, refundKey, 1, idempotency.Open, []byte("body")))
	require.Equal(t, time.Duration(-1), s.raw.PTTL(ctx, s.only(t, "k:")).Val())
	require.NoError(t, s.Complete(ctx, refundKey, 1, idempotency.Done, []byte("body")))
	eventually(t, "the key expires", func() bool { return begin(refundKey).State == idempotency.New })
}

func TestEvictedKeyIsNewAndItsOwnerIsTold(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{})
	_, err := s.Begin(ctx, refundKey, print1, "n", time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.raw.Del(ctx, s.only(t, "k:")).Err())
	require.ErrorIs(t, s.Complete(ctx, refundKey, 1, idempotency.Done, []byte("x")), idempotency.ErrLost)
	c, err := s.Begin(ctx, refundKey, print1, "n", time.Minute)
	require.NoError(t, err)
	require.Equal(t, idempotency.New, c.State)
	require.NoError(t, s.Complete(ctx, refundKey, 1, idempotency.Done, []byte("x")))
	require.NoError(t, s.raw.Del(ctx, s.only(t, "b:")).Err())
	c, err = s.Begin(ctx, refundKey, print1, "n", time.Minute)
	require.NoError(t, err)
	require.True(t, c.State == idempotency.Replay && c.Trimmed, "an evicted body leaves the outcome: %+v", c)
}

func TestDamagedRecordConcludesNothing(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{})
	_, err := s.Begin(ctx, refundKey, print1, "n", time.Minute)
	require.NoError(t, err)
	name := s.only(t, "k:")
	for field, value := range map[string]string{"e": "one", "s": "", "d": "perhaps", "o": ""} {
		was := s.raw.HGet(ctx, name, field)
		require.NoError(t, s.raw.HSet(ctx, name, field, value).Err())
		_, err := s.Begin(ctx, refundKey, print1, "n", time.Minute)
		require.ErrorIs(t, err, redisstore.ErrReply, field)
		if was.Err() != nil {
			require.NoError(t, s.raw.HDel(ctx, name, field).Err())
		} else {
			require.NoError(t, s.raw.HSet(ctx, name, field, was.Val()).Err())
		}
	}
	require.NoError(t, s.raw.Set(ctx, name, "a string", 0).Err())
	_, err = s.Begin(ctx, refundKey, print1, "n", time.Minute)
	require.ErrorContains(t, err, "WRONGTYPE")
}

// forgetful is a server that lost its scripts.
type forgetful struct{ asked, sent atomic.Int64 }

func (f *forgetful) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f *forgetful) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (f *forgetful) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		switch cmd.Name() {
		case "evalsha":
			f.asked.Add(1)
			err := noScript("NOSCRIPT No matching script. Please use EVAL.")
			cmd.SetErr(err)
			return err
		case "eval":
			f.sent.Add(1)
		}
		return next(ctx, cmd)
	}
}

type noScript string

func (e noScript) Error() string { return string(e) }
func (e noScript) RedisError()   {}

func TestScriptsAreSentWhereTheServerLostThem(t *testing.T) {
	t.Parallel()
	var f forgetful
	s := open(t, redisstore.Config{})
	s.client.AddHook(&f)
	_, err := s.Begin(t.Context(), refundKey, print1, "n", time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.Complete(t.Context(), refundKey, 1, idempotency.Done, nil))
	require.EqualValues(t, 2, f.asked.Load())
	require.EqualValues(t, 2, f.sent.Load())
}

func TestBadInputIsNamed(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), open(t, redisstore.Config{})
	for field, call := range map[string]func() error{
		"key":     func() error { _, err := s.Begin(ctx, idempotency.Key{}, print1, "n", time.Minute); return err },
		"owner":   func() error { _, err := s.Begin(ctx, refundKey, print1, "", time.Minute); return err },
		"lease":   func() error { _, err := s.Reclaim(ctx, refundKey, 1, "n", 0); return err },
		"outcome": func() error { return s.Complete(ctx, refundKey, 1, "perhaps", nil) },
		"name":    func() error { _, err := s.Lock(ctx, "", time.Minute); return err },
		"life":    func() error { _, err := s.Lock(ctx, "O77", 0); return err },
		"token":   func() error { _, err := s.LockAs(ctx, "O77", "", time.Minute); return err },
	} {
		var bad *bankrail.FieldError
		require.ErrorAs(t, call(), &bad)
		require.Equal(t, field, bad.Field)
	}
	require.Empty(t, s.names(t, ""))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err := s.Begin(ended, refundKey, print1, "n", time.Minute)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, s.names(t, ""))
}
