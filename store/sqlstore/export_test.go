package sqlstore

import "database/sql"

// OpenSQLiteContext is OpenSQLite with a context, for tests that strike in the middle.
var OpenSQLiteContext = openSQLite

// Writer is the pool that writes, Reader the one that reads.
func Writer(db *DB) *sql.DB { return db.writer }

// Reader is the pool that reads.
func Reader(db *DB) *sql.DB { return db.reader }
