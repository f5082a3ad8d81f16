package sqlstore_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

func isExists(err error) bool { return errors.Is(err, journal.ErrExists) }

// crashFile is set in the child of TestKilledProcessLosesNothing.
const crashFile = "BANKRAIL_TEST_CRASH_FILE"

// crashAt is set in the child of TestKilledProcessLeavesRowAndOrderInAgreement.
const crashAt = "BANKRAIL_TEST_CRASH_AT"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		if where := os.Getenv(crashAt); where != "" {
			dieAt(path, where)
		}
		insertForEver(path)
	}
	os.Exit(m.Run())
}

// insertForEver records numbers from many goroutines and writes each to standard
// output once it is acknowledged, until it is killed.
func insertForEver(path string) {
	db, err := sqlstore.OpenSQLite(path, sqlstore.Config{})
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				number := fmt.Sprintf("%d-%d-%d", os.Getpid(), g, i)
				if err := db.Insert(context.Background(), refund(number), paid); err != nil {
					panic(err)
				}
				mu.Lock()
				fmt.Println(number)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// A process is killed in the middle of a stream of inserts: every number it
// acknowledged is there, with all that belongs to it, and nothing is half there.
func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	path := file(t)
	acknowledged := 0
	for round := range 5 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), crashFile+"="+path)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		var numbers []string
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			numbers = append(numbers, lines.Text())
			if len(numbers) == 20+7*round {
				require.NoError(t, child.Process.Kill())
			}
		}
		require.Error(t, child.Wait())
		acknowledged += len(numbers)

		db := open(t, path, sqlstore.Config{})
		for _, n := range numbers {
			e, err := db.Get(t.Context(), idOf(n))
			require.NoError(t, err, "acknowledged and lost")
			require.Equal(t, bankrail.Processing, e.Status)
			steps, err := db.History(t.Context(), e.ID)
			require.NoError(t, err)
			require.Len(t, steps, 1)
		}
		es, _, err := db.List(t.Context(), journal.ListQuery{Limit: 1_000_000})
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(es), acknowledged)
		events, err := db.TakeEvents(t.Context(), 0, 1_000_000)
		require.NoError(t, err)
		require.Len(t, events, len(es))
		b, err := db.Budget(t.Context(), channel, "O1")
		require.NoError(t, err)
		require.EqualValues(t, 100*len(es), b.Held.Minor())
		var check string
		require.NoError(t, raw(t, path).QueryRow("PRAGMA integrity_check").Scan(&check))
		require.Equal(t, "ok", check)
	}
}

func TestReopenedDatabaseHasEverything(t *testing.T) {
	t.Parallel()
	path := file(t)
	db, err := sqlstore.OpenSQLite(path, sqlstore.Config{})
	require.NoError(t, err)
	require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
	want, err := db.Get(t.Context(), idOf("R1"))
	require.NoError(t, err)
	notice := journal.Notice{Channel: channel, ID: "N1"}
	require.NoError(t, db.Apply(t.Context(), journal.Batch{Notice: &notice, Pending: []journal.Pending{{ID: idOf("R2")}}}))
	require.NoError(t, db.Close())
	_, err = os.Stat(path + "-wal")
	require.ErrorIs(t, err, os.ErrNotExist, "the last one to close leaves one file")

	again := open(t, path, sqlstore.Config{})
	got, err := again.Get(t.Context(), idOf("R1"))
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.ErrorIs(t, again.Apply(t.Context(), journal.Batch{Notice: &notice}), journal.ErrSeen)
	require.ErrorIs(t, again.Insert(t.Context(), refund("R2"), paid), journal.ErrEarly)
	es, err := again.TakeEvents(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, es, 1)
}

// The places where dieAt dies, in the order it comes by, and what it leaves.
var deaths = []struct{ where, order, status string }{
	{"hook of created", "paid", ""},
	{"before the host's commit", "paid", ""},
	{"after the host's commit", "refunding", "created"},
	{"hook of processing", "refunding", "created"},
	{string(point.Applying) + " processing", "refunding", "created"},
	{string(point.Applied) + " processing", "refunding", "processing"},
	{"hook of succeeded", "refunding", "processing"},
	{string(point.Applying) + " succeeded", "refunding", "processing"},
	{string(point.Applied) + " succeeded", "refunded", "succeeded"},
}

// states are what an order is while its refund is in a state.
var states = map[string]string{"": "paid", "created": "refunding", "processing": "refunding", "succeeded": "refunded"}

// dieAt refunds an order the way a host does, and kills itself at a place.
func dieAt(path, where string) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	here := func(place string) {
		if place == where {
			self, err := os.FindProcess(os.Getpid())
			must(err)
			must(self.Kill())
			select {}
		}
	}
	db, err := sqlstore.OpenSQLite(path, sqlstore.Config{OnChange: func(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
		_, err := tx.ExecContext(ctx, "UPDATE orders SET status = ? WHERE number = ?", states[c.Entry.Status.String()], c.Entry.Order)
		here("hook of " + c.Entry.Status.String())
		return err
	}})
	must(err)
	shop, err := sql.Open("sqlite", path+"?_txlock=immediate&_busy_timeout=5000")
	must(err)
	c := refund("R1")
	c.Entry.Status, c.Event = bankrail.Created, journal.EventCreated
	tx, err := shop.Begin()
	must(err)
	must(db.In(tx).Insert(context.Background(), c, paid))
	here("before the host's commit")
	must(tx.Commit())
	here("after the host's commit")
	for version, status := range []bankrail.Status{bankrail.Processing, bankrail.Succeeded} {
		ctx := point.With(context.Background(), func(_ context.Context, p point.Point, _ string) { here(string(p) + " " + status.String()) })
		c.From, c.Entry.Status, c.Entry.Version, c.Event = c.Entry.Status, status, int64(version+1), ""
		must(db.Apply(ctx, journal.Batch{Changes: []journal.Change{c}}))
	}
	panic("came by no place called " + where)
}

// Wherever the host is killed, the order's row and the refund's say the same.
func TestKilledProcessLeavesRowAndOrderInAgreement(t *testing.T) {
	t.Parallel()
	for _, d := range deaths {
		t.Run(d.where, func(t *testing.T) {
			t.Parallel()
			path := file(t)
			shop := raw(t, path)
			_, err := shop.Exec("CREATE TABLE orders (number TEXT PRIMARY KEY, status TEXT NOT NULL)")
			require.NoError(t, err)
			_, err = shop.Exec("INSERT INTO orders VALUES ('O1', 'paid')")
			require.NoError(t, err)
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), crashFile+"="+path, crashAt+"="+d.where)
			said, err := child.CombinedOutput()
			var ended *exec.ExitError
			require.ErrorAs(t, err, &ended)
			require.Equal(t, -1, ended.ExitCode(), "killed, not ended: %s", said)

			db := open(t, path, sqlstore.Config{})
			require.Equal(t, map[string]string{"O1": d.order}, orders(t, shop))
			e, err := db.Get(t.Context(), idOf("R1"))
			if d.status == "" {
				require.ErrorIs(t, err, bankrail.ErrNotFound)
			} else {
				require.NoError(t, err)
				require.Equal(t, d.status, e.Status.String())
			}
			require.Equal(t, states[d.status], d.order)
		})
	}
}
