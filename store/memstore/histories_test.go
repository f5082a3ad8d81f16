package memstore_test

import (
	"testing"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/storetest"
)

func TestHistories(t *testing.T) {
	t.Parallel()
	storetest.RunHistories(t, storetest.Histories{
		Keys:    func(*testing.T) idempotency.Store { return memstore.NewKeys(memstore.Config{}) },
		Locker:  func(*testing.T) idempotency.Locker { return memstore.NewLocker(memstore.Config{}) },
		Journal: func(*testing.T) journal.Store { return memstore.New(memstore.Config{}) },
	})
}
