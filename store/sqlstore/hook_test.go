package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// hook is Config.OnChange.
type hook = func(context.Context, sqlstore.Tx, journal.Change) error

// hooked opens a database beside a host's table of orders, with a hook.
func hooked(t *testing.T, h hook) (*sqlstore.DB, *sql.DB) {
	t.Helper()
	path := file(t)
	shop := raw(t, path)
	_, err := shop.Exec("CREATE TABLE orders (number TEXT PRIMARY KEY, status TEXT NOT NULL)")
	require.NoError(t, err)
	return open(t, path, sqlstore.Config{OnChange: h}), shop
}

// mark notes in the host's table what an entry becomes.
func mark(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO orders VALUES ('"+c.Entry.Number+"', '"+c.Entry.Status.String()+
		"') ON CONFLICT (number) DO UPDATE SET status = excluded.status")
	return err
}

func orders(t *testing.T, shop *sql.DB) map[string]string {
	t.Helper()
	rows, err := shop.Query("SELECT number, status FROM orders")
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	all := map[string]string{}
	for rows.Next() {
		var number, status string
		require.NoError(t, rows.Scan(&number, &status))
		all[number] = status
	}
	require.NoError(t, rows.Err())
	return all
}

// become is the next version of a recorded refund.
func become(number string, version int64, status bankrail.Status) journal.Change {
	c := refund(number)
	c.From, c.Entry.Status, c.Entry.Version, c.Source = c.Entry.Status, status, version, journal.SourceNotification
	return c
}

func TestHookWritesWithTheChange(t *testing.T) {
	t.Parallel()
	db, shop := hooked(t, mark)
	require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
	require.NoError(t, db.Insert(t.Context(), refund("R2"), paid))
	require.NoError(t, db.Apply(t.Context(), journal.Batch{Changes: []journal.Change{become("R1", 1, bankrail.Succeeded)}}))
	require.Equal(t, map[string]string{"R1": "succeeded", "R2": "processing"}, orders(t, shop))

	require.ErrorIs(t, db.Insert(t.Context(), refund("R1"), paid), journal.ErrExists)
	require.ErrorIs(t, db.Apply(t.Context(), journal.Batch{Changes: []journal.Change{
		become("R2", 1, bankrail.Failed), become("R1", 1, bankrail.Failed),
	}}), journal.ErrLost)
	require.Equal(t, map[string]string{"R1": "succeeded", "R2": "processing"}, orders(t, shop), "what is lost takes the host's rows along")
}

func TestHookRefuses(t *testing.T) {
	t.Parallel()
	no := errors.New("not this one")
	db, shop := hooked(t, func(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
		if err := mark(ctx, tx, c); err != nil {
			return err
		}
		if c.Entry.Number == "R2" || c.Entry.Status == bankrail.Failed {
			return no
		}
		return nil
	})
	var refused *journal.HookError
	require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
	err := db.Insert(t.Context(), refund("R2"), paid)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, idOf("R2"), refused.Entry)
	require.ErrorIs(t, err, no)
	require.ErrorIs(t, err, journal.ErrNotCommitted)
	_, err = db.Get(t.Context(), idOf("R2"))
	require.ErrorIs(t, err, bankrail.ErrNotFound)

	require.NoError(t, db.Insert(t.Context(), refund("R3"), paid))
	notice := journal.Notice{Channel: channel, ID: "N1"}
	news := journal.Batch{Notice: &notice, Changes: []journal.Change{
		become("R1", 1, bankrail.Succeeded), become("R3", 1, bankrail.Failed),
	}}
	err = db.Apply(t.Context(), news)
	require.ErrorIs(t, err, journal.ErrHook)
	require.ErrorIs(t, err, journal.ErrNotCommitted)
	require.Equal(t, map[string]string{"R1": "processing", "R3": "processing"}, orders(t, shop), "the whole batch")
	e, err := db.Get(t.Context(), idOf("R1"))
	require.NoError(t, err)
	require.Equal(t, bankrail.Processing, e.Status)
	news.Changes = nil
	require.NoError(t, db.Apply(t.Context(), news), "the notice was not taken in")
}

