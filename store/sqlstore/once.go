package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// Dialect names a kind of database, where a consumer brings its own.
type Dialect string

// The dialects.
const (
	SQLite     Dialect = "sqlite"
	PostgreSQL Dialect = "postgres"
	MySQL      Dialect = "mysql" // MariaDB too
)

// maxName is how many bytes of a name Once's table keeps.
const maxName = 255

// Once reports whether a consumer sees an event for the first time, inside the
// consumer's own transaction on its own database:
//
//	tx, err := db.BeginTx(ctx, nil)
//	fresh, err := sqlstore.PostgreSQL.Once(ctx, tx, "balances", event)
//	if err == nil && fresh {
//		// … credit, in tx …
//	}
//	err = tx.Commit()
//
// True comes once for every (consumer, event) whose transaction commits; after a
// rollback it may come again. False without an error is a copy, or an older version
// of the entry than one the consumer took already: acknowledge it and do nothing.
// Two transactions with the same entry wait for each other. Open SQLite with
// _txlock=immediate and a busy_timeout; elsewhere any isolation does.
//
// The table is bankrail_once, made by [Dialect.MigrateOnce]; a journal's own
// database has it already.
//
// Errors: *bankrail.FieldError for an empty or too long name, or an event without a
// version; what the database says, after which the transaction must be rolled back.
func (d Dialect) Once(ctx context.Context, tx *sql.Tx, consumer string, e journal.Event) (fresh bool, err error) {
	texts, err := d.texts()
	if err != nil {
		return false, err
	}
	if err := readable(consumer, e); err != nil {
		return false, fmt.Errorf("sqlstore: once: %w", err)
	}
	entry := append([]any{consumer}, key(e.Entry)...)
	if _, err := tx.ExecContext(ctx, texts.seed, entry...); err != nil {
		return false, fmt.Errorf("sqlstore: once: %s: %w", e.ID, err)
	}
	res, err := tx.ExecContext(ctx, texts.take, append(append([]any{e.Version}, entry...), e.Version)...)
	if err != nil {
		return false, fmt.Errorf("sqlstore: once: %s: %w", e.ID, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("sqlstore: once: %s: %w", e.ID, err)
	}
	return n == 1, nil
}

// MigrateOnce makes the table of Once where it is missing. It may run at every start
// of every consumer.
//
// Errors: *bankrail.FieldError for an unknown dialect; what the database says.
func (d Dialect) MigrateOnce(ctx context.Context, db *sql.DB) error {
	if _, err := d.texts(); err != nil {
		return err
	}
	files, err := readMigrations(migrations, "migrations/"+string(d))
	if err != nil {
		return err
	}
	for _, m := range files {
		if !strings.HasSuffix(m.name, "_once.sql") {
			continue
		}
		for _, statement := range m.up {
			if err := raced(ctx, db, statement); err != nil {
				return fmt.Errorf("sqlstore: migration %s: %w", m.name, err)
			}
		}
	}
	return nil
}

// raced runs a statement that makes what is missing, twice where it fails: two
// sessions of PostgreSQL that do so at once may both find it missing.
func raced(ctx context.Context, db *sql.DB, statement string) error {
	_, err := db.ExecContext(ctx, statement)
	if err != nil {
		if _, again := db.ExecContext(ctx, statement); again != nil {
			return errors.Join(err, again)
		}
	}
	return nil
}

// readable refuses what a key cannot hold: a database that cuts names would take two
// entries for one.
func readable(consumer string, e journal.Event) error {
	for _, x := range []struct{ field, name string }{
		{"consumer", consumer}, {"gateway", e.Entry.Gateway}, {"merchant", e.Entry.Merchant},
		{"op", string(e.Entry.Op)}, {"number", e.Entry.Number},
	} {
		if x.name == "" && x.field != "merchant" || len(x.name) > maxName {
			return &bankrail.FieldError{Field: x.field, Problem: fmt.Sprintf("want 1 to %d bytes, has %d", maxName, len(x.name))}
		}
	}
	if e.Version < 1 {
		return &bankrail.FieldError{Field: "version", Problem: fmt.Sprintf("want 1 or more, is %d", e.Version)}
	}
	return nil
}

// onceTexts are the statements of Once. seed makes the entry's row at version 0, or
// waits for whoever makes it; take raises its version.
type onceTexts struct{ seed, take string }

func (d Dialect) texts() (onceTexts, error) {
	const (
		seed = `INSERT INTO bankrail_once (consumer, gateway, merchant, op, number, version) VALUES (?, ?, ?, ?, ?, 0)`
		take = `UPDATE bankrail_once SET version = ? WHERE consumer = ? AND ` + byKey + ` AND version < ?`
	)
	switch d {
	case SQLite:
		return onceTexts{seed + ` ON CONFLICT DO NOTHING`, take}, nil
	case PostgreSQL:
		return onceTexts{dollars(seed) + ` ON CONFLICT DO NOTHING`, dollars(take)}, nil
	case MySQL: // IGNORE would also forgive names that are cut
		return onceTexts{seed + ` ON DUPLICATE KEY UPDATE version = version`, take}, nil
	}
	return onceTexts{}, &bankrail.FieldError{Field: "dialect", Problem: fmt.Sprintf("%q is none of sqlite, postgres, mysql", string(d))}
}
