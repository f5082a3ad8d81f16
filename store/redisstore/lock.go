package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
)

// KEYS: lock, fence. ARGV: token, life in ms, how long to remember the fence in ms.
//
// A fence is the server's clock in microseconds, or one more than the last where that is
// later: it rises even after Redis was emptied. A token that has the lock already, because
// its first answer was lost, keeps its fence and begins a new life.
var lockScript = redis.NewScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
	local t = redis.call('TIME')
	local fence = string.format('%.0f', t[1] * 1000000 + t[2])
	local last = redis.call('SET', KEYS[2], fence, 'PX', ARGV[3], 'GET')
	if last and tonumber(last) >= tonumber(fence) then
		fence = string.format('%.0f', last + 1)
		redis.call('SET', KEYS[2], fence, 'PX', ARGV[3])
	end
	return fence
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('GET', KEYS[2])
`)

// KEYS: lock. ARGV: token.
var unlockScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`)

// KEYS: lock. ARGV: token, life in ms.
var extendScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

// Lease is a name that was locked. It is safe for concurrent use.
type Lease struct {
	store *Store
	name  string // of the key in Redis
	token string
	fence int64

	extending sync.Mutex // so that Until follows the Extend that Redis saw last

	mu    sync.Mutex
	until time.Time
}

var _ idempotency.Lease = (*Lease)(nil)

// Lock takes a name for life; see idempotency.Locker.
//
// When the answer was lost the name may be locked until life has passed, with nobody
// holding it; whoever needs it again at once uses LockAs.
func (s *Store) Lock(ctx context.Context, name string, life time.Duration) (idempotency.Lease, error) {
	lease, err := s.LockAs(ctx, name, rand.Text(), life)
	if err != nil {
		return nil, err // a nil *Lease would be an idempotency.Lease that is not nil
	}
	return lease, nil
}

// LockAs takes a name like Lock, under a token that nobody else uses and that is hard to
// guess, so that it can be repeated: while the token has the lock, the same fence comes
// back and the life begins anew.
//
// Errors: as idempotency.Locker.
func (s *Store) LockAs(ctx context.Context, name, token string, life time.Duration) (*Lease, error) {
	if err := validLock(name, token, life); err != nil {
		return nil, fmt.Errorf("redisstore: lock: %w", err)
	}
	keys := s.names(tag(name), lockOf, fenceOf)
	asked := s.cfg.Now()
	// A fence is remembered for longer than the lock can last.
	reply, err := s.run(ctx, "lock", lockScript, keys, token, millis(life), millis(s.cfg.KeepFences)+millis(life))
	if isNil(err) {
		return nil, fmt.Errorf("redisstore: lock: %w", idempotency.ErrLocked)
	}
	if err != nil {
		return nil, err
	}
	fence, ok := number(reply)
	if !ok || fence < 1 {
		return nil, unreadable("lock", "a fence")
	}
	return &Lease{store: s, name: keys[0], token: token, fence: fence, until: asked.Add(life)}, nil
}

func validLock(name, token string, life time.Duration) error {
	switch {
	case name == "":
		return &bankrail.FieldError{Field: "name", Problem: "want the name of what is locked"}
	case token == "":
		return &bankrail.FieldError{Field: "token", Problem: "want a token that nobody else uses"}
	}
	return validLife(life)
}

func validLife(life time.Duration) error {
	if life < time.Millisecond {
		return &bankrail.FieldError{Field: "life", Problem: "want at least a millisecond"}
	}
	return nil
}

// Fence rises with every Lock of the same name. It is no count.
func (l *Lease) Fence() int64 { return l.fence }

// Until is when the lease ends by Config.Now, counted from before the lock was asked for.
func (l *Lease) Until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

// Extend lets the lease end life from now, if it is still this one's.
//
// Errors: idempotency.ErrLost; a *bankrail.FieldError; after any other the lease ends at
// its old Until or at the new one, and Until tells the earlier.
func (l *Lease) Extend(ctx context.Context, life time.Duration) error {
	if err := validLife(life); err != nil {
		return fmt.Errorf("redisstore: extend: %w", err)
	}
	l.extending.Lock()
	defer l.extending.Unlock()
	asked := l.store.cfg.Now()
	if !asked.Before(l.Until()) {
		return fmt.Errorf("redisstore: extend: %w", idempotency.ErrLost)
	}
	reply, err := l.store.run(ctx, "extend", extendScript, []string{l.name}, l.token, millis(life))
	if err == nil {
		err = swapped("extend", reply)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := asked.Add(life); err == nil || until.Before(l.until) {
		l.until = until
	}
	return err
}

// Unlock gives the name back; see idempotency.Lease. ErrLost may also be the echo of an
// Unlock that went through while its answer was lost. After any other error the lock ends
// by itself.
func (l *Lease) Unlock(ctx context.Context) error {
	over := !l.store.cfg.Now().Before(l.Until())
	reply, err := l.store.run(ctx, "unlock", unlockScript, []string{l.name}, l.token)
	if err != nil {
		return err
	}
	if over { // Redis counts from later: it may have had the lock a little longer
		return fmt.Errorf("redisstore: unlock: %w", idempotency.ErrLost)
	}
	return swapped("unlock", reply)
}

// isNil reports a script that answered with nothing.
func isNil(err error) bool { return errors.Is(err, redis.Nil) }
