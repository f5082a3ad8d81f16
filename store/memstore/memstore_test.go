package memstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, now func() time.Time) journal.Store {
		return memstore.New(memstore.Config{Now: now})
	})
}

func TestStoreIsNotDurable(t *testing.T) {
	t.Parallel()
	require.False(t, memstore.New(memstore.Config{}).Durable())
}
