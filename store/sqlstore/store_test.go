package sqlstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
	"github.com/bankrail/bankrail/store/storetest"
)

// open opens a database that is closed at the end of the test.
func open(t testing.TB, path string, cfg sqlstore.Config) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.OpenSQLite(path, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// file is the path of a database that does not exist yet.
func file(t testing.TB) string { return filepath.Join(t.TempDir(), "bankrail.db") }

func TestStoreInFile(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, now func() time.Time) journal.Store {
		return open(t, file(t), sqlstore.Config{Now: now})
	})
}

func TestStoreInMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, now func() time.Time) journal.Store {
		return open(t, ":memory:", sqlstore.Config{Now: now})
	})
}
