package redisstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/redisstore"
	"github.com/bankrail/bankrail/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	options(t)
	storetest.RunKeysInRealTime(t, func(t *testing.T) idempotency.Store {
		return open(t, redisstore.Config{Timeout: 5 * time.Second}).Store
	})
}

func TestLocker(t *testing.T) {
	t.Parallel()
	options(t)
	storetest.RunLocker(t, func(t *testing.T) idempotency.Locker {
		return open(t, redisstore.Config{Timeout: 5 * time.Second}).Store
	})
}

func TestHistories(t *testing.T) {
	t.Parallel()
	options(t)
	storetest.RunHistories(t, storetest.Histories{
		Keys: func(t *testing.T) idempotency.Store {
			return open(t, redisstore.Config{Timeout: 5 * time.Second}).Store
		},
		Locker: func(t *testing.T) idempotency.Locker {
			return open(t, redisstore.Config{Timeout: 5 * time.Second}).Store
		},
	})
}

func TestDurableIsTheOperatorsWord(t *testing.T) {
	t.Parallel()
	s := open(t, redisstore.Config{})
	require.False(t, s.Durable())
	require.NoError(t, s.CheckDurable(t.Context()))
	promised := open(t, redisstore.Config{Durable: true})
	require.True(t, promised.Durable())
	got, err := s.raw.ConfigGet(t.Context(), "append*").Result()
	require.NoError(t, err)
	policy, err := s.raw.ConfigGet(t.Context(), "maxmemory-policy").Result()
	require.NoError(t, err)
	if got["appendonly"] == "yes" && got["appendfsync"] == "always" && policy["maxmemory-policy"] == "noeviction" {
		require.NoError(t, promised.CheckDurable(t.Context()))
	} else {
		require.ErrorContains(t, promised.CheckDurable(t.Context()), "has to be")
	}
}

// fields named by all errors that were joined.
func fields(err error) []string {
	var names []string
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			names = append(names, fields(e)...)
		}
	} else if bad, ok := err.(*bankrail.FieldError); ok {
		names = append(names, bad.Field)
	}
	return names
}
