package sqlstore

import (
	"context"
	"database/sql"
	"errors"
)

// OpenSQLiteContext is OpenSQLite with a context, for tests that strike in the middle.
var OpenSQLiteContext = openSQLite

// Writer is the pool that writes, Reader the one that reads.
func Writer(db *DB) *sql.DB { return db.writer }

// Reader is the pool that reads.
func Reader(db *DB) *sql.DB { return db.reader }

// FailLikeADisk writes as one whose first statement, a read, failed so that SQLite
// rolled back by itself, and fails without that when it begins anew.
func FailLikeADisk(ctx context.Context, db *DB) error {
	rollback := "ROLLBACK"
	return db.runner.run(ctx, job{doing: "fail", refusesFirst: true, do: func(ctx context.Context, s session) error {
		err := errors.Join(errors.New("disk I/O error"), s.do(ctx, rollback))
		rollback = "SELECT 1"
		return err
	}})
}
