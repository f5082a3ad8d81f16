package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// two opens one schema twice, as two processes would.
func two(t *testing.T, e engine) [2]*sqlstore.DB {
	dsn := e.volatile(e.fresh(t))
	return [2]*sqlstore.DB{e.opened(t, dsn, sqlstore.Config{Logger: quiet}), e.opened(t, dsn, sqlstore.Config{Logger: quiet})}
}

// atOnce calls f n times at once and gives the answers.
func atOnce(n int, f func(i int) error) []error {
	errs := make([]error, n)
	ready := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-ready
			errs[i] = f(i)
		})
	}
	close(ready)
	wg.Wait()
	return errs
}

func pendingNews(number string) journal.Pending {
	return journal.Pending{ID: idOf(number), Digest: journal.NewFingerprint(number), At: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
}

// rounds is how often each race is run.
const rounds = 40

func TestRaceOfNewsAndRecord(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dbs := two(t, e)
		recordedFirst := 0
		for i := range rounds {
			number := fmt.Sprint("R", i)
			errs := atOnce(2, func(j int) error {
				if j == 0 {
					return dbs[0].Insert(t.Context(), refund(number), paid)
				}
				return dbs[1].Apply(t.Context(), journal.Batch{Pending: []journal.Pending{pendingNews(number)}})
			})
			if errs[0] == nil {
				recordedFirst++
				require.ErrorIs(t, errs[1], journal.ErrLost, "the news must see the record")
			} else {
				require.ErrorIs(t, errs[0], journal.ErrEarly)
				require.NoError(t, errs[1], "one of them came first")
			}
		}
		t.Logf("%d of %d records came first", recordedFirst, rounds)
	})
}

// TestNewsWaitsForAnOpenRecord holds the record open until the news waits for it: the
// order that chance seldom brings.
func TestNewsWaitsForAnOpenRecord(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dsn := e.fresh(t)
		db := e.opened(t, dsn, sqlstore.Config{})
		tx, err := e.pool(t, dsn).BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		require.NoError(t, err)
		require.NoError(t, db.In(tx).Insert(t.Context(), refund("R1"), paid))

		news := make(chan error, 1)
		go func() {
			news <- db.Apply(context.Background(), journal.Batch{Pending: []journal.Pending{pendingNews("R1")}})
		}()
		select {
		case err := <-news:
			t.Fatalf("the news did not wait: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
		// Another number waits for nobody.
		require.NoError(t, db.Apply(t.Context(), journal.Batch{Pending: []journal.Pending{pendingNews("R2")}}))
		require.NoError(t, tx.Commit())
		require.ErrorIs(t, <-news, journal.ErrLost)
	})
}

func TestRaceOfInserts(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dbs := two(t, e)
		for i := range rounds / 4 {
			won := 0
			for _, err := range atOnce(8, func(j int) error {
				return dbs[j%2].Insert(t.Context(), refund(fmt.Sprint("R", i)), paid)
			}) {
				if err == nil {
					won++
				} else {
					require.ErrorIs(t, err, journal.ErrExists)
				}
			}
			require.Equal(t, 1, won)
		}
		b, err := dbs[0].Budget(t.Context(), channel, "O1")
		require.NoError(t, err)
		require.EqualValues(t, 100*(rounds/4), b.Held.Minor(), "who lost reserved nothing")
	})
}

func TestRaceForABudget(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dbs := two(t, e)
		for i := range rounds / 4 {
			won := 0
			for _, err := range atOnce(8, func(j int) error {
				c := refund(fmt.Sprintf("R%d-%d", i, j))
				c.Entry.Order = fmt.Sprint("O", i)
				return dbs[j%2].Insert(t.Context(), c, journal.Hold{Limit: bankrail.CNY(350)})
			}) {
				if err == nil {
					won++
				} else {
					require.ErrorIs(t, err, bankrail.ErrBudget)
				}
			}
			require.Equal(t, 3, won)
		}
	})
}

func TestRaceOfOneNotice(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dbs := two(t, e)
		for i := range rounds / 4 {
			var won, seen, reused int
			for _, err := range atOnce(8, func(j int) error {
				n := journal.Notice{Channel: channel, ID: fmt.Sprint("N", i), Digest: journal.NewFingerprint(fmt.Sprint(j / 4))}
				a := journal.Anomaly{Kind: journal.AnomalyAmount, Entry: idOf("R1"), Note: fmt.Sprint(j), Evidence: journal.NewFingerprint(fmt.Sprint(i))}
				return dbs[j%2].Apply(t.Context(), journal.Batch{Notice: &n, Anomalies: []journal.Anomaly{a}})
			}) {
				switch {
				case err == nil:
					won++
				case errors.Is(err, journal.ErrSeen):
					seen++
				default:
					require.ErrorIs(t, err, journal.ErrReused)
					reused++
				}
			}
			require.Equal(t, []int{1, 3, 4}, []int{won, seen, reused})
		}
		// Anomalies outside a notice race as well.
		for _, err := range atOnce(8, func(j int) error {
			return dbs[j%2].Apply(t.Context(), journal.Batch{Anomalies: []journal.Anomaly{{Kind: journal.AnomalyEarly, Entry: idOf("R1")}}})
		}) {
			require.NoError(t, err)
		}
		as, _, err := dbs[0].Anomalies(t.Context(), "", 1000)
		require.NoError(t, err)
		require.Len(t, as, rounds/4+1)
	})
}

func TestRaceOfClaims(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) { raceOfClaims(t, two(t, e)) })
}

