package redisstore

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"github.com/bankrail/bankrail"
)

// Rate is how often something may happen: Calls per Per in the long run, and Burst at
// once after a rest.
type Rate struct {
	// Calls per Per, 1 to 1,000,000, and at most one per microsecond.
	Calls int64
	// Per is at most 24 h, in whole microseconds. Defaults to 1 s.
	Per time.Duration
	// Burst is 1 to 50,000. Defaults to 1.
	Burst int64
}

func (r Rate) withDefaults() Rate {
	if r.Per == 0 {
		r.Per = time.Second
	}
	if r.Burst == 0 {
		r.Burst = 1
	}
	return r
}

// validate keeps a full bucket and what is promised from it together below 2^53 units:
// Lua counts exactly so far.
func (r Rate) validate(field string) error {
	problem := ""
	switch {
	case r.Calls < 1 || r.Calls > 1_000_000:
		field, problem = field+".Calls", "want 1 to 1,000,000"
	case r.Per < time.Microsecond || r.Per > 24*time.Hour || r.Per%time.Microsecond != 0:
		field, problem = field+".Per", "want 1 µs to 24 h in whole microseconds"
	case r.Burst < 1 || r.Burst > 50_000:
		field, problem = field+".Burst", "want 1 to 50,000"
	case r.Calls > r.Per.Microseconds():
		field, problem = field+".Calls", "want at most one per microsecond"
	default:
		return nil
	}
	return &bankrail.FieldError{Field: field, Problem: problem}
}

// local is the same rate for one process.
func (r Rate) local() *rate.Limiter {
	return rate.NewLimiter(rate.Every(r.Per/time.Duration(r.Calls)), int(r.Burst))
}

// BucketConfig configures a Bucket.
type BucketConfig struct {
	// Rate is shared by all processes that use the bucket's name. Required.
	Rate Rate
	// Fallback is this process's own rate while Redis cannot be asked. Defaults to a tenth
	// of Rate without a burst, which is right for up to ten processes.
	Fallback Rate
}

// Bucket is a token bucket that all processes with its name share. When Redis was emptied
// it is full. It is safe for concurrent use.
type Bucket struct {
	store *Store
	keys  []string
	rate  Rate
	local *rate.Limiter
}

// Bucket returns the bucket of a name, for example of a gateway's merchant. Everybody has
// to give it the same Rate.
//
// Errors: a *bankrail.FieldError.
func (s *Store) Bucket(name string, cfg BucketConfig) (*Bucket, error) {
	if name == "" {
		return nil, &bankrail.FieldError{Field: "name", Problem: "want the name of what is limited"}
	}
	r, fall := cfg.Rate.withDefaults(), cfg.Fallback
	if err := r.validate("Rate"); err != nil {
		return nil, err
	}
	if fall == (Rate{}) {
		fall = Rate{Calls: r.Calls, Per: 10 * r.Per, Burst: 1}
	} else if fall = fall.withDefaults(); fall.validate("Fallback") != nil {
		return nil, fall.validate("Fallback")
	}
	return &Bucket{store: s, keys: s.names(tag(name), bucketOf), rate: r, local: fall.local()}, nil
}

// KEYS: bucket. ARGV: calls, per in µs, burst, the longest wait in µs.
//
// The level is counted in units of which a call costs `per` and a microsecond brings
// `calls`, so that everything is a whole number and nothing drifts. It goes below zero
// by what was promised to those who wait. The answer is the wait in µs, or less than 0:
// how long one would have to wait, negated, and nothing was taken.
var bucketScript = redis.NewScript(`
local calls, per, full = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[2]) * tonumber(ARGV[3])
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local r = redis.call('HMGET', KEYS[1], 'l', 't')
local level, last = tonumber(r[1]), tonumber(r[2])
if not level or not last or not (level <= full and level > -2^53) then level, last = full, now end
if now < last then -- the clock was set back, or another server took over
	last = now
	redis.call('HSET', KEYS[1], 't', string.format('%.0f', now))
end
local passed = now - last
if passed >= (full - level) / calls then
	level = full
else
	level = level + passed * calls
end
level = level - per
local wait = 0
if level < 0 then wait = math.ceil(-level / calls) end
if wait > tonumber(ARGV[4]) then return -wait end
redis.call('HSET', KEYS[1], 'l', string.format('%.0f', level), 't', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil((full - level) / calls / 1000) + 1000))
return wait
`)

// longest is the longest wait that is promised to anybody.
const longest = time.Hour