func TestHookThatMisbehaves(t *testing.T) {
	t.Parallel()
	var kept sqlstore.Tx
	for name, x := range map[string]struct {
		hook hook
		want string
	}{
		"panics": {func(context.Context, sqlstore.Tx, journal.Change) error { panic("out of " + "range") }, "panic: out of range"},
		"commits": {func(ctx context.Context, tx sqlstore.Tx, _ journal.Change) error {
			_, err := tx.ExecContext(ctx, " commit;")
			return err
		}, "cannot be ended"},
		"rolls back": {func(ctx context.Context, tx sqlstore.Tx, _ journal.Change) error {
			_, err := tx.QueryContext(ctx, "ROLLBACK TO SAVEPOINT bankrail")
			return err
		}, "cannot be ended"},
		"reports an answer of the journal": {func(context.Context, sqlstore.Tx, journal.Change) error {
			return fmt.Errorf("my own row: %w", journal.ErrExists)
		}, "my own row"},
		"fails in its SQL": {func(ctx context.Context, tx sqlstore.Tx, _ journal.Change) error {
			return tx.QueryRowContext(ctx, "SELECT number FROM nowhere").Err()
		}, "nowhere"},
		"has a context that ended": {func(ctx context.Context, tx sqlstore.Tx, _ journal.Change) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			_, err := tx.ExecContext(ctx, "DELETE FROM orders")
			return err
		}, "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := true
			db, shop := hooked(t, func(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
				if err := mark(ctx, tx, c); err != nil || !bad {
					return err
				}
				return x.hook(ctx, tx, c)
			})
			err := db.Insert(t.Context(), refund("R1"), paid)
			var refused *journal.HookError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, x.want)
			require.ErrorIs(t, err, journal.ErrNotCommitted)
			require.NotErrorIs(t, err, journal.ErrExists)
			require.Empty(t, orders(t, shop))
			bad = false
			require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
			require.Len(t, orders(t, shop), 1)
		})
	}
	t.Run("keeps its transaction", func(t *testing.T) {
		t.Parallel()
		db, shop := hooked(t, func(_ context.Context, tx sqlstore.Tx, _ journal.Change) error { kept = tx; return nil })
		require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
		_, err := kept.ExecContext(t.Context(), "INSERT INTO orders VALUES ('late', '')")
		require.ErrorContains(t, err, "outlived")
		require.Error(t, kept.QueryRowContext(t.Context(), "SELECT 1").Scan(new(int)))
		require.Empty(t, orders(t, shop))
	})
	t.Run("forgets to close its rows", func(t *testing.T) {
		t.Parallel()
		db, _ := hooked(t, func(ctx context.Context, tx sqlstore.Tx, _ journal.Change) error {
			_ = tx.QueryRowContext(ctx, "SELECT number FROM bankrail_entries")
			_, err := tx.QueryContext(ctx, "SELECT number FROM bankrail_entries") //nolint:rowserrcheck,sqlclosecheck // the point
			return err
		})
		for i := range 3 {
			require.NoError(t, db.Insert(t.Context(), refund(fmt.Sprint("R", i)), paid))
		}
	})
}

// A hook that ends the transaction behind our back has made the outcome unknown, for
// itself and for whoever else was in it.
func TestHookThatEndsTheTransaction(t *testing.T) {
	t.Parallel()
	bad := true
	db, _ := hooked(t, func(ctx context.Context, tx sqlstore.Tx, _ journal.Change) error {
		if !bad {
			return nil
		}
		_, err := tx.ExecContext(ctx, "SELECT 1; COMMIT")
		return err
	})
	err := db.Insert(t.Context(), refund("R1"), paid)
	require.ErrorContains(t, err, "outcome unknown")
	require.NotErrorIs(t, err, journal.ErrNotCommitted)
	require.NotErrorIs(t, err, journal.ErrHook)
	bad = false
	require.NoError(t, db.Insert(t.Context(), refund("R2"), paid))
}

func TestHookInAHostsTransaction(t *testing.T) {
	t.Parallel()
	db, shop := hooked(t, func(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
		if err := mark(ctx, tx, c); err != nil || c.Entry.Number != "R2" {
			return err
		}
		return errors.New("no")
	})
	tx, err := shop.Begin()
	require.NoError(t, err)
	require.NoError(t, db.In(tx).Insert(t.Context(), refund("R1"), paid))
	err = db.In(tx).Insert(t.Context(), refund("R2"), paid)
	require.ErrorIs(t, err, journal.ErrHook)
	require.ErrorIs(t, err, journal.ErrNotCommitted)
	require.NoError(t, tx.Commit())
	require.Equal(t, map[string]string{"R1": "processing"}, orders(t, shop))
	_, err = db.Get(t.Context(), idOf("R2"))
	require.ErrorIs(t, err, bankrail.ErrNotFound)
}

