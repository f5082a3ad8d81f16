package memstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/storetest"
)

func TestKeys(t *testing.T) {
	storetest.RunKeys(t, func(_ *testing.T, now func() time.Time) idempotency.Store {
		return memstore.NewKeys(memstore.Config{Now: now})
	})
}

func TestKeysByARealClock(t *testing.T) {
	storetest.RunKeysInRealTime(t, func(_ *testing.T) idempotency.Store {
		return memstore.NewKeys(memstore.Config{})
	})
}

func TestKeysAreNotDurable(t *testing.T) {
	t.Parallel()
	require.False(t, memstore.NewKeys(memstore.Config{}).Durable())
}

func TestLocker(t *testing.T) {
	storetest.RunLocker(t, func(_ *testing.T) idempotency.Locker {
		return memstore.NewLocker(memstore.Config{})
	})
}

func TestLockerForgetsNamesWhoseLeaseIsOver(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	l := memstore.NewLocker(memstore.Config{Now: func() time.Time { return now }})
	for i := range 1000 {
		_, err := l.Lock(t.Context(), "name"+string(rune(0x4e00+i)), time.Second)
		require.NoError(t, err)
		now = now.Add(time.Second)
	}
	require.Less(t, memstore.Names(l), 100)
}
