package sqlstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// together calls f n times at once and wants no error.
func together(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}

// gated opens a database in which the insert of "gate" holds the transaction open
// until the gate is closed, so that everybody who comes meanwhile is in its group.
func gated(t *testing.T, cfg sqlstore.Config) (*sqlstore.DB, chan struct{}) {
	t.Helper()
	gate := make(chan struct{})
	hook := cfg.OnChange
	cfg.OnChange = func(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
		if c.Entry.Number == "gate" {
			<-gate
		}
		if hook != nil {
			return hook(ctx, tx, c)
		}
		return nil
	}
	return open(t, file(t), cfg), gate
}

// behind runs the calls in one group, in this order, behind the insert of "gate".
func behind(t *testing.T, db *sqlstore.DB, gate chan struct{}, calls ...func() error) (errs []error, first error) {
	t.Helper()
	errs = make([]error, len(calls))
	var wg sync.WaitGroup
	held := point.With(t.Context(), func(_ context.Context, p point.Point, _ string) {
		if p == point.Inserting {
			<-gate // where there is no hook to hold it
		}
	})
	wg.Go(func() { first = db.Insert(held, refund("gate"), paid) })
	synctest.Wait()
	for i, call := range calls {
		wg.Go(func() { errs[i] = call() })
		synctest.Wait()
	}
	time.Sleep(2 * time.Second) // of the bubble's time
	close(gate)
	wg.Wait()
	return errs, first
}

func insert(t *testing.T, db *sqlstore.DB, number string) func() error {
	return func() error { return db.Insert(t.Context(), refund(number), paid) }
}

func TestGroupSharesACommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var db *sqlstore.DB
		together := 0
		opened, gate := gated(t, sqlstore.Config{OnChange: func(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
			if c.Entry.Number != "R3" {
				return nil
			}
			_, err := db.Get(ctx, idOf("gate"))
			if !errors.Is(err, bankrail.ErrNotFound) {
				return errors.New("committed before its time")
			}
			return tx.QueryRowContext(ctx, "SELECT count(*) FROM bankrail_entries").Scan(&together)
		}})
		db = opened
		errs, first := behind(t, db, gate, insert(t, db, "R1"), insert(t, db, "R2"), insert(t, db, "R3"))
		require.NoError(t, first)
		require.NoError(t, errors.Join(errs...))
		require.Equal(t, 4, together, "one transaction for all")
		b, err := db.Budget(t.Context(), channel, "O1")
		require.NoError(t, err)
		require.Equal(t, bankrail.CNY(400), b.Held)
	})
}

func TestGroupTakesBackOneMemberAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := gated(t, sqlstore.Config{})
		nonsense := refund("R2")
		nonsense.Entry.Sends = -1 // refused by a CHECK
		errs, first := behind(t, db, gate,
			insert(t, db, "R1"),
			func() error { return db.Insert(t.Context(), nonsense, paid) },
			insert(t, db, "R1"),
			func() error { return db.Insert(t.Context(), refund("R3"), journal.Hold{Limit: bankrail.CNY(250)}) },
			insert(t, db, "R4"))
		require.NoError(t, first)
		require.NoError(t, errs[0])
		require.ErrorIs(t, errs[1], journal.ErrNotCommitted)
		require.ErrorIs(t, errs[2], journal.ErrExists)
		require.ErrorIs(t, errs[3], bankrail.ErrBudget)
		require.NoError(t, errs[4])
		b, err := db.Budget(t.Context(), channel, "O1")
		require.NoError(t, err)
		require.Equal(t, bankrail.CNY(300), b.Held)
		es, _, err := db.List(t.Context(), journal.ListQuery{})
		require.NoError(t, err)
		require.Len(t, es, 3)
	})
}

func TestGroupGoesOnAfterARefusedFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := gated(t, sqlstore.Config{OnChange: func(_ context.Context, _ sqlstore.Tx, c journal.Change) error {
			if c.Entry.Number == "gate" {
				return errors.New("no")
			}
			return nil
		}})
		errs, first := behind(t, db, gate, insert(t, db, "R1"), insert(t, db, "R2"))
		require.ErrorIs(t, first, journal.ErrHook)
		require.NoError(t, errors.Join(errs...))
		_, err := db.Get(t.Context(), idOf("gate"))
		require.ErrorIs(t, err, bankrail.ErrNotFound)
	})
}

// A COMMIT that fails leaves every write of the group open, and turns the refusals,
// which may rest on those writes, into "not committed".
func TestGroupWhoseCommitFailsIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := gated(t, sqlstore.Config{OnChange: func(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
			if c.Entry.Number != "R2" {
				return nil
			}
			// Checked at COMMIT, which it fails.
			_, err := tx.ExecContext(ctx, "PRAGMA defer_foreign_keys = 1")
			if err == nil {
				_, err = tx.ExecContext(ctx, "INSERT INTO bankrail_history VALUES (999, 1, '', '', '', zeroblob(32), '', 0)")
			}
			return err
		}})
		errs, first := behind(t, db, gate, insert(t, db, "R1"), insert(t, db, "R1"), insert(t, db, "R2"))
		for _, err := range []error{first, errs[0], errs[2]} {
			require.ErrorContains(t, err, "outcome unknown")
			require.NotErrorIs(t, err, journal.ErrNotCommitted)
		}
		require.ErrorIs(t, errs[1], journal.ErrNotCommitted)
		require.NotErrorIs(t, errs[1], journal.ErrExists, "of a row that may not be there")
		require.NoError(t, db.Insert(t.Context(), refund("R1"), paid), "and the next group is well")
	})
}

func TestGroupLetsWhoGivesUpLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := gated(t, sqlstore.Config{BusyTimeout: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		errs, first := behind(t, db, gate,
			func() error { gone <- db.Insert(ctx, refund("R1"), paid); return nil },
			func() error {
				cancel()
				err := <-gone
				require.ErrorIs(t, err, journal.ErrNotCommitted)
				require.ErrorIs(t, err, context.Canceled)
				return nil
			},
			insert(t, db, "R2"))
		require.NoError(t, first)
		require.NoError(t, errors.Join(errs...))
		_, err := db.Get(t.Context(), idOf("R1"))
		require.ErrorIs(t, err, bankrail.ErrNotFound)
	})
}

func TestGroupWaitsNoLongerThanBusyTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := gated(t, sqlstore.Config{BusyTimeout: time.Second})
		errs, first := behind(t, db, gate,
			func() error {
				err := db.Insert(t.Context(), refund("R1"), paid)
				require.ErrorIs(t, err, sqlstore.ErrBusy)
				require.ErrorIs(t, err, journal.ErrNotCommitted)
				return nil
			})
		require.NoError(t, first)
		require.NoError(t, errors.Join(errs...))
	})
}

// A panic, or the end of a goroutine, inside a write is its own caller's and takes
// back its own work only.
func TestGroupOutlivesAMemberThatDies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := gated(t, sqlstore.Config{})
		dying := point.With(t.Context(), func(_ context.Context, p point.Point, number string) {
			if p == point.Inserting {
				panic("died of " + number)
			}
		})
		errs, first := behind(t, db, gate,
			func() error {
				require.PanicsWithValue(t, "died of R1", func() { _ = db.Insert(dying, refund("R1"), paid) })
				return nil
			},
			insert(t, db, "R2"),
			func() error {
				require.PanicsWithValue(t, "died of R3", func() { _ = db.Insert(dying, refund("R3"), paid) })
				return nil
			})
		require.NoError(t, first)
		require.NoError(t, errors.Join(errs...))
		es, _, err := db.List(t.Context(), journal.ListQuery{})
		require.NoError(t, err)
		require.Len(t, es, 2, "the gate and R2")
		require.PanicsWithValue(t, "died of R4", func() { _ = db.Insert(dying, refund("R4"), paid) })
		require.NoError(t, db.Insert(t.Context(), refund("R4"), paid), "the first of a group too")
	})
}

func TestGroupIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var db *sqlstore.DB
		early := false
		opened, gate := gated(t, sqlstore.Config{OnChange: func(ctx context.Context, _ sqlstore.Tx, c journal.Change) error {
			if c.Entry.Number == "R139" {
				_, err := db.Get(ctx, idOf("gate"))
				early = err == nil
			}
			return nil
		}})
		db = opened
		var calls []func() error
		for i := range 140 {
			calls = append(calls, insert(t, db, fmt.Sprint("R", i)))
		}
		errs, first := behind(t, db, gate, calls...)
		require.NoError(t, first)
		require.NoError(t, errors.Join(errs...))
		require.True(t, early, "the first 128 do not wait for the last")
	})
}

func TestCloseWaitsForWhoCameBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := gated(t, sqlstore.Config{})
		errs, first := behind(t, db, gate, insert(t, db, "R1"), db.Close, insert(t, db, "R2"))
		require.NoError(t, first)
		require.NoError(t, errs[0])
		require.NoError(t, errs[1])
		require.ErrorIs(t, errs[2], journal.ErrNotCommitted)
	})
}

// The points are told to their own caller, inside the transaction and after it.
func TestPointsOfAWrite(t *testing.T) {
	t.Parallel()
	db := open(t, file(t), sqlstore.Config{})
	var told []string
	ctx := point.With(t.Context(), func(_ context.Context, p point.Point, number string) {
		_, err := db.Get(context.Background(), idOf("R1"))
		told = append(told, fmt.Sprintf("%s %s %t", p, number, err == nil))
	})
	c := refund("R1")
	require.NoError(t, db.Insert(ctx, c, paid))
	c.From, c.Entry.Status, c.Entry.Version = c.Entry.Status, bankrail.Succeeded, 1
	require.NoError(t, db.Apply(ctx, journal.Batch{Changes: []journal.Change{c}}))
	require.ErrorIs(t, db.Insert(ctx, c, paid), journal.ErrExists)
	require.Equal(t, []string{"C3 R1 false", "C8 R1 true", "C7 R1 true", "C8 R1 true"}, told)
}

// A hook that ends the transaction behind everybody's back has ended it for all who
// were in it; who comes after begins anew.
func TestGroupThatAHookEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := gated(t, sqlstore.Config{OnChange: func(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
			if c.Entry.Number != "R2" {
				return nil
			}
			_, err := tx.ExecContext(ctx, "SELECT 1; COMMIT")
			return err
		}})
		errs, first := behind(t, db, gate, insert(t, db, "R1"), insert(t, db, "R2"), insert(t, db, "R3"))
		for _, err := range []error{first, errs[0], errs[1]} {
			require.ErrorContains(t, err, "outcome unknown")
			require.NotErrorIs(t, err, journal.ErrNotCommitted)
		}
		require.NoError(t, errs[2])
	})
}

// A disk that is full makes SQLite roll back what it likes: whatever is said of a
// write is true.
func TestGroupOnAFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := gated(t, sqlstore.Config{})
		_, err := sqlstore.Writer(db).Exec("PRAGMA max_page_count = 80")
		require.NoError(t, err)
		large := refund("R2")
		large.Entry.Data = bytes.Repeat([]byte("x"), 1<<20)
		errs, first := behind(t, db, gate, insert(t, db, "R1"),
			func() error { return db.Insert(t.Context(), large, paid) }, insert(t, db, "R3"))
		require.ErrorIs(t, errs[1], sqlstore.ErrFull)
		for number, err := range map[string]error{"gate": first, "R1": errs[0], "R2": errs[1], "R3": errs[2]} {
			_, missing := db.Get(t.Context(), idOf(number))
			if err == nil {
				require.NoError(t, missing, number)
			} else {
				require.ErrorIs(t, err, journal.ErrNotCommitted, number)
				require.ErrorIs(t, missing, bankrail.ErrNotFound, number)
			}
		}
	})
}
