package redisstore_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/redisstore"
)

// single is a store whose client has one connection, like the floor beside it.
func single(b *testing.B) world {
	opt := options(b)
	opt.PoolSize = 1
	return openVia(b, opt, redisstore.Config{Timeout: 5 * time.Second})
}

// beside runs call and floor in turns, so that what else the machine does falls on both,
// and reports their median times and the ratio of these.
func beside(b *testing.B, floor, call func(n int) error) {
	var bare, ours []time.Duration
	n := 0
	for b.Loop() {
		t0 := time.Now()
		err0 := floor(n)
		t1 := time.Now()
		err1 := call(n)
		ours = append(ours, time.Since(t1))
		bare = append(bare, t1.Sub(t0))
		require.NoError(b, err0)
		require.NoError(b, err1)
		n++
	}
	slices.Sort(bare)
	slices.Sort(ours)
	b.ReportMetric(float64(ours[n/2]), "ours-ns")
	b.ReportMetric(float64(bare[n/2]), "floor-ns")
	b.ReportMetric(float64(ours[n/2])/float64(bare[n/2]), "ratio")
}

// BenchmarkLock is a lock and an unlock beside one SET NX PX on the same connection: two
// round trips cannot be less than 2. Goal: 2.2.
func BenchmarkLock(b *testing.B) {
	ctx, s := context.Background(), single(b)
	// The floor gets a new name each time, as the lock does, and 100 ms to live.
	beside(b, func(n int) error {
		return s.client.SetArgs(ctx, s.prefix+"floor:"+strconv.Itoa(n), "token", redis.SetArgs{Mode: "NX", TTL: 100 * time.Millisecond}).Err()
	}, func(n int) error {
		lease, err := s.Lock(ctx, strconv.Itoa(n%1000), time.Minute)
		if err != nil {
			return err
		}
		return lease.Unlock(ctx)
	})
}

// BenchmarkKeys is a Begin and a Complete beside two bare round trips that write as
// much.
func BenchmarkKeys(b *testing.B) {
	ctx, s := context.Background(), single(b)
	body := make([]byte, 512)
	name := func(n int) string { return s.prefix + "floor:" + strconv.Itoa(n) }
	beside(b, func(n int) error {
		if err := s.client.Set(ctx, name(n), print1[:], time.Minute).Err(); err != nil {
			return err
		}
		return s.client.Set(ctx, name(n), body, time.Minute).Err()
	}, func(n int) error {
		k := idempotency.Key{Tenant: "shop", Route: "POST /refunds", Key: strconv.Itoa(n)}
		c, err := s.Begin(ctx, k, print1, "node", time.Minute)
		if err != nil {
			return err
		}
		return s.Complete(ctx, k, c.Epoch, idempotency.Done, body)
	})
}

// BenchmarkBucket is one turn beside one INCR.
func BenchmarkBucket(b *testing.B) {
	ctx, s := context.Background(), single(b)
	turns, err := s.Bucket("bench", redisstore.BucketConfig{Rate: redisstore.Rate{Calls: 1_000_000, Burst: 1000}})
	require.NoError(b, err)
	beside(b, func(int) error {
		return s.client.Incr(ctx, s.prefix+"floor").Err()
	}, func(int) error {
		return turns.Wait(ctx)
	})
}
