package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// consumers lists the databases a consumer may have, each empty and its own.
var consumers = map[sqlstore.Dialect]func(t *testing.T) *sql.DB{
	sqlstore.SQLite:     func(t *testing.T) *sql.DB { return raw(t, file(t)) },
	sqlstore.PostgreSQL: func(t *testing.T) *sql.DB { return engines[0].pool(t, engines[0].fresh(t)) },
	sqlstore.MySQL:      func(t *testing.T) *sql.DB { return engines[1].pool(t, engines[1].fresh(t)) },
}

// succeeded is the event of a version of a refund of 1.00.
func succeeded(number string, version int64) journal.Event {
	return journal.Event{
		ID: fmt.Sprintf("%s#%d", idOf(number), version), Type: journal.EventSucceeded, Entry: idOf(number),
		Version: version, Status: bankrail.Succeeded, Settled: bankrail.CNY(100),
	}
}

func TestOnceCreditsOnce(t *testing.T) {
	t.Parallel()
	for dialect, connect := range consumers {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			db := connect(t)
			together(t, 4, func(int) error { return dialect.MigrateOnce(context.Background(), db) })
			_, err := db.Exec("CREATE TABLE balance (fen INTEGER NOT NULL)")
			require.NoError(t, err)
			_, err = db.Exec("INSERT INTO balance VALUES (0)")
			require.NoError(t, err)

			const entries, copies = 20, 5
			var events []journal.Event
			for i := range entries {
				// The version before credits nothing, and comes late as often as not.
				created := succeeded(fmt.Sprint("R", i), 1)
				created.Settled = bankrail.Money{}
				events = append(events, created, succeeded(fmt.Sprint("R", i), 2))
			}
			deliveries := make(chan journal.Event, len(events)*copies)
			for _, i := range rand.Perm(len(events) * copies) {
				deliveries <- events[i%len(events)]
			}
			close(deliveries)
			var mu sync.Mutex
			credits := map[string]int{}
			together(t, 8, func(int) error {
				n := 0
				for e := range deliveries {
					for done := false; !done; { // until it is acknowledged
						n++
						var credited bool
						done, credited = consume(dialect, db, e, n%3 == 0)
						if credited {
							mu.Lock()
							credits[e.ID]++
							mu.Unlock()
						}
					}
				}
				return nil
			})
			var fen int64
			require.NoError(t, db.QueryRow("SELECT fen FROM balance").Scan(&fen))
			require.EqualValues(t, 100*entries, fen)
			for id, n := range credits {
				require.Equal(t, 1, n, id)
			}
		})
	}
}

// consume credits an event in a transaction, and fails at will after all is done. An
// error (a deadlock, a busy database) is as good as a rollback: delivered again.
func consume(dialect sqlstore.Dialect, db *sql.DB, e journal.Event, fails bool) (done, credited bool) {
	tx, err := db.Begin()
	if err != nil {
		return false, false
	}
	defer func() { _ = tx.Rollback() }()
	fresh, err := dialect.Once(context.Background(), tx, "balances", e)
	if err == nil && fresh {
		_, err = tx.Exec(fmt.Sprintf("UPDATE balance SET fen = fen + %d", e.Settled.Minor()))
	}
	if err != nil || fails {
		return false, false
	}
	return tx.Commit() == nil, fresh
}

func TestOnceRefusesCopiesAndOlderVersions(t *testing.T) {
	t.Parallel()
	for dialect, connect := range consumers {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			db := connect(t)
			require.NoError(t, dialect.MigrateOnce(t.Context(), db))
			require.NoError(t, dialect.MigrateOnce(t.Context(), db), "again at the next start")
			tx, err := db.Begin()
			require.NoError(t, err)
			defer func() { _ = tx.Rollback() }()
			for _, x := range []struct {
				consumer string
				event    journal.Event
				fresh    bool
			}{
				{"a", succeeded("R1", 2), true},
				{"a", succeeded("R1", 2), false},
				{"a", succeeded("R1", 1), false},
				{"a", succeeded("R1", 4), true},
				{"a", succeeded("R1", 3), false},
				{"b", succeeded("R1", 1), true},
				{"a", succeeded("r1", 1), true},
				{"a", succeeded("R1 ", 1), true},
			} {
				fresh, err := dialect.Once(t.Context(), tx, x.consumer, x.event)
				require.NoError(t, err)
				require.Equal(t, x.fresh, fresh, "%s %q", x.consumer, x.event.ID)
			}
		})
	}
}

func TestOnceSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	db := raw(t, file(t))
	require.NoError(t, sqlstore.SQLite.MigrateOnce(t.Context(), db))
	tx, err := db.Begin()
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	for field, call := range map[string]func() error{
		"dialect": func() error { return sqlstore.Dialect("oracle").MigrateOnce(t.Context(), db) },
		"consumer": func() error {
			_, err := sqlstore.SQLite.Once(t.Context(), tx, "", succeeded("R1", 1))
			return err
		},
		"number": func() error {
			_, err := sqlstore.SQLite.Once(t.Context(), tx, "a", succeeded(strings.Repeat("x", 256), 1))
			return err
		},
		"version": func() error {
			_, err := sqlstore.SQLite.Once(t.Context(), tx, "a", succeeded("R1", 0))
			return err
		},
	} {
		var wrong *bankrail.FieldError
		require.ErrorAs(t, call(), &wrong)
		require.Equal(t, field, wrong.Field)
	}
}

// A journal's own database has the table, and a consumer's may become a journal's.
func TestOnceInTheJournalsDatabase(t *testing.T) {
	t.Parallel()
	path := file(t)
	db := raw(t, path)
	require.NoError(t, sqlstore.SQLite.MigrateOnce(t.Context(), db))
	open(t, path, sqlstore.Config{})
	tx, err := db.Begin()
	require.NoError(t, err)
	fresh, err := sqlstore.SQLite.Once(t.Context(), tx, "a", succeeded("R1", 1))
	require.NoError(t, err)
	require.True(t, fresh)
	require.NoError(t, tx.Commit())
}
