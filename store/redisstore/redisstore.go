// Package redisstore keeps idempotency keys, order locks and token buckets in Redis
// (7 or later; one server, Sentinel or Cluster):
//
//	opt, err := redis.ParseURL("redis://127.0.0.1:6379")
//	if err != nil {
//		return err
//	}
//	opt.ContextTimeoutEnabled = true // New insists: without it no call has an end
//	rs, err := redisstore.New(redis.NewClient(opt), redisstore.Config{})
//	if err != nil {
//		return err
//	}
//	book := journal.New(db, journal.Config{Locker: rs})
//	bank, err := rs.Bucket("lanhai M1001", redisstore.BucketConfig{Rate: redisstore.Rate{Calls: 50}})
//
// Redis is here for speed, never for safety: the journal decides what is paid. When
// Redis is down, slow or emptied, orders go unlocked, buckets count by themselves, and
// the host's own API answers that it cannot tell. Each call ends within
// [Config.Timeout], and a server that stopped answering is left alone for a moment.
//
// Every step is one Lua script over the keys of one hash tag, by the server's clock.
// A client repeats a command when its answer was lost; each script knows its own
// repetition and answers as it did the first time.
//
// It is not a place for the journal, and not a queue.
package redisstore

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
)

// Config configures a Store. Its zero value works.
type Config struct {
	// Prefix begins the name of every key in Redis: letters, digits and ":-_." only.
	// Defaults to "bankrail:".
	Prefix string
	// Timeout bounds each call, whatever the caller's context allows. Defaults to 500 ms.
	Timeout time.Duration
	// Pause is how long Redis is not asked after three calls in a row brought no answer;
	// then one call tries. Until it succeeds every call fails at once with ErrPaused.
	// Defaults to 1 s.
	Pause time.Duration
	// KeepBodies is how long the response of a request completed as Done is kept. After
	// it the key, its fingerprint and its outcome are left. Defaults to 90 days.
	KeepBodies time.Duration
	// KeepKeys is how long the key of a request completed as Done is kept; afterwards the
	// same request is executed again. Keys that are open are kept for ever. Defaults to
	// 0, for ever.
	KeepKeys time.Duration
	// KeepFences is how long the last fence of a name is remembered after it was locked.
	// A forgotten one goes on from Redis's clock, which is later still. Defaults to 24 h.
	KeepFences time.Duration
	// Durable is the operator's word that a crash of Redis loses no write that was
	// answered; CheckDurable compares it with the server's settings. It takes all of
	//
	//   - appendonly yes with appendfsync always (everysec loses a second),
	//   - maxmemory-policy noeviction (any other may drop keys while the server is well),
	//   - no fail-over to a replica: replication is asynchronous, and what the replica
	//     had not got yet is gone, whatever the files of the old server say,
	//   - a volume that outlives the server.
	//
	// A lost key means that a repeated request is executed a second time. Defaults to
	// false.
	Durable bool
	// Now is this process's clock, for the ends of leases and pauses. It must be
	// monotonic, as time.Now is. Defaults to time.Now.
	Now func() time.Time
	// Observe hears of calls that failed, pauses, and what ran degraded. It must not
	// block. Defaults to nobody.
	Observe func(context.Context, Event)
}

// Store keeps keys, locks and buckets in one Redis. It is safe for concurrent use, by
// any number of processes on one Redis; it does not own the client and never closes it.
type Store struct {
	client redis.UniversalClient
	cfg    Config
	gate   gate
}

var (
	_ idempotency.Store  = (*Store)(nil)
	_ idempotency.Locker = (*Store)(nil)
)

// New returns a Store over a client. It does not connect.
//
// Errors: every bad setting at once, each a *bankrail.FieldError. The client's
// ContextTimeoutEnabled must be set: without it go-redis ignores deadlines on a
// connection that is open.
func New(client redis.UniversalClient, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := errors.Join(validClient(client), cfg.validate()); err != nil {
		return nil, err
	}
	s := &Store{client: client, cfg: cfg}
	s.gate.pause = cfg.Pause
	return s, nil
}

// Durable returns what the operator promised with Config.Durable.
func (s *Store) Durable() bool { return s.cfg.Durable }

func (cfg Config) withDefaults() Config {
	if cfg.Prefix == "" {
		cfg.Prefix = "bankrail:"
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 500 * time.Millisecond
	}
	if cfg.Pause == 0 {
		cfg.Pause = time.Second
	}
	if cfg.KeepBodies == 0 {
		cfg.KeepBodies = 90 * 24 * time.Hour
	}
	if cfg.KeepFences == 0 {
		cfg.KeepFences = 24 * time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

func (cfg Config) validate() error {
	var errs []error
	bad := func(field, problem string) {
		errs = append(errs, &bankrail.FieldError{Field: field, Problem: problem})
	}
	// SCAN would take anything else as a pattern, and a brace as the hash tag.
	if strings.Trim(cfg.Prefix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.") != "" {
		bad("Prefix", `want letters, digits and ":-_." only`)
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{{"Timeout", cfg.Timeout}, {"Pause", cfg.Pause}, {"KeepBodies", cfg.KeepBodies}, {"KeepFences", cfg.KeepFences}} {
		if d.value < time.Millisecond {
			bad(d.field, "want at least a millisecond")
		}
	}
	if cfg.KeepKeys != 0 && cfg.KeepKeys < time.Millisecond {
		bad("KeepKeys", "want at least a millisecond, or 0 for ever")
	}
	return errors.Join(errs...)
}

// validClient reports a client whose calls could hang. Of a client of another type it
// cannot tell.
func validClient(client redis.UniversalClient) error {
	honoured := true
	switch c := client.(type) {
	case nil:
		return &bankrail.FieldError{Field: "client", Problem: "want a client"}
	case *redis.Client:
		honoured = c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		honoured = c.Options().ContextTimeoutEnabled
	case *redis.Ring:
		honoured = c.Options().ContextTimeoutEnabled
	}
	if !honoured {
		return &bankrail.FieldError{Field: "client", Problem: "want ContextTimeoutEnabled set in its options: without it no call ends in time"}
	}
	return nil
}
