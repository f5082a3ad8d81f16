package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// BenchmarkServer measures a durable refund, which is its insert and the change that
// settles it, beside the least that could cost on the same server: two transactions of
// two statements. Read it as the ratio within one run; 1.0 is the floor.
//
//	BANKRAIL_TEST_POSTGRES=… go test -run '^$' -bench Server -benchtime 1000x
func BenchmarkServer(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			if os.Getenv(e.variable) == "" {
				b.Skipf("set %s to a DSN to run this", e.variable)
			}
			for _, callers := range []int{1, 16} {
				b.Run(fmt.Sprint(callers), func(b *testing.B) { benchServer(b, e, callers) })
			}
		})
	}
}

func benchServer(b *testing.B, e engine, callers int) {
	db := e.opened(b, e.fresh(b), sqlstore.Config{Conns: callers})
	pool := sqlstore.Writer(db)
	for _, name := range []string{"floor_rows", "floor_log"} {
		_, err := pool.Exec("CREATE TABLE " + name + " (id BIGINT PRIMARY KEY, body VARCHAR(4000) NOT NULL)")
		require.NoError(b, err)
	}
	row := strings.Repeat("x", 500)
	mark := "?, ?"
	if e.name == "postgres" {
		mark = "$1, $2"
	}
	// Half of the floor before and half after, so that a machine that changes shows.
	least := spread(b, callers, 0, b.N/2, func(i int64) error { return floor(pool, mark, i, row) })
	b.ResetTimer()
	took := spread(b, callers, 0, b.N, func(i int64) error { return settle(db, fmt.Sprint("R", i)) })
	b.StopTimer()
	least += spread(b, callers, b.N/2, b.N, func(i int64) error { return floor(pool, mark, i, row) })
	b.ReportMetric(float64(b.N)/took.Seconds(), "refunds/s")
	b.ReportMetric(float64(b.N)/least.Seconds(), "floor/s")
	b.ReportMetric(least.Seconds()/took.Seconds(), "of-floor")
}

// floor does the two transactions that any durable refund needs.
func floor(pool *sql.DB, mark string, i int64, row string) error {
	for _, half := range []int64{2 * i, 2*i + 1} {
		tx, err := pool.Begin()
		if err != nil {
			return err
		}
		for _, table := range []string{"floor_rows", "floor_log"} {
			if _, err := tx.Exec("INSERT INTO "+table+" (id, body) VALUES ("+mark+")", half, row); err != nil {
				return err
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// settle records a refund of an order of its own and settles it.
func settle(db *sqlstore.DB, number string) error {
	c := refund(number)
	c.Entry.Order = number
	if err := db.Insert(context.Background(), c, journal.Hold{Limit: bankrail.CNY(1000)}); err != nil {
		return err
	}
	c.From, c.Entry.Status, c.Entry.Version, c.Event = c.Entry.Status, bankrail.Succeeded, 1, journal.EventSucceeded
	return db.Apply(context.Background(), journal.Batch{Changes: []journal.Change{c}})
}

// spread shares the calls from one number to another among callers, and times them.
func spread(b *testing.B, callers, from, to int, call func(i int64) error) time.Duration {
	var next atomic.Int64
	next.Store(int64(from) - 1)
	var wg sync.WaitGroup
	began := time.Now()
	for range callers {
		wg.Go(func() {
			for i := next.Add(1); i < int64(to); i = next.Add(1) {
				if err := call(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}