func TestHookOnServers(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dsn := e.fresh(t)
		shop := e.pool(t, dsn)
		_, err := shop.Exec("CREATE TABLE orders (number VARCHAR(64) PRIMARY KEY, status VARCHAR(16) NOT NULL)")
		require.NoError(t, err)
		var then hook
		db := e.opened(t, dsn, sqlstore.Config{OnChange: func(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
			if _, err := tx.ExecContext(ctx, "DELETE FROM orders WHERE number = '"+c.Entry.Number+"'"); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO orders VALUES ('"+c.Entry.Number+"', '"+c.Entry.Status.String()+"')"); err != nil {
				return err
			}
			if then == nil {
				return nil
			}
			return then(ctx, tx, c)
		}})
		require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
		require.NoError(t, db.Apply(t.Context(), journal.Batch{Changes: []journal.Change{become("R1", 1, bankrail.Succeeded)}}))
		require.Equal(t, map[string]string{"R1": "succeeded"}, orders(t, shop))
		for _, x := range []struct {
			hook hook
			want string
		}{
			{func(context.Context, sqlstore.Tx, journal.Change) error { panic("out of " + "range") }, "panic: out of range"},
			{func(ctx context.Context, tx sqlstore.Tx, _ journal.Change) error {
				return tx.QueryRowContext(ctx, "SELECT number FROM nowhere").Scan(new(string))
			}, "nowhere"},
			{func(ctx context.Context, tx sqlstore.Tx, _ journal.Change) error {
				if _, err := tx.QueryContext(ctx, "SELECT number FROM orders"); err != nil { //nolint:sqlclosecheck,rowserrcheck // the point
					return err
				}
				return errors.New("left its rows open")
			}, "left its rows open"},
		} {
			then = x.hook
			err := db.Insert(t.Context(), refund("R2"), paid)
			require.ErrorIs(t, err, journal.ErrHook)
			require.ErrorIs(t, err, journal.ErrNotCommitted)
			require.ErrorContains(t, err, x.want)
			tx, err := shop.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
			require.NoError(t, err)
			require.ErrorIs(t, db.In(tx).Insert(t.Context(), refund("R2"), paid), journal.ErrHook)
			_, err = tx.Exec("UPDATE orders SET status = 'seen' WHERE number = 'R1'")
			require.NoError(t, err, "the host's transaction stays usable")
			require.NoError(t, tx.Commit())
			require.Equal(t, map[string]string{"R1": "seen"}, orders(t, shop))
		}
		then = nil
		require.NoError(t, db.Insert(t.Context(), refund("R2"), paid))
		require.Len(t, orders(t, shop), 2)
	})
}

// A hook that hangs must not keep everybody's writes waiting, and what it was asked
// about certainly did not happen.
func TestHookThatHangs(t *testing.T) {
	t.Parallel()
	path := file(t)
	db := open(t, path, sqlstore.Config{BusyTimeout: 200 * time.Millisecond, OnChange: hang})
	err := db.Insert(t.Context(), refund("R1"), paid)
	require.ErrorIs(t, err, journal.ErrHook)
	require.ErrorIs(t, err, journal.ErrNotCommitted)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, db.Insert(t.Context(), refund("R2"), paid))
}

func hang(ctx context.Context, _ sqlstore.Tx, c journal.Change) error {
	if c.Entry.Number != "R1" {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestHookThatHangsOnServers(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		sleep := "SELECT pg_sleep(3)"
		if e.name == "mysql" {
			sleep = "SELECT SLEEP(3)"
		}
		inStatement := func(limit time.Duration) hook {
			return func(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
				if c.Entry.Number != "R1" {
					return nil
				}
				ctx, cancel := context.WithTimeout(ctx, limit)
				defer cancel()
				_, err := tx.ExecContext(ctx, sleep)
				return err
			}
		}
		for name, h := range map[string]hook{
			"for ever": hang, "in a statement": inStatement(time.Minute), "in a statement it bounds itself": inStatement(20 * time.Millisecond),
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				db := e.opened(t, e.fresh(t), sqlstore.Config{BusyTimeout: 2 * time.Second, OnChange: h, Logger: quiet})
				err := db.Insert(t.Context(), refund("R1"), paid)
				require.ErrorIs(t, err, journal.ErrNotCommitted)
				if !errors.Is(err, sqlstore.ErrBusy) { // as where the whole call had its time used up before
					require.ErrorIs(t, err, journal.ErrHook)
				}
				// The server may go on with the statement for a while, and hold the order.
				require.NoError(t, db.Insert(t.Context(), refund("R2"), journal.Hold{}))
				_, err = db.Get(t.Context(), idOf("R1"))
				require.ErrorIs(t, err, bankrail.ErrNotFound)
			})
		}
	})
}
