package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
)

// querier is a database, a connection or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// session runs the statements of a dialect somewhere.
type session struct {
	*dialect
	q   querier
	now func() time.Time
	// served: now is a server's clock, as this process carries it on.
	served   bool
	onChange func(context.Context, Tx, journal.Change) error
	// patience is how long onChange may take.
	patience time.Duration
	// named takes the name of the transaction from a statement that tells it; nil where
	// nobody asks.
	named *txName
	// wrote is set with the first row that is written; nil where nobody asks.
	wrote *bool
}

// touch notes that something was written, or may have been.
func (s session) touch() {
	if s.wrote != nil {
		*s.wrote = true
	}
}

func (db *DB) on(q querier) session {
	return session{dialect: &db.dialect, q: q, now: db.cfg.Now, served: db.clock != nil, onChange: db.cfg.OnChange, patience: db.cfg.BusyTimeout / 2}
}

// do runs a statement that answers nothing.
func (s session) do(ctx context.Context, query string) error {
	_, err := s.q.ExecContext(ctx, query)
	return err
}

// runner carries out transactions: SQLite's gathers them on one connection, a server's
// takes a connection of its pool.
type runner interface {
	// run does a job in a transaction and commits it; see DB.write.
	run(ctx context.Context, j job) error
}

// job is what is to be written in one transaction.
type job struct {
	// doing names it in errors.
	doing string
	// do writes it. It may be called again after a rollback, and must begin anew then.
	do func(context.Context, session) error
	// refusesFirst: what do refuses, it refuses before it writes, unless something is out
	// of the ordinary. All its writes tell session.touch.
	refusesFirst bool
}

// write runs f in a transaction of its own, or with others'. Whatever fails before
// COMMIT was issued is rolled back and ErrNotCommitted; only a COMMIT that fails
// leaves it open. f may be called again after a rollback, and must begin anew then.
func (db *DB) write(ctx context.Context, doing string, f func(context.Context, session) error) error {
	return db.record(ctx, point.Applying, "", job{doing: doing, do: f})
}

// record is write of a number, with the points where a crash hurts. A hook may refuse
// whatever was written before it.
func (db *DB) record(ctx context.Context, before point.Point, number string, j job) error {
	do := j.do
	j.do = func(ctx context.Context, s session) error {
		if err := do(ctx, s); err != nil {
			return err
		}
		point.At(ctx, before, number)
		return nil
	}
	j.refusesFirst = j.refusesFirst && db.cfg.OnChange == nil
	err := db.runner.run(ctx, j)
	if err == nil || !errors.Is(err, journal.ErrNotCommitted) && !answer(err) {
		point.At(ctx, point.Applied, number)
	}
	return err
}

// In works in the host's own transaction, on the same database: the host's rows and
// the entry are recorded together or not at all.
//
//	tx, err := shop.BeginTx(ctx, nil)   // the host's *sql.DB, opened on the same file
//	defer tx.Rollback()
//	// … the host's own rows …
//	err = bank.In(tx).Insert(ctx, change, hold)
//	err = tx.Commit()
//
// A refusal (ErrExists, ErrEarly, ErrBudget, what Config.OnChange says) or any other
// error takes the insert back to a savepoint and leaves the transaction usable, unless
// the error says that it is broken. Nothing is recorded before the host commits, and
// it is as durable as the host's connection makes it.
//
// On SQLite leave synchronous=FULL, and open the host's pool with _txlock=immediate
// and a busy_timeout; while the transaction is open nobody else writes, this DB
// included. On a server the isolation must be READ COMMITTED; the numbers recorded
// stay locked until the transaction ends.
func (db *DB) In(tx *sql.Tx) journal.Tx { return &hostTx{db: db, tx: tx} }

type hostTx struct {
	db *DB
	tx *sql.Tx
	// exists is the number that an insert found recorded.
	exists bankrail.ID
}

var _ journal.Tx = (*hostTx)(nil)

// Get reads an entry as the transaction sees it, or where an insert found it, as it
// is. Errors: bankrail.ErrNotFound.
func (t *hostTx) Get(ctx context.Context, id bankrail.ID) (journal.Entry, error) {
	s := t.db.on(t.tx)
	if s.name == string(MySQL) && id == t.exists {
		// The snapshot of REPEATABLE READ may be older than the row; a locking read is
		// not. Without the certainty that there is a row it would lock the gap where
		// others insert.
		e, _, err := scanEntry(t.tx.QueryRowContext(ctx, s.getEntry+" LOCK IN SHARE MODE", key(id)...))
		if err == nil {
			return e, nil
		}
	}
	e, err := s.get(ctx, id)
	if err != nil {
		return e, t.db.fail("get "+id.String(), err)
	}
	return e, nil
}

// Insert records a new entry when the host commits; see DB.In.
func (t *hostTx) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	doing := "insert " + c.Entry.ID.String()
	if err := ctx.Err(); err != nil {
		return t.db.fail(doing, notCommitted(ctx, err))
	}
	wctx := context.WithoutCancel(ctx)
	if _, err := t.tx.ExecContext(wctx, "SAVEPOINT bankrail"); err != nil {
		return t.db.fail(doing, notCommitted(ctx, err))
	}
	err := t.db.on(t.tx).insert(wctx, c, h)
	if errors.Is(err, journal.ErrExists) {
		t.exists = c.Entry.ID
	}
	if err == nil {
		if _, err = t.tx.ExecContext(wctx, "RELEASE SAVEPOINT bankrail"); err == nil {
			return nil
		}
	}
	for _, back := range []string{"ROLLBACK TO SAVEPOINT bankrail", "RELEASE SAVEPOINT bankrail"} {
		if _, broken := t.tx.ExecContext(wctx, back); broken != nil {
			// The host's transaction is in an unknown state: it must roll back.
			return t.db.fail(doing, fmt.Errorf("transaction is broken, roll it back: %w: %w", broken, withoutAnswer(err)))
		}
	}
	return t.db.fail(doing, notCommitted(ctx, err))
}

// withoutAnswer keeps the text of an error and not what it answers.
func withoutAnswer(err error) error { return errors.New(err.Error()) }
