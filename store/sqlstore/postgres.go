package sqlstore

import (
	"context"
	"database/sql"
	"net"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bankrail/bankrail"
)

// OpenPostgres opens the database that dsn names, a URL or key=value words as psql
// takes them, and brings its schema up to date (see Config.NoMigrate). The tables go
// into the first schema of the search_path. PostgreSQL 11 or newer.
//
// Errors: *Error with ErrNewer, ErrOlder, ErrNotDatabase, ErrReadOnly or the driver's
// own; *bankrail.FieldError for a DSN that cannot be read. None shows the password.
func OpenPostgres(dsn string, cfg Config) (*DB, error) {
	parsed, err := pgx.ParseConfig(dsn)
	if err != nil {
		// The driver's error repeats the DSN.
		return nil, &bankrail.FieldError{Field: "dsn", Problem: "want postgres://user:password@host:port/database or key=value words"}
	}
	where := "postgres://" + net.JoinHostPort(parsed.Host, strconv.Itoa(int(parsed.Port))) + "/" + parsed.Database
	return openServer(where, postgres(), stdlib.OpenDB(*parsed), cfg, false)
}

// FromPostgres works on a pool of the host's, opened with pgx's stdlib. Close leaves
// it open. In all else it is as OpenPostgres.
func FromPostgres(pool *sql.DB, cfg Config) (*DB, error) {
	if pool == nil {
		return nil, &bankrail.FieldError{Field: "pool", Problem: "want a pool"}
	}
	return openServer("postgres", postgres(), pool, cfg, true)
}

// checkPostgres reads whether commits are durable.
func (db *DB) checkPostgres(ctx context.Context) error {
	var commit, fsync string
	err := db.writer.QueryRowContext(ctx, `SELECT current_setting('synchronous_commit'), current_setting('fsync')`).Scan(&commit, &fsync)
	db.durable = commit != "off" && fsync == "on"
	return err
}
