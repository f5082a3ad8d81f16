package sqlstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

func isExists(err error) bool { return errors.Is(err, journal.ErrExists) }

// crashFile is set in the child of TestKilledProcessLosesNothing.
const crashFile = "BANKRAIL_TEST_CRASH_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
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
