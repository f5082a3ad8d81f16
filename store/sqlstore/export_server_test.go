package sqlstore

import (
	"context"
	"database/sql"
	"strings"
)

// Migrate brings the schema up to date under a context that tests can mark.
func Migrate(ctx context.Context, pool *sql.DB, name string) error {
	d := postgres()
	if name == "mysql" {
		d = inMySQL(true, false)
	}
	db := &DB{cfg: Config{}.withDefaults(), dialect: d, writer: pool, reader: pool, reads: pool, host: true}
	return db.migrate(ctx)
}

// AsOldMySQL makes a DB behave as on a server without SKIP LOCKED.
func AsOldMySQL(db *DB) { db.dialect = inMySQL(false, false) }

// CanSkipLocked is what a version can do.
func CanSkipLocked(version string) (skip, of bool) { return canSkipLocked(version) }

// AskAnotherServer makes a DB of PostgreSQL hear, of the fate of its transactions, what
// a server says that has given their numbers to others, which committed.
func AskAnotherServer(db *DB) {
	db.dialect.fate = strings.NewReplacer(
		"txid_status($1)", "CASE WHEN $1::bigint > 0 THEN 'committed' END", sinceWhen, "1::bigint",
	).Replace(db.dialect.fate)
}
