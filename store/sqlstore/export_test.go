package sqlstore

import "database/sql"

// Writer is the pool that writes, Reader the one that reads.
func Writer(db *DB) *sql.DB { return db.writer }

// Reader is the pool that reads.
func Reader(db *DB) *sql.DB { return db.reader }
