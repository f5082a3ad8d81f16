package sqlstore_test

import (
	"context"
	"os"
	"testing"
	"testing/synctest"

	"github.com/bankrail/bankrail/internal/directed"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// TestDirected plays the directed cases on a database: those of a migration always,
// all 306 where BANKRAIL_TEST_DIRECTED is set. On memory all but those are played
// in every run.
func TestDirected(t *testing.T) {
	t.Parallel()
	for _, c := range directed.Cases() {
		if c.Point != point.HalfMigrated && os.Getenv("BANKRAIL_TEST_DIRECTED") == "" {
			continue
		}
		path := ":memory:"
		if c.Point == point.HalfMigrated {
			path = file(t)
		}
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				directed.Run(t, c, func(ctx context.Context, t *testing.T) (journal.Store, error) {
					db, err := sqlstore.OpenSQLiteContext(ctx, path, sqlstore.Config{})
					if err != nil {
						return nil, err
					}
					t.Cleanup(func() { _ = db.Close() })
					return db, nil
				}, memstore.NewLocker(memstore.Config{}))
			})
		})
	}
}
