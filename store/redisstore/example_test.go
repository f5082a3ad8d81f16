package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/redisstore"
)

// One Redis for the order lock of all processes and for the rate that a bank allows one
// merchant. Without Redis the lock is skipped and each process counts by itself.
func Example() {
	ctx := context.Background()
	opt, err := redis.ParseURL("redis://127.0.0.1:6379")
	if err != nil {
		log.Fatal(err)
	}
	opt.ContextTimeoutEnabled = true // New insists: without it no call has an end
	rs, err := redisstore.New(redis.NewClient(opt), redisstore.Config{})
	if err != nil {
		log.Fatal(err)
	}

	switch lease, err := rs.Lock(ctx, "order O77", 30*time.Second); {
	case err == nil:
		defer func() { _ = lease.Unlock(ctx) }() // a lock that is not given back ends by itself
	case errors.Is(err, idempotency.ErrLocked):
		fmt.Println("somebody else goes first")
	default:
		fmt.Println("go on without:", err)
	}

	bucket, err := rs.Bucket("lanhai M1001", redisstore.BucketConfig{Rate: redisstore.Rate{Calls: 50, Burst: 10}})
	if err != nil {
		log.Fatal(err)
	}
	if err := bucket.Wait(ctx); err != nil {
		fmt.Println("no turn in time:", err)
	}
}

// What a crash of Redis may lose, a request is executed again for. So whoever promises
// that it loses nothing has the promise compared with the server at the start.
func ExampleStore_CheckDurable() {
	opt := &redis.Options{Addr: "127.0.0.1:6379", ContextTimeoutEnabled: true}
	rs, err := redisstore.New(redis.NewClient(opt), redisstore.Config{Durable: true})
	if err != nil {
		log.Fatal(err)
	}
	if err := rs.CheckDurable(context.Background()); err != nil {
		log.Fatal(err) // … appendfsync is "everysec" and has to be "always" …
	}
}
