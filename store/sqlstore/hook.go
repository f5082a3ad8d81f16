package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/bankrail/bankrail/journal"
)

// Tx is the transaction of a change, as Config.OnChange gets it. It ends with the
// change: it has no Commit and no Rollback, refuses their SQL, and is dead after the
// hook has returned. Statements are in the database's own words.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// errBroken: nobody knows what became of the transaction.
var errBroken = errors.New("transaction is broken, outcome unknown")

// errEnded answers a statement of a hook that has returned, or that would end the
// transaction.
var errEnded = errors.New("sqlstore: the transaction is the change's: it cannot be ended, nor outlived")

// told calls the host's hook inside a savepoint, so that a statement of the hook that
// fails leaves a transaction that can still be asked.
func (s session) told(ctx context.Context, c journal.Change) error {
	if s.onChange == nil {
		return nil
	}
	if err := s.do(ctx, "SAVEPOINT bankrail_hook"); err != nil {
		return err
	}
	tx := &hookTx{q: s.q}
	if p, ok := s.q.(*prepared); ok {
		tx.q, tx.whole = p.plain, true
	}
	limited, cancel := context.WithTimeout(ctx, s.patience)
	err := call(limited, s.onChange, tx, c)
	tx.end() // rows that are open would take the connection along when the time ends
	cancel()
	if s.repeat != nil && s.repeat(tx.trouble) {
		// The server has rolled back for the sake of others, or wants us to: that is no
		// opinion of the hook's, and the whole transaction is tried again.
		return fmt.Errorf("hook of %s: %w", c.Entry.ID, tx.trouble)
	}
	if err == nil {
		if err = s.do(ctx, "RELEASE SAVEPOINT bankrail_hook"); err == nil {
			return nil
		}
		err = fmt.Errorf("the hook went on after a statement that failed: %w", err)
	}
	for _, back := range []string{"ROLLBACK TO SAVEPOINT bankrail_hook", "RELEASE SAVEPOINT bankrail_hook"} {
		if broken := s.do(ctx, back); broken != nil {
			if s.cutOff(ctx, broken) {
				if ctx.Err() != nil || connectionLost(tx.trouble) { // no opinion of the hook's either
					return fmt.Errorf("hook of %s: %w: %w", c.Entry.ID, broken, withoutAnswer(err))
				}
				break // a statement of the hook had a time of its own, which took the connection along
			}
			return fmt.Errorf("%w: hook of %s: %w: %w", errBroken, c.Entry.ID, broken, withoutAnswer(err))
		}
	}
	if answer(err) || errors.Is(err, journal.ErrNotCommitted) {
		err = withoutAnswer(err) // of the hook's own making: it says nothing of this write
	}
	return &journal.HookError{Entry: c.Entry.ID, Err: err}
}

// cutOff reports that a transaction cannot be asked because its connection is gone or
// its time is over: it was not committed, and a server takes it back by itself. SQLite
// has no such connection; there a transaction that does not answer was ended.
func (s session) cutOff(ctx context.Context, err error) bool {
	return s.repeat != nil && (ctx.Err() != nil || connectionLost(err))
}

// call calls the hook and turns its panic into an error.
func call(ctx context.Context, hook func(context.Context, Tx, journal.Change) error, tx Tx, c journal.Change) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return hook(ctx, tx, c)
}

// hookTx is a Tx. What the hook forgets to close is closed behind it.
type hookTx struct {
	q     querier
	whole bool // a statement that began is finished: SQLite would roll everything back
	ended bool
	rows  []*sql.Rows
	row   []*sql.Row
	// trouble is what the database said last instead of carrying out a statement.
	trouble error
}

func (t *hookTx) note(err error) error {
	if err != nil {
		t.trouble = err
	}
	return err
}

// admit says whether a statement may run.
func (t *hookTx) admit(ctx context.Context, query string) (context.Context, error) {
	if err := ctx.Err(); err != nil {
		return ctx, err
	}
	word, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	switch strings.ToUpper(strings.TrimRight(word, ";")) {
	case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE":
		return ctx, errEnded
	}
	if t.ended {
		return ctx, errEnded
	}
	if t.whole {
		ctx = context.WithoutCancel(ctx)
	}
	return ctx, nil
}

// ExecContext is that of database/sql.
func (t *hookTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, err := t.admit(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := t.q.ExecContext(ctx, query, args...)
	return res, t.note(err)
}

// QueryContext is that of database/sql.
func (t *hookTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, err := t.admit(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := t.q.QueryContext(ctx, query, args...)
	if err == nil {
		t.rows = append(t.rows, rows)
	}
	return rows, t.note(err)
}

// QueryRowContext is that of database/sql.
func (t *hookTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	ctx, err := t.admit(ctx, query)
	if err != nil {
		// A *sql.Row with an error comes from database/sql alone, and so does this one.
		ended, cancel := context.WithCancelCause(context.Background())
		cancel(err)
		return t.q.QueryRowContext(ended, "SELECT 1")
	}
	row := t.q.QueryRowContext(ctx, query, args...)
	t.row = append(t.row, row)
	_ = t.note(row.Err())
	return row
}

// end closes what is open and lets nothing more through.
func (t *hookTx) end() {
	t.ended = true
	for _, r := range t.rows {
		_ = r.Close()
	}
	for _, r := range t.row {
		_ = r.Scan() // closes it, read or not
	}
}
