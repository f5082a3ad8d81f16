package sqlstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// BenchmarkDurable measures what the journal costs beside the least a durable
// record can cost: one caller that appends a row's worth of bytes and syncs them.
// Read every rate as a ratio within one run.
func BenchmarkDurable(b *testing.B) {
	var floor time.Duration // of one append and its sync
	b.Run("append+fsync", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "log"))
		require.NoError(b, err)
		defer func() { _ = f.Close() }()
		row := make([]byte, 4096)
		for b.Loop() {
			if _, err := f.Write(row); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		floor = b.Elapsed() / time.Duration(b.N)
	})
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("insert/%d", callers), func(b *testing.B) {
			perform(b, floor, callers, func(db *sqlstore.DB, number string) error {
				return db.Insert(context.Background(), refund(number), journal.Hold{Limit: bankrail.CNY(1 << 60)})
			})
		})
		b.Run(fmt.Sprintf("insert+apply/%d", callers), func(b *testing.B) {
			perform(b, floor, callers, func(db *sqlstore.DB, number string) error {
				c := refund(number)
				if err := db.Insert(context.Background(), c, journal.Hold{Limit: bankrail.CNY(1 << 60)}); err != nil {
					return err
				}
				c.From, c.Entry.Status, c.Entry.Version, c.Event = c.Entry.Status, bankrail.Succeeded, 1, journal.EventSucceeded
				return db.Apply(context.Background(), journal.Batch{Changes: []journal.Change{c}})
			})
		})
	}
}

// perform shares b.N calls among so many callers. The metric x is how many calls are
// done in the time of one append and sync.
func perform(b *testing.B, floor time.Duration, callers int, call func(db *sqlstore.DB, number string) error) {
	db := open(b, file(b), sqlstore.Config{})
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := call(db, fmt.Sprint("R", i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if floor > 0 {
		b.ReportMetric(float64(floor)*float64(b.N)/float64(b.Elapsed()), "x")
	}
}
