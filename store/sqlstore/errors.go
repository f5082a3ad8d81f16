package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// What may be wrong with a database, to be matched with errors.Is. An *Error says
// which database.
var (
	// ErrNewer: the schema is of a newer version of this package. Update the program.
	ErrNewer = errors.New("schema is newer than this program")
	// ErrOlder: the schema is missing or of an older version, and Config.NoMigrate leaves
	// it to the host.
	ErrOlder = errors.New("schema is older than this program")
	// ErrSettings: the host's pool has settings under which rows could be lost or
	// changed unseen; the text says which and what to set.
	ErrSettings = errors.New("connection settings are not safe")
	// ErrNotDatabase: the file is something else, or encrypted, or damaged; the server
	// has no database or schema of that name.
	ErrNotDatabase = errors.New("not a database")
	// ErrReadOnly: the file, its directory, the file system or the server cannot be
	// written; a server may be the replica.
	ErrReadOnly = errors.New("database is read-only")
	// ErrFull: there is no room on the disk.
	ErrFull = errors.New("disk is full")
	// ErrBusy: others wrote, or had all connections, for longer than Config.BusyTimeout.
	ErrBusy = errors.New("database is busy")
)

// Error is a call to a database that failed.
type Error struct {
	// Path is the database, Doing what was tried.
	Path  string
	Doing string
	// Err is the cause: one of the errors above or of journal, with the driver's own.
	Err error
}

// Error writes "sqlstore: path: doing: cause".
func (e *Error) Error() string {
	return fmt.Sprintf("sqlstore: %s: %s: %v", e.Path, e.Doing, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// fail says where an error happened and what kind it is.
func (db *DB) fail(doing string, err error) error {
	if kind := db.dialect.kind(err); kind != nil && !errors.Is(err, kind) {
		err = fmt.Errorf("%w: %w", kind, err)
	}
	return &Error{Path: db.path, Doing: doing, Err: err}
}

// answer reports whether err is what the contract lets a transaction answer, rather
// than a failure.
func answer(err error) bool {
	for _, a := range []error{
		journal.ErrExists, journal.ErrEarly, bankrail.ErrBudget, journal.ErrLost, journal.ErrSeen, journal.ErrReused,
	} {
		if errors.Is(err, a) {
			return true
		}
	}
	return false
}

// notCommitted marks a failure of a transaction that was rolled back, or never
// begun. A context that ended is named, whatever the driver made of it.
func notCommitted(ctx context.Context, err error) error {
	if answer(err) || errors.Is(err, journal.ErrNotCommitted) || errors.Is(err, errBroken) {
		return err
	}
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return fmt.Errorf("%w: %w", journal.ErrNotCommitted, err)
}
