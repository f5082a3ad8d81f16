// Package sqlstore keeps the journal in an SQL database: SQLite, embedded, without
// a server; PostgreSQL; MySQL or MariaDB.
//
//	db, err := sqlstore.OpenSQLite("bankrail.db", sqlstore.Config{})
//	if err != nil {
//		return err
//	}
//	defer db.Close()
//	book := journal.New(db, journal.Config{})
//
// [OpenPostgres] and [OpenMySQL] open a server by its DSN, [FromPostgres] and
// [FromMySQL] work on a pool the host has already.
//
// What a method has written when it returns nil survives a crash of the process and
// of the machine. A host with its own tables in the same database records an entry
// in its own transaction through [DB.In]. A DB also keeps the exchange log: it is a
// bankrail.Recorder.
//
// It is not an ORM and opens nothing to the host's queries: the tables, all called
// bankrail_…, are described in migrations/, and reading them is welcome.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
)

// Config configures a DB.
type Config struct {
	// Now is the store's clock, in the place of any other. Defaults to the server's
	// clock on PostgreSQL and MySQL, which is looked at once a second and read off the
	// local monotonic clock between, and to time.Now on SQLite: it has no server, so all
	// processes on one file must agree on their clocks.
	Now func() time.Time
	// BusyTimeout is how long a call waits for its turn to write, and on a server how
	// long a transaction may take until its COMMIT, all tries together, before it gives
	// up with ErrNotCommitted. Defaults to 10 seconds.
	BusyTimeout time.Duration
	// Readers is how many connections read beside the one that writes; SQLite only.
	// Defaults to 4.
	Readers int
	// Conns bounds the connections of OpenPostgres and OpenMySQL; a pool that was handed
	// in keeps its own bounds. Defaults to 16.
	Conns int
	// ConnLife is how long OpenPostgres and OpenMySQL keep a connection before a fresh
	// one takes its place, so that a server that moved is found again. Defaults to 30
	// minutes.
	ConnLife time.Duration
	// NoMigrate leaves the schema to the host, which runs the files of Migrations: a
	// schema that is missing or older is ErrOlder. Defaults to false: opening brings the
	// schema up to date, which takes the right to create tables.
	NoMigrate bool
	// MaxBody bounds each body of the exchange log in bytes; what is longer is cut.
	// Defaults to 64 KiB.
	MaxBody int
	// OnChange is called inside the transaction of every change, after bankrail's own
	// statements: what it writes is committed with the change or not at all. It must be
	// quick (everybody else's writes wait for it; its ctx ends after half of BusyTimeout),
	// must not call the DB it is part of, and may be called again for a change whose
	// transaction was rolled back.
	//
	// Its error, or panic, takes the whole write back, which then fails with
	// *journal.HookError. That stops what was not sent yet. The gateway's news it cannot
	// refuse: the journal keeps it, raises an alarm and tries again.
	// Defaults to nothing.
	OnChange func(ctx context.Context, tx Tx, c journal.Change) error
	// Logger hears what nobody is told otherwise: a database file that others may
	// read, a server that forgets commits, commits whose outcome is unknown. Defaults to slog.Default().
	Logger *slog.Logger
}

// DB keeps a journal and an exchange log in one database. It is safe for concurrent
// use, by several processes too.
type DB struct {
	cfg     Config
	path    string
	durable bool
	dialect dialect
	runner  runner
	writer  *sql.DB      // one connection: SQLite has one writer, and its queue is here
	reader  *sql.DB      // query_only; the writer itself where the database is in memory
	reads   querier      // the reader, where it helps with prepared statements
	clock   *serverClock // nil without a server, or where Config.Now counts
	host    bool         // the pool is the host's
}

var (
	_ journal.Store     = (*DB)(nil)
	_ bankrail.Recorder = (*DB)(nil)
	_ io.Closer         = (*DB)(nil)
)

func (cfg Config) withDefaults() Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.BusyTimeout <= 0 {
		cfg.BusyTimeout = 10 * time.Second
	}
	if cfg.Readers <= 0 {
		cfg.Readers = 4
	}
	if cfg.Conns <= 0 {
		cfg.Conns = 16
	}
	if cfg.ConnLife <= 0 {
		cfg.ConnLife = 30 * time.Minute
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 64 << 10
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return cfg
}

// Close waits for what is being written and closes the database. A pool that was
// handed in stays open.
func (db *DB) Close() error {
	if db.host {
		return nil
	}
	if r, ok := db.runner.(interface{ close() }); ok {
		r.close()
	}
	var err error
	if db.reader != db.writer {
		err = db.reader.Close()
	}
	if err = errors.Join(err, db.writer.Close()); err != nil {
		return db.fail("close", err)
	}
	return nil
}

// Durable reports whether what is committed survives a loss of power: ":memory:" does
// not, nor does a server set to synchronous_commit=off or fsync=off (PostgreSQL), or
// to another innodb_flush_log_at_trx_commit than 1 (MySQL).
func (db *DB) Durable() bool { return db.durable }

// Now returns the configured clock or the server's, in UTC, whole milliseconds.
func (db *DB) Now(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, fmt.Errorf("sqlstore: now: %w", err)
	}
	if db.clock != nil {
		now, err := db.clock.now(ctx)
		if err != nil {
			return time.Time{}, db.fail("now", err)
		}
		return whole(now), nil
	}
	return whole(db.cfg.Now()), nil
}

// Get reads an entry. Errors: bankrail.ErrNotFound.
func (db *DB) Get(ctx context.Context, id bankrail.ID) (journal.Entry, error) {
	e, err := db.on(db.reads).get(ctx, id)
	if err != nil {
		return e, db.fail("get "+id.String(), err)
	}
	return e, nil
}

// Insert records a new entry; see journal.Tx.
func (db *DB) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	err := db.record(ctx, point.Inserting, c.Entry.Number, job{
		doing:        "insert " + c.Entry.ID.String(),
		do:           func(ctx context.Context, s session) error { return s.insert(ctx, c, h) },
		refusesFirst: true,
	})
	if errors.Is(err, errDoubt) && db.proved(ctx, c.Entry) {
		return nil
	}
	return err
}

// proved reports that an entry whose insert is in doubt is there, by the token of the
// call. That it is not there proves nothing: the commit may still land.
func (db *DB) proved(ctx context.Context, e journal.Entry) bool {
	if e.Attempt == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), db.cfg.BusyTimeout)
	defer cancel()
	for try := 1; ; try++ {
		if got, err := db.Get(ctx, e.ID); err == nil {
			return got.Attempt == e.Attempt
		}
		if try == proofTries || !pause(ctx, try) {
			return false
		}
	}
}

// Apply commits a batch or nothing of it; see journal.Store.
func (db *DB) Apply(ctx context.Context, b journal.Batch) error {
	number := ""
	if len(b.Changes) > 0 {
		number = b.Changes[0].Entry.Number
	}
	return db.record(ctx, point.Applying, number, job{
		doing: "apply",
		do:    func(ctx context.Context, s session) error { return s.apply(ctx, b) },
		// Of one change the compare-and-swap comes first, and is all that others can lose it.
		refusesFirst: b.Notice == nil && len(b.Pending) == 0 && len(b.Changes) == 1,
	})
}

// whole is a time as the store keeps it: UTC, whole milliseconds.
func whole(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}
