package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

func TestInHostTransaction(t *testing.T) {
	t.Parallel()
	path := file(t)
	db := open(t, path, sqlstore.Config{})
	shop := raw(t, path)
	_, err := shop.Exec("CREATE TABLE orders (number TEXT PRIMARY KEY)")
	require.NoError(t, err)
	count := func(query string) (n int) {
		require.NoError(t, shop.QueryRow(query).Scan(&n))
		return n
	}
	orders := func() int { return count("SELECT count(*) FROM orders") }

	tx, err := shop.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO orders VALUES ('O1')")
	require.NoError(t, err)
	require.NoError(t, db.In(tx).Insert(t.Context(), refund("R1"), paid))
	e, err := db.In(tx).Get(t.Context(), idOf("R1"))
	require.NoError(t, err)
	require.EqualValues(t, 1, e.Version)
	_, err = db.Get(t.Context(), idOf("R1"))
	require.ErrorIs(t, err, bankrail.ErrNotFound, "nobody else sees it before the commit")
	require.NoError(t, tx.Rollback())
	require.Zero(t, orders())
	require.Zero(t, count("SELECT (SELECT count(*) FROM bankrail_entries) + (SELECT count(*) FROM bankrail_history) + "+
		"(SELECT count(*) FROM bankrail_events) + (SELECT count(*) FROM bankrail_budgets)"), "both are gone")

	tx, err = shop.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO orders VALUES ('O1')")
	require.NoError(t, err)
	require.NoError(t, db.In(tx).Insert(t.Context(), refund("R1"), paid))
	require.NoError(t, tx.Commit())
	require.Equal(t, 1, orders())
	_, err = db.Get(t.Context(), idOf("R1"))
	require.NoError(t, err, "both are there")
}

func TestInHostTransactionARefusalLeavesItUsable(t *testing.T) {
	t.Parallel()
	path := file(t)
	db := open(t, path, sqlstore.Config{})
	require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
	require.NoError(t, db.Apply(t.Context(), journal.Batch{Pending: []journal.Pending{{ID: idOf("R2")}}}))
	shop := raw(t, path)
	tx, err := shop.Begin()
	require.NoError(t, err)
	in := db.In(tx)

	_, err = in.Get(t.Context(), idOf("R9"))
	require.ErrorIs(t, err, bankrail.ErrNotFound)
	require.ErrorIs(t, in.Insert(t.Context(), refund("R1"), paid), journal.ErrExists)
	require.ErrorIs(t, in.Insert(t.Context(), refund("R2"), paid), journal.ErrEarly)
	require.ErrorIs(t, in.Insert(t.Context(), refund("R3"), journal.Hold{Limit: bankrail.CNY(150)}), bankrail.ErrBudget)
	other := refund("R3")
	other.Entry.Order = "O3"
	require.ErrorIs(t, in.Insert(t.Context(), other, journal.Hold{Limit: bankrail.CNY(99)}), bankrail.ErrBudget)
	nonsense := refund("R3")
	nonsense.Entry.Sends = -1 // refused by a CHECK, after the budget was reserved
	require.ErrorIs(t, in.Insert(t.Context(), nonsense, paid), journal.ErrNotCommitted)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, in.Insert(ended, refund("R3"), paid), journal.ErrNotCommitted)
	require.NoError(t, in.Insert(t.Context(), refund("R4"), paid))
	require.NoError(t, tx.Commit())

	es, _, err := db.List(t.Context(), journal.ListQuery{})
	require.NoError(t, err)
	require.Len(t, es, 2)
	b, err := db.Budget(t.Context(), channel, "O1")
	require.NoError(t, err)
	require.Equal(t, bankrail.CNY(200), b.Held)
	_, err = db.Budget(t.Context(), channel, "O3")
	require.ErrorIs(t, err, bankrail.ErrNotFound)

	require.Error(t, in.Insert(t.Context(), refund("R5"), paid), "the transaction has ended")
}

func TestTwoHandlesOnOneFile(t *testing.T) {
	t.Parallel()
	path := file(t)
	// SQLite's waiting is not fair: on a loaded machine one handle may have to wait long.
	patient := sqlstore.Config{BusyTimeout: time.Minute}
	one, two := open(t, path, patient), open(t, path, patient)
	const each = 20
	errs := make(chan error, 16)
	for g := range 16 {
		db := []*sqlstore.DB{one, two}[g%2]
		go func() {
			for i := range each {
				// The same numbers from both handles: one of them records each.
				err := db.Insert(context.Background(), refund(fmt.Sprintf("R%d-%d", g/2, i)), paid)
				if err != nil && !isExists(err) {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 16 {
		require.NoError(t, <-errs)
	}
	for _, db := range []*sqlstore.DB{one, two} {
		es, _, err := db.List(t.Context(), journal.ListQuery{Limit: 1000})
		require.NoError(t, err)
		require.Len(t, es, 8*each)
		b, err := db.Budget(t.Context(), channel, "O1")
		require.NoError(t, err)
		require.EqualValues(t, 100*8*each, b.Held.Minor())
	}
}

// A host's transaction that began before somebody else recorded the number finds what
// it stands for, whatever its snapshot shows.
func TestInHostTransactionSeesWhatRefusesIt(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dsn := e.fresh(t)
		db, shop := e.opened(t, dsn, sqlstore.Config{}), e.pool(t, dsn)
		isolations := []sql.IsolationLevel{sql.LevelReadCommitted}
		if e.name == "mysql" {
			isolations = append(isolations, sql.LevelRepeatableRead)
		}
		for i, isolation := range isolations {
			number := fmt.Sprint("R", i)
			tx, err := shop.BeginTx(t.Context(), &sql.TxOptions{Isolation: isolation})
			require.NoError(t, err)
			in := db.In(tx)
			_, err = in.Get(t.Context(), idOf(number))
			require.ErrorIs(t, err, bankrail.ErrNotFound)
			require.NoError(t, db.Insert(t.Context(), refund(number), paid))
			require.ErrorIs(t, in.Insert(t.Context(), refund(number), paid), journal.ErrExists)
			got, err := in.Get(t.Context(), idOf(number))
			require.NoError(t, err, isolation)
			require.EqualValues(t, 1, got.Version)
			require.NoError(t, in.Insert(t.Context(), refund(number+"-2"), paid), "and goes on")
			require.NoError(t, tx.Commit())
		}
	})
}
