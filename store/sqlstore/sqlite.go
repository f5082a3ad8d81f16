package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/bankrail/bankrail"
)

// OpenSQLite opens the database in the file at path, made with mode 0600 where it
// is missing, and brings its schema up to date. The directory must exist and be on
// a local disk. ":memory:" is a database of this DB alone that dies with it.
//
// Errors: *Error with ErrNotDatabase, ErrNewer, ErrReadOnly, ErrFull, ErrBusy, or an
// *fs.PathError of the file; *bankrail.FieldError for an empty path.
func OpenSQLite(path string, cfg Config) (*DB, error) {
	return openSQLite(context.Background(), path, cfg)
}

func openSQLite(ctx context.Context, path string, cfg Config) (*DB, error) {
	db := &DB{cfg: cfg.withDefaults(), path: path, dialect: sqlite, durable: path != ":memory:"}
	if path == "" || strings.ContainsRune(path, 0) {
		return nil, &bankrail.FieldError{Field: "path", Problem: "want the name of a file, or :memory:"}
	}
	db.runner = &committer{db: db}
	if err := db.open(ctx); err != nil {
		return nil, db.fail("open", err)
	}
	return db, nil
}

func (db *DB) open(ctx context.Context) error {
	name := ":memory:"
	if db.durable {
		if err := db.makeFile(); err != nil {
			return err
		}
		abs, err := filepath.Abs(db.path)
		if err != nil {
			return err
		}
		abs = filepath.ToSlash(abs)
		if !strings.HasPrefix(abs, "/") { // a drive letter
			abs = "/" + abs
		}
		name = "file://" + (&url.URL{Path: abs}).EscapedPath()
	}
	var err error
	if db.writer, err = openPool(name, db.pragmas(false), 1); err != nil {
		return err
	}
	db.reader, db.reads = db.writer, db.writer
	if err := db.prepare(ctx); err != nil {
		return errors.Join(err, db.writer.Close())
	}
	if !db.durable {
		return nil
	}
	if db.reader, err = openPool(name, db.pragmas(true), db.cfg.Readers); err != nil {
		return errors.Join(err, db.writer.Close())
	}
	db.reads = &prepared{plain: db.reader, prepare: db.reader.PrepareContext}
	return nil
}

// makeFile makes the file for its owner alone; SQLite gives the files beside it
// (-wal, -shm) the same mode.
func (db *DB) makeFile() error {
	f, err := os.OpenFile(db.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if others := info.Mode().Perm() & 0o077; others != 0 {
		db.cfg.Logger.Warn("bankrail: others may open the database", "path", db.path, "mode", info.Mode().Perm().String())
	}
	return nil
}

// pragmas are the settings of every connection. FULL makes each commit survive a
// loss of power; IMMEDIATE takes the turn to write at the start, so that nothing
// read in a transaction is stale when it writes.
func (db *DB) pragmas(reader bool) url.Values {
	v := url.Values{}
	v.Set("_busy_timeout", strconv.FormatInt(db.cfg.BusyTimeout.Milliseconds(), 10))
	v.Set("_foreign_keys", "on")
	v.Set("_synchronous", "FULL")
	v.Add("_pragma", "cache_size(-16384)") // KiB: the upper pages of every index
	v.Add("_pragma", "temp_store(MEMORY)") // what a savepoint takes back is no file's business
	if reader {
		v.Set("_query_only", "on")
		return v
	}
	v.Set("_txlock", "immediate")
	if db.durable {
		v.Set("_journal_mode", "WAL")
		v.Add("_pragma", "wal_autocheckpoint(4000)") // pages, 16 MB: copying them back costs two syncs
	}
	return v
}

func openPool(name string, pragmas url.Values, conns int) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", name+"?"+pragmas.Encode())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(0)
	pool.SetConnMaxLifetime(0)
	return pool, nil
}

// prepare makes the first connection and brings the schema up to date. SQLite does
// not wait where another process is switching the file to WAL, so this does.
func (db *DB) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, db.cfg.BusyTimeout+time.Minute)
	defer cancel()
	for until := time.Now().Add(db.cfg.BusyTimeout); ; {
		err := db.migrate(ctx)
		if err == nil || db.dialect.kind(err) != ErrBusy || time.Now().After(until) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// sqliteKind reads what the driver's error means.
func sqliteKind(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return ErrReadOnly
	case errors.Is(err, syscall.ENOSPC):
		return ErrFull
	case errors.Is(err, syscall.EISDIR):
		return ErrNotDatabase
	}
	var e *driver.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_NOTADB, lib.SQLITE_CORRUPT:
		return ErrNotDatabase
	case lib.SQLITE_READONLY, lib.SQLITE_PERM:
		return ErrReadOnly
	case lib.SQLITE_FULL:
		return ErrFull
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return ErrBusy
	}
	return nil
}

// newer says that the schema has a version this program does not know.
func newer(has, knows int64) error {
	return fmt.Errorf("%w: version %d, known up to %d", ErrNewer, has, knows)
}