func TestRaceOfClaimsWithoutSkipLocked(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		if e.name != "mysql" {
			return // every PostgreSQL we take has SKIP LOCKED
		}
		dbs := two(t, e)
		sqlstore.AsOldMySQL(dbs[0])
		sqlstore.AsOldMySQL(dbs[1])
		raceOfClaims(t, dbs)
	})
}

func TestWhoCanSkipLocked(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][2]bool{
		"5.7.44-log":               {false, false},
		"8.0.0":                    {false, false},
		"8.0.36":                   {true, true},
		"8.4.2":                    {true, true},
		"10.5.23-MariaDB":          {false, false},
		"10.6.1-MariaDB":           {true, false},
		"10.11.19-MariaDB-0+deb12": {true, false},
		"11.4.2-MariaDB":           {true, false},
		"something else":           {false, false},
	} {
		skip, of := sqlstore.CanSkipLocked(version)
		require.Equal(t, want, [2]bool{skip, of}, version)
	}
}

// raceOfClaims has two processes claim what is due: nobody gets what another has, and
// nothing is left.
func raceOfClaims(t *testing.T, dbs [2]*sqlstore.DB) {
	t.Helper()
	const due = 60
	var b journal.Batch
	for i := range due {
		b.Changes = append(b.Changes, refund(fmt.Sprint("R", i)))
	}
	require.NoError(t, dbs[0].Apply(t.Context(), b))
	claimed := make([][]string, 8)
	for _, err := range atOnce(8, func(j int) error {
		for {
			es, err := dbs[j%2].Claim(t.Context(), journal.ClaimQuery{Op: bankrail.OpRefund, Lease: time.Hour, Limit: 5})
			for _, e := range es {
				claimed[j] = append(claimed[j], e.Number)
			}
			if err != nil || len(es) == 0 {
				return err
			}
		}
	}) {
		require.NoError(t, err)
	}
	all := slices.Concat(claimed...)
	slices.Sort(all)
	require.Len(t, all, due)
	require.Len(t, slices.Compact(all), due, "nobody got what another has")
}

// TestClaimPassesOverWhatOthersHold: a whole page that somebody has locked hides
// nothing behind it.
func TestClaimPassesOverWhatOthersHold(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dsn := e.fresh(t)
		db := e.opened(t, dsn, sqlstore.Config{})
		for _, n := range []string{"R1", "R2", "R3"} {
			require.NoError(t, db.Insert(t.Context(), refund(n), paid))
		}
		tx, err := e.pool(t, dsn).BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		require.NoError(t, err)
		_, err = tx.Exec("UPDATE bankrail_entries SET asks = 1 WHERE number IN ('R1', 'R2')")
		require.NoError(t, err)
		es, err := db.Claim(t.Context(), journal.ClaimQuery{Op: bankrail.OpRefund, Lease: time.Hour, Limit: 2})
		require.NoError(t, err)
		require.Len(t, es, 1)
		require.Equal(t, "R3", es[0].Number)
		require.NoError(t, tx.Rollback())
	})
}

func TestRaceOfRelays(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dbs := two(t, e)
		const entries, versions = 5, 6
		for i := range entries {
			c := refund(fmt.Sprint("R", i))
			require.NoError(t, dbs[0].Insert(t.Context(), c, paid))
			for v := range int64(versions - 1) {
				c.From, c.Entry.Version = bankrail.Processing, v+1
				require.NoError(t, dbs[0].Apply(t.Context(), journal.Batch{Changes: []journal.Change{c}}))
			}
		}
		var mu sync.Mutex
		published := map[string][]int64{}
		total := 0
		for _, err := range atOnce(4, func(j int) error {
			for {
				events, err := dbs[j%2].TakeEvents(t.Context(), time.Hour, 3)
				if err != nil {
					return err
				}
				for _, ev := range events {
					mu.Lock()
					published[ev.Entry.Number] = append(published[ev.Entry.Number], ev.Version)
					total++
					mu.Unlock()
					if err := dbs[j%2].Published(t.Context(), ev.ID); err != nil {
						return err
					}
				}
				mu.Lock()
				done := total == entries*versions
				mu.Unlock()
				if done {
					return nil
				}
			}
		}) {
			require.NoError(t, err)
		}
		for number, vs := range published {
			require.True(t, slices.IsSorted(vs), "%s: %v", number, vs)
			require.Len(t, vs, versions)
		}
	})
}

// TestDeadlocksAreTriedAgain has batches that take the same entries in opposite order.
func TestDeadlocksAreTriedAgain(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dbs := two(t, e)
		a, b := refund("A"), refund("B")
		require.NoError(t, dbs[0].Insert(t.Context(), a, paid))
		require.NoError(t, dbs[0].Insert(t.Context(), b, paid))
		for _, err := range atOnce(8, func(j int) error {
			first, second := a, b
			if j%2 == 1 {
				first, second = b, a
			}
			for done := 0; done < 5; {
				for _, c := range []*journal.Change{&first, &second} {
					now, err := dbs[j%2].Get(t.Context(), c.Entry.ID)
					if err != nil {
						return err
					}
					c.From, c.Entry = bankrail.Processing, now
				}
				err := dbs[j%2].Apply(t.Context(), journal.Batch{Changes: []journal.Change{first, second}})
				switch {
				case err == nil:
					done++
				case !errors.Is(err, journal.ErrLost):
					return err
				}
			}
			return nil
		}) {
			require.NoError(t, err)
		}
		for _, c := range []journal.Change{a, b} {
			got, err := dbs[0].Get(t.Context(), c.Entry.ID)
			require.NoError(t, err)
			require.EqualValues(t, 1+8*5, got.Version, "every batch counted once")
			steps, err := dbs[0].History(t.Context(), c.Entry.ID)
			require.NoError(t, err)
			require.Len(t, steps, 1+8*5)
		}
	})
}