// Allow reports whether one call may go now, and if not, after what time it is worth
// asking again. While Redis cannot be asked the process counts by itself, at the rate of
// BucketConfig.Fallback; a call is never refused because Redis is down. A ctx that has
// ended is refused.
func (b *Bucket) Allow(ctx context.Context) (ok bool, after time.Duration) {
	if ctx.Err() != nil {
		return false, 0
	}
	wait, err := b.take(ctx, 0)
	switch {
	case err == nil && wait < 0:
		return false, -wait
	case err == nil:
		return true, 0
	case ctx.Err() != nil:
		return false, 0
	}
	b.degraded(ctx, err)
	r := b.local.ReserveN(b.store.cfg.Now(), 1)
	if after = r.DelayFrom(b.store.cfg.Now()); after > 0 {
		r.CancelAt(b.store.cfg.Now())
		return false, after
	}
	return true, 0
}

// Wait returns when one call may go. Those who wait go in the order in which they came,
// over all processes. Whoever stops waiting early forfeits the turn: given back, it could
// let two go at once later.
//
// Errors: ctx's, and context.DeadlineExceeded at once where ctx would end before the turn
// comes, or the turn is over an hour off; it then takes none. Redis being down is no
// error, as with Allow.
func (b *Bucket) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("redisstore: wait: %w", err)
	}
	wait, err := b.take(ctx, b.patience(ctx))
	switch {
	case err == nil && wait < 0:
		return fmt.Errorf("redisstore: wait: the next turn is in %v: %w", -wait, context.DeadlineExceeded)
	case err == nil:
		return sleep(ctx, wait)
	case ctx.Err() != nil:
		return fmt.Errorf("redisstore: wait: %w", ctx.Err())
	}
	b.degraded(ctx, err)
	return b.waitLocally(ctx)
}

// Ready reports whether a call that came now would have its turn before ctx ends, within
// the hour at most. It takes no turn, so that a Wait that follows may still find another
// ahead of it. A client.Client asks it before anything is recorded.
//
// Errors: ctx's, and context.DeadlineExceeded where the turn would come too late. Redis
// being down is no error, as with Allow.
func (b *Bucket) Ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("redisstore: ready: %w", err)
	}
	most := b.patience(ctx)
	wait, err := b.peek(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("redisstore: ready: %w", ctx.Err())
		}
		b.degraded(ctx, err)
		now := b.store.cfg.Now()
		r := b.local.ReserveN(now, 1)
		wait = r.DelayFrom(now)
		r.CancelAt(now)
	}
	if wait > most {
		return fmt.Errorf("redisstore: ready: the next turn is in %v: %w", wait, context.DeadlineExceeded)
	}
	return nil
}

// patience is how long a turn may be off for whoever waits until ctx ends.
func (b *Bucket) patience(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return min(longest, max(0, end.Sub(b.store.cfg.Now())))
	}
	return longest
}

// waitLocally asks the process's own bucket. A ctx that ends too early takes no turn.
func (b *Bucket) waitLocally(ctx context.Context) error {
	now := b.store.cfg.Now()
	r := b.local.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if end, ok := ctx.Deadline(); ok && end.Before(now.Add(wait)) {
		r.CancelAt(now)
		return fmt.Errorf("redisstore: wait: the next turn is in %v: %w", wait, context.DeadlineExceeded)
	}
	return sleep(ctx, wait)
}

// take takes a turn that comes within most, and returns how far off it is; or less than 0,
// the negated wait, where it comes later and was not taken.
func (b *Bucket) take(ctx context.Context, most time.Duration) (time.Duration, error) {
	reply, err := b.run(ctx, most.Microseconds())
	if err != nil {
		return 0, err
	}
	return readWait(reply, most)
}

// peek returns how far off the next turn is, and takes none: no wait is short enough.
func (b *Bucket) peek(ctx context.Context) (time.Duration, error) {
	reply, err := b.run(ctx, -1)
	if err != nil {
		return 0, err
	}
	wait, err := readWait(reply, 0)
	return -wait, err
}

func (b *Bucket) run(ctx context.Context, most int64) (any, error) {
	return b.store.run(ctx, "allow", bucketScript, b.keys, b.rate.Calls, b.rate.Per.Microseconds(), b.rate.Burst, most)
}

// readWait reads the wait in µs that the script answers with.
func readWait(reply any, most time.Duration) (time.Duration, error) {
	us, ok := reply.(int64)
	// Whoever damages a level must not make anybody wait for years.
	if far := longest.Microseconds() * 24 * 365; !ok || us > most.Microseconds() || us < -far {
		return 0, unreadable("allow", "a wait")
	}
	return time.Duration(us) * time.Microsecond, nil
}

func (b *Bucket) degraded(ctx context.Context, err error) {
	b.store.observe(ctx, Event{Kind: Degraded, Op: "allow", Err: err})
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("redisstore: wait: %w", ctx.Err())
	}
}
