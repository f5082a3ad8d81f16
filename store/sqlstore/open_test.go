package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

var channel = bankrail.Channel{Gateway: "lanhai-test", Merchant: "M1"}

func idOf(number string) bankrail.ID {
	return bankrail.ID{Channel: channel, Op: bankrail.OpRefund, Number: number}
}

// refund is a refund of 1.00 CNY of order O1 that was sent.
func refund(number string) journal.Change {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return journal.Change{
		Entry: journal.Entry{
			ID: idOf(number), Status: bankrail.Processing, Order: "O1",
			Amount: bankrail.CNY(100), Held: bankrail.CNY(100), Data: []byte(`{"reason":"sold out"}`),
			Sends: 1, Copies: 1, NextAt: at, CreatedAt: at, UpdatedAt: at,
		},
		Source: journal.SourceHost, Event: journal.EventProcessing, At: at,
	}
}

var paid = journal.Hold{Limit: bankrail.CNY(1_000_000)}

// raw opens the file without this package, as the host or a person would.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_txlock=immediate&_busy_timeout=5000")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestOpenMakesFilesForTheOwnerAlone(t *testing.T) {
	t.Parallel()
	path := file(t)
	db := open(t, path, sqlstore.Config{})
	require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), suffix)
	}
	require.True(t, db.Durable())
}

func TestOpenWarnsOfAFileThatOthersMayOpen(t *testing.T) {
	t.Parallel()
	path := file(t)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Chmod(path, 0o644))
	var log bytes.Buffer
	open(t, path, sqlstore.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.Contains(t, log.String(), "others may open the database")
}

func TestOpenSaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		prepare func(t *testing.T, path string)
		want    error
	}{
		"the path is a directory": {func(t *testing.T, path string) {
			require.NoError(t, os.Mkdir(path, 0o700))
		}, sqlstore.ErrNotDatabase},
		"a short text": {func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("hello"), 0o600))
		}, sqlstore.ErrNotDatabase},
		"a long text": {func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("hello "), 10_000), 0o600))
		}, sqlstore.ErrNotDatabase},
		"a newer schema": {func(t *testing.T, path string) {
			open(t, path, sqlstore.Config{})
			_, err := raw(t, path).Exec("INSERT INTO bankrail_goose_db_version (version_id, is_applied) VALUES (99, 1)")
			require.NoError(t, err)
		}, sqlstore.ErrNewer},
		"another process is writing": {func(t *testing.T, path string) {
			open(t, path, sqlstore.Config{})
			tx, err := raw(t, path).Begin()
			require.NoError(t, err)
			t.Cleanup(func() { _ = tx.Rollback() })
		}, sqlstore.ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := file(t)
			x.prepare(t, path)
			_, err := sqlstore.OpenSQLite(path, sqlstore.Config{BusyTimeout: 50 * time.Millisecond})
			require.ErrorIs(t, err, x.want)
			var e *sqlstore.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, path, e.Path)
			require.Equal(t, "open", e.Doing)
			require.Contains(t, err.Error(), path)
		})
	}
	t.Run("the directory is missing", func(t *testing.T) {
		t.Parallel()
		_, err := sqlstore.OpenSQLite(filepath.Join(t.TempDir(), "none", "bankrail.db"), sqlstore.Config{})
		require.ErrorIs(t, err, fs.ErrNotExist)
	})
	t.Run("no path", func(t *testing.T) {
		t.Parallel()
		_, err := sqlstore.OpenSQLite("", sqlstore.Config{})
		require.ErrorIs(t, err, bankrail.ErrInvalid)
	})
	t.Run("a file that may not be written", func(t *testing.T) {
		t.Parallel()
		if os.Geteuid() == 0 {
			t.Skip("root may write everything")
		}
		path := file(t)
		require.NoError(t, os.WriteFile(path, nil, 0o400))
		_, err := sqlstore.OpenSQLite(path, sqlstore.Config{})
		require.ErrorIs(t, err, sqlstore.ErrReadOnly)
	})
}

func TestOpenTakesAnyFileName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b.db", "100%.db", "what?mode=ro", "#1.db", "账本.db", "a%20b.db", "file:x", "'\"&=;.db"} {
		path := filepath.Join(t.TempDir(), name)
		db := open(t, path, sqlstore.Config{})
		require.NoError(t, db.Insert(t.Context(), refund("R1"), paid), name)
		info, err := os.Stat(path)
		require.NoError(t, err, name)
		require.Positive(t, info.Size(), name)
	}
}

func TestOpenWhileOthersOpen(t *testing.T) {
	t.Parallel()
	path := file(t)
	errs := make(chan error)
	for range 8 {
		go func() {
			db, err := sqlstore.OpenSQLite(path, sqlstore.Config{})
			if err == nil {
				err = db.Close()
			}
			errs <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-errs)
	}
}

func TestEveryConnectionIsDurable(t *testing.T) {
	t.Parallel()
	db := open(t, file(t), sqlstore.Config{})
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
		for name, pool := range map[string]*sql.DB{"writer": sqlstore.Writer(db), "reader": sqlstore.Reader(db)} {
			var got string
			require.NoError(t, pool.QueryRow("PRAGMA "+pragma).Scan(&got))
			require.Equal(t, want, got, "%s of the %s", pragma, name)
		}
	}
	_, err := sqlstore.Reader(db).Exec("DELETE FROM bankrail_entries")
	require.Error(t, err, "readers read")
}

func TestWritesSayWhatIsWrongAndCommitNothing(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		pragma string
		want   error
	}{
		"disk full": {"PRAGMA max_page_count = 1", sqlstore.ErrFull},
		"read-only": {"PRAGMA query_only = 1", sqlstore.ErrReadOnly},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, file(t), sqlstore.Config{})
			_, err := sqlstore.Writer(db).Exec(x.pragma)
			require.NoError(t, err)
			c := refund("R1")
			c.Entry.Data = bytes.Repeat([]byte("x"), 1<<20) // more than the pages at hand
			err = db.Insert(t.Context(), c, paid)
			require.ErrorIs(t, err, x.want)
			require.ErrorIs(t, err, journal.ErrNotCommitted)
			_, err = db.Get(t.Context(), idOf("R1"))
			require.ErrorIs(t, err, bankrail.ErrNotFound)
		})
	}
	t.Run("another process is writing", func(t *testing.T) {
		t.Parallel()
		path := file(t)
		db := open(t, path, sqlstore.Config{BusyTimeout: 20 * time.Millisecond})
		tx, err := raw(t, path).Begin()
		require.NoError(t, err)
		err = db.Insert(t.Context(), refund("R1"), paid)
		require.ErrorIs(t, err, sqlstore.ErrBusy)
		require.ErrorIs(t, err, journal.ErrNotCommitted)
		require.NoError(t, tx.Rollback())
		require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
	})
	t.Run("the caller gives up while it waits", func(t *testing.T) {
		t.Parallel()
		db := open(t, file(t), sqlstore.Config{})
		conn, err := sqlstore.Writer(db).Conn(t.Context()) // somebody writes
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err = db.Insert(ctx, refund("R1"), paid)
		require.ErrorIs(t, err, journal.ErrNotCommitted)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, sqlstore.ErrBusy)
		require.NoError(t, conn.Close())
	})
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		db, err := sqlstore.OpenSQLite(file(t), sqlstore.Config{})
		require.NoError(t, err)
		require.NoError(t, db.Close())
		require.NoError(t, db.Close())
		require.ErrorIs(t, db.Insert(t.Context(), refund("R1"), paid), journal.ErrNotCommitted)
	})
}
