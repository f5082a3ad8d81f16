package redisstore

import (
	"encoding/hex"
	"time"

	"github.com/bankrail/bankrail/idempotency"
)

// tag is the hash tag of what the parts name: their digest, so that a client's key does
// not stand in a key of Redis, any bytes are fine, and all keys of one name live in one
// slot of a cluster. NewFingerprint precedes each part by its length.
func tag(parts ...string) string {
	p := idempotency.NewFingerprint(parts...)
	return "{" + hex.EncodeToString(p[:]) + "}"
}

const (
	keyOf    = "k:" // a hash: what Begin and Complete record
	bodyOf   = "b:" // a string: the response, apart so that it can expire alone
	lockOf   = "l:" // a string: the token of whoever holds the lock
	fenceOf  = "f:" // a string: the last fence
	bucketOf = "t:" // a hash: level and time
)

func (s *Store) names(tag string, kinds ...string) []string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = s.cfg.Prefix + kind + tag
	}
	return names
}

func (s *Store) keyNames(k idempotency.Key) []string {
	return s.names(tag(k.Tenant, k.Route, k.Key), keyOf, bodyOf)
}

// millis is a duration in whole milliseconds, never shorter than it was.
func millis(d time.Duration) int64 {
	ms := d.Milliseconds()
	if d > time.Duration(ms)*time.Millisecond {
		ms++
	}
	return ms
}
