package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bankrail/bankrail/idempotency"
)

// The record of a key is a hash:
//
//	f fingerprint   e epoch       o owner   s since, ms   u until, ms
//	n the nonce of the call that took it
//	d outcome       c completed, ms         m the nonce of the call that completed it
//
// A nonce lets a script that runs a second time, because its first answer was lost,
// answer as it did then.

// clock sets now to the server's time in milliseconds. Numbers are written with
// string.format, as tostring would round them.
const clock = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function text(n) return string.format('%.0f', n) end
`

// KEYS: record, body. ARGV: fingerprint, owner, lease in ms, nonce.
var beginScript = redis.NewScript(clock + `
local r = redis.call('HMGET', KEYS[1], 'f', 'e', 'o', 's', 'u', 'd', 'n')
if not r[1] and not r[2] then
	local s, u = text(now), text(now + ARGV[3])
	redis.call('HSET', KEYS[1], 'f', ARGV[1], 'e', '1', 'o', ARGV[2], 's', s, 'u', u, 'n', ARGV[4])
	return {'new', '1', ARGV[2], s, u}
end
if r[1] ~= ARGV[1] then return {'mismatch'} end
local state = 'unknown'
if r[6] == 'done' then
	state = 'replay'
elseif not r[6] and r[7] == ARGV[4] then
	state = 'new'
elseif not r[6] and now < (tonumber(r[5]) or 0) then
	state = 'inflight'
end
if r[6] then return {state, r[2], r[3], r[4], r[5], r[6], redis.call('GET', KEYS[2])} end
return {state, r[2], r[3], r[4], r[5]}
`)

// KEYS: record, body. ARGV: epoch, outcome, response, nonce, life of the body and of the
// record in ms, 0 for ever.
var completeScript = redis.NewScript(clock + `
local r = redis.call('HMGET', KEYS[1], 'e', 'd', 'm')
if r[1] ~= ARGV[1] then return 0 end
if r[2] == 'done' then return r[3] == ARGV[4] and 1 or 0 end
redis.call('HSET', KEYS[1], 'd', ARGV[2], 'c', text(now), 'm', ARGV[4])
if ARGV[5] == '0' then
	redis.call('SET', KEYS[2], ARGV[3])
else
	redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[5])
end
if ARGV[6] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[6]) end
return 1
`)

// KEYS: record, body. ARGV: epoch, owner, lease in ms, nonce, next epoch.
var reclaimScript = redis.NewScript(clock + `
local r = redis.call('HMGET', KEYS[1], 'e', 's', 'u', 'd', 'n')
if r[1] == ARGV[5] and r[5] == ARGV[4] and not r[4] then return {'new', r[1], ARGV[2], r[2], r[3]} end
if r[1] ~= ARGV[1] or r[4] == 'done' then return false end
if not r[4] and now < (tonumber(r[3]) or 0) then return false end
local s, u = text(now), text(now + ARGV[3])
redis.call('HSET', KEYS[1], 'e', ARGV[5], 'o', ARGV[2], 's', s, 'u', u, 'n', ARGV[4])
redis.call('HDEL', KEYS[1], 'd', 'c', 'm')
redis.call('DEL', KEYS[2])
return {'new', ARGV[5], ARGV[2], s, u}
`)

// Begin looks a key up or records it; see idempotency.Store. A record that Redis dropped
// or lost is New again.
func (s *Store) Begin(ctx context.Context, k idempotency.Key, p idempotency.Fingerprint, owner string, lease time.Duration) (idempotency.Claim, error) {
	if err := first(k.Validate(), idempotency.ValidateLease(owner, lease)); err != nil {
		return idempotency.Claim{}, fmt.Errorf("redisstore: begin: %w", err)
	}
	reply, err := s.run(ctx, "begin", beginScript, s.keyNames(k), p[:], owner, millis(lease), rand.Text())
	if err != nil {
		return idempotency.Claim{}, err
	}
	return readClaim("begin", reply)
}

// Complete stores an outcome; see idempotency.Store.
func (s *Store) Complete(ctx context.Context, k idempotency.Key, epoch int64, o idempotency.Outcome, response []byte) error {
	if err := first(k.Validate(), o.Validate()); err != nil {
		return fmt.Errorf("redisstore: complete: %w", err)
	}
	var body, key int64 // what is open is kept for ever
	if o == idempotency.Done {
		body, key = millis(s.cfg.KeepBodies), millis(s.cfg.KeepKeys)
		if key != 0 {
			body = min(body, key)
		}
	}
	reply, err := s.run(ctx, "complete", completeScript, s.keyNames(k), epoch, string(o), response, rand.Text(), body, key)
	if err != nil {
		return err
	}
	return swapped("complete", reply)
}

// Reclaim takes over a record that is Unknown; see idempotency.Store.
func (s *Store) Reclaim(ctx context.Context, k idempotency.Key, epoch int64, owner string, lease time.Duration) (idempotency.Claim, error) {
	if err := first(k.Validate(), idempotency.ValidateLease(owner, lease)); err != nil {
		return idempotency.Claim{}, fmt.Errorf("redisstore: reclaim: %w", err)
	}
	// The next epoch is counted here: Lua's numbers are not exact beyond 2^53.
	next := strconv.FormatInt(epoch+1, 10)
	reply, err := s.run(ctx, "reclaim", reclaimScript, s.keyNames(k), epoch, owner, millis(lease), rand.Text(), next)
	if isNil(err) {
		return idempotency.Claim{}, fmt.Errorf("redisstore: reclaim: %w", idempotency.ErrLost)
	}
	if err != nil {
		return idempotency.Claim{}, err
	}
	return readClaim("reclaim", reply)
}

// first of several errors.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
