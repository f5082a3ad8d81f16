package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bankrail/bankrail/journal"
)

const (
	// serverTries is how often a transaction is tried that the server rolled back for
	// the sake of others, within Config.BusyTimeout.
	serverTries = 8
	// fateTries is how often a server is asked what became of a commit.
	fateTries = 20
	// proofTries is how often a row is looked for whose commit may be under way.
	proofTries = 8
)

// server is the runner of PostgreSQL and MySQL: every transaction on a connection of
// the pool's.
type server struct {
	db *DB
	// isolation is asked for at every transaction; the default where the connections
	// are ours and set already.
	isolation sql.IsolationLevel
}

// errDoubt marks a COMMIT whose outcome is not known.
var errDoubt = errors.New("commit, outcome unknown")

// run tries a transaction as long as it is certain that it did not happen and worth
// another try: after a deadlock, and once after a lost connection.
func (r *server) run(ctx context.Context, j job) error {
	bounded, cancel := context.WithTimeoutCause(ctx, r.db.cfg.BusyTimeout, ErrBusy)
	defer cancel()
	lost := false
	for try := 1; ; try++ {
		err := r.once(ctx, bounded, j.do)
		if err == nil {
			return nil
		}
		again := errors.Is(err, journal.ErrNotCommitted) &&
			(r.db.dialect.repeat(err) || !lost && connectionLost(err))
		lost = lost || connectionLost(err)
		if again && try < serverTries && pause(bounded, try) {
			continue
		}
		if errors.Is(err, errDoubt) {
			r.db.cfg.Logger.ErrorContext(ctx, "bankrail: outcome of a commit is unknown", "doing", j.doing, "error", r.db.fail(j.doing, err))
		} else if errors.Is(context.Cause(bounded), ErrBusy) && !errors.Is(err, ErrBusy) && !answer(err) {
			err = fmt.Errorf("%w: %w", ErrBusy, err)
		}
		return r.db.fail(j.doing, err)
	}
}

// once tries a transaction. Its statements end with the caller's time; COMMIT, once
// begun, has time of its own, because stopping it half way would leave nobody knowing
// what became of it.
func (r *server) once(ctx, bounded context.Context, f func(context.Context, session) error) error {
	if _, err := r.db.Now(bounded); err != nil { // the session reads this look at the clock
		return notCommitted(ctx, err)
	}
	conn, err := r.db.writer.Conn(bounded)
	if err != nil {
		return notCommitted(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*r.db.cfg.BusyTimeout+time.Minute)
	defer cancel()
	stop := context.AfterFunc(bounded, cancel)
	defer stop()
	tx, err := conn.BeginTx(whole, &sql.TxOptions{Isolation: r.isolation})
	if err != nil {
		return notCommitted(ctx, err)
	}
	var name txName
	s := r.db.on(tx)
	s.named = &name
	err = f(bounded, s)
	if err == nil && r.db.dialect.xid != "" && !name.xid.Valid {
		err = tx.QueryRowContext(bounded, r.db.dialect.xid).Scan(&name.xid, &name.server)
	}
	if err == nil && !stop() {
		err = bounded.Err()
	}
	if err != nil {
		if tx.Rollback() != nil {
			// Nobody else may get a connection that is still inside: MySQL commits what was
			// left open when the next transaction begins. Closing it rolls back for sure.
			_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		return notCommitted(ctx, err)
	}
	return r.commit(ctx, tx, name)
}

// txName is what a transaction is asked for by: its number, empty where it wrote
// nothing, and the server it ran on.
type txName struct {
	xid    sql.NullInt64
	server int64
}

// commit ends a transaction, and asks the server for its fate where the answer to
// COMMIT did not come.
func (r *server) commit(ctx context.Context, tx *sql.Tx, name txName) error {
	err := tx.Commit()
	switch {
	case err == nil:
		return nil
	case r.db.dialect.aborted(err):
		return notCommitted(ctx, err)
	case r.db.dialect.xid != "" && !name.xid.Valid:
		return notCommitted(ctx, err) // it wrote nothing
	case name.xid.Valid:
		return r.fate(ctx, name, err)
	}
	return fmt.Errorf("%w: %w", errDoubt, err)
}

// fate asks what became of a transaction, until it has ended. A server that took over,
// or started anew, is not believed: it may have given the number to somebody else.
func (r *server) fate(ctx context.Context, name txName, cause error) error {
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.db.cfg.BusyTimeout)
	defer cancel()
	for try := 1; try <= fateTries; try++ {
		var fate string
		err := r.db.writer.QueryRowContext(wait, r.db.dialect.fate, name.xid.Int64, name.server).Scan(&fate)
		switch {
		case err == nil && fate == "committed":
			return nil
		case err == nil && fate == "aborted":
			return notCommitted(ctx, cause)
		}
		if err == nil && fate == "elsewhere" || !pause(wait, try) {
			break
		}
	}
	return fmt.Errorf("%w: %w", errDoubt, cause)
}

// pause waits longer from try to try, each time by chance, so that two that stood in
// each other's way do not meet again. It reports whether there is time left.
func pause(ctx context.Context, try int) bool {
	most := 5 * time.Millisecond << min(try, 6)
	t := time.NewTimer(most/2 + rand.N(most/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connectionLost reports an error of the connection rather than of a statement.
func connectionLost(err error) bool {
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, mysql.ErrInvalidConn),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network), pgconn.SafeToRetry(err):
		return true
	}
	switch sqlState(err) {
	case "57P01", "57P02", "57P03": // the server is going down, or not up yet
		return true
	}
	return mysqlCode(err, 1053, 1927) // shutting down, connection killed
}
