package directed_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/internal/directed"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
)

func TestDirected(t *testing.T) {
	t.Parallel()
	require.Len(t, directed.Cases(), 306)
	for _, c := range directed.Cases() {
		if c.Point == point.HalfMigrated {
			continue // memory has no schema; store/sqlstore plays these
		}
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				directed.Run(t, c, func(context.Context, *testing.T) (journal.Store, error) {
					return memstore.New(memstore.Config{}), nil
				}, memstore.NewLocker(memstore.Config{}))
			})
		})
	}
}
