package sqlstore_test

import (
	"context"
	"database/sql"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

func TestServersMigrateWhileOthersDo(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dsn := e.fresh(t)
		for _, err := range atOnce(4, func(int) error {
			db, err := e.open(dsn, sqlstore.Config{Conns: 2})
			if err == nil {
				err = db.Close()
			}
			return err
		}) {
			require.NoError(t, err)
		}
	})
}

func TestMigrationThatCrashedIsTakenUp(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dsn := e.fresh(t)
		crashed := 0
		for steps := 1; ; steps += 3 {
			died := make(chan bool, 1)
			go func() {
				finished := false
				defer func() { died <- !finished }()
				n := 0
				ctx := point.With(context.Background(), func(context.Context, point.Point, string) {
					if n++; n == steps {
						runtime.Goexit()
					}
				})
				pool, err := sql.Open(e.driver, dsn)
				if err == nil {
					defer func() { _ = pool.Close() }()
					err = sqlstore.Migrate(ctx, pool, e.name)
				}
				finished = true
				if err != nil {
					t.Error(err)
				}
			}()
			if !<-died {
				break
			}
			crashed++
		}
		require.Greater(t, crashed, 2)
		db := e.opened(t, dsn, sqlstore.Config{})
		require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
		require.NoError(t, db.SetLimit(t.Context(), journal.Limit{Channel: channel}))
	})
}

func TestMigrationTakesNobodysTable(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dsn := e.fresh(t)
		host := e.pool(t, dsn)
		_, err := host.Exec("CREATE TABLE bankrail_exchanges (x INT)") // stands in the way of the last table
		require.NoError(t, err)
		for range 2 { // the second try must not take it for its own
			_, err = e.open(dsn, sqlstore.Config{})
			require.ErrorContains(t, err, "migration 00001_journal.sql")
		}
		_, err = host.Exec("DROP TABLE bankrail_exchanges")
		require.NoError(t, err)
		db := e.opened(t, dsn, sqlstore.Config{})
		require.NoError(t, db.Record(t.Context(), bankrail.Exchange{Channel: channel, Number: "R1"}))
	})
}

func TestMigrationOfTheHosts(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dsn := e.fresh(t)
		host := e.pool(t, dsn)
		_, err := e.open(dsn, sqlstore.Config{NoMigrate: true})
		require.ErrorIs(t, err, sqlstore.ErrOlder)
		var tables int
		require.NoError(t, host.QueryRow(e.tables).Scan(&tables))
		require.Zero(t, tables, "nothing was made")

		e.opened(t, dsn, sqlstore.Config{})
		e.opened(t, dsn, sqlstore.Config{NoMigrate: true})
		_, err = host.Exec("DELETE FROM bankrail_goose_db_version WHERE version_id = 2")
		require.NoError(t, err)
		_, err = e.open(dsn, sqlstore.Config{NoMigrate: true})
		require.ErrorIs(t, err, sqlstore.ErrOlder)
		_, err = host.Exec("INSERT INTO bankrail_goose_db_version (version_id, is_applied) VALUES (2, TRUE), (99, TRUE)")
		require.NoError(t, err)
		_, err = e.open(dsn, sqlstore.Config{})
		require.ErrorIs(t, err, sqlstore.ErrNewer)
		_, err = host.Exec("DELETE FROM bankrail_goose_db_version WHERE version_id = 99")
		require.NoError(t, err)

		for _, down := range downs(t, e.name) {
			for _, statement := range strings.Split(down, ";\n") {
				if strings.TrimSpace(statement) != "" {
					_, err := host.Exec(statement)
					require.NoError(t, err, statement)
				}
			}
		}
		require.NoError(t, host.QueryRow(e.tables).Scan(&tables))
		require.Equal(t, 1, tables, "but for goose's books")
	})
}

func TestHostsPool(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dsn := e.fresh(t)
		if e.name == "mysql" {
			_, err := e.from(e.pool(t, dsn), sqlstore.Config{})
			require.ErrorIs(t, err, sqlstore.ErrSettings)
			require.ErrorContains(t, err, "clientFoundRows")
			_, err = e.from(e.pool(t, dsn+"?clientFoundRows=true&sql_mode=%27%27"), sqlstore.Config{})
			require.ErrorIs(t, err, sqlstore.ErrSettings)
			dsn += "?clientFoundRows=true"
		}
		pool := e.pool(t, dsn)
		db, err := e.from(pool, sqlstore.Config{})
		require.NoError(t, err)
		require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
		require.NoError(t, db.Close())
		require.NoError(t, pool.Ping(), "the pool is the host's")

		// In the host's transaction a refusal leaves the transaction usable.
		require.NoError(t, db.Apply(t.Context(), journal.Batch{Pending: []journal.Pending{pendingNews("R2")}}))
		tx, err := pool.Begin()
		require.NoError(t, err)
		in := db.In(tx)
		require.ErrorIs(t, in.Insert(t.Context(), refund("R1"), paid), journal.ErrExists)
		require.ErrorIs(t, in.Insert(t.Context(), refund("R2"), paid), journal.ErrEarly)
		require.ErrorIs(t, in.Insert(t.Context(), refund("R3"), journal.Hold{Limit: bankrail.CNY(150)}), bankrail.ErrBudget)
		require.NoError(t, in.Insert(t.Context(), refund("R4"), paid))
		_, err = db.Get(t.Context(), idOf("R4"))
		require.ErrorIs(t, err, bankrail.ErrNotFound, "nobody else sees it before the commit")
		require.NoError(t, tx.Commit())
		es, _, err := db.List(t.Context(), journal.ListQuery{})
		require.NoError(t, err)
		require.Len(t, es, 2)
	})
}

// TestOldSnapshotOfTheHost: a host's transaction that began before must not record
// past what it cannot see.
func TestOldSnapshotOfTheHost(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dsn := e.fresh(t)
		db := e.opened(t, dsn, sqlstore.Config{})
		tx, err := e.pool(t, dsn).BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		_, err = db.In(tx).Get(t.Context(), idOf("R1"))
		require.ErrorIs(t, err, bankrail.ErrNotFound)
		require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
		require.NoError(t, db.Apply(t.Context(), journal.Batch{Pending: []journal.Pending{pendingNews("R2")}}))
		for number, want := range map[string]error{"R1": journal.ErrExists, "R2": journal.ErrEarly} {
			err := db.In(tx).Insert(t.Context(), refund(number), paid)
			if e.name == "postgres" { // it cannot look past its snapshot
				want = bankrail.ErrInvalid
				require.ErrorIs(t, err, journal.ErrNotCommitted)
			}
			require.ErrorIs(t, err, want, number)
		}
	})
}

func TestTextThatNoServerTakes(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		db := e.opened(t, e.fresh(t), sqlstore.Config{})
		c := refund("R1")
		c.Entry.Message, c.Entry.Code, c.Note = "\xd3\xe0\xb6\xee", "A\x00B", "ok \xff"
		require.NoError(t, db.Insert(t.Context(), c, paid), "a message in another encoding must not stop a settlement")
		got, err := db.Get(t.Context(), idOf("R1"))
		require.NoError(t, err)
		require.Equal(t, "A\uFFFDB", got.Code)
		require.Contains(t, got.Message, "\uFFFD")
	})
}

func TestServersClock(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		db := e.opened(t, e.fresh(t), sqlstore.Config{})
		one, err := db.Now(t.Context())
		require.NoError(t, err)
		require.True(t, db.Durable())
		var ms int64
		ask := map[string]string{
			"postgres": "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
			"mysql":    "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) DIV 1000",
		}
		require.NoError(t, sqlstore.Reader(db).QueryRow(ask[e.name]).Scan(&ms))
		two, err := db.Now(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, one.UnixMilli(), ms+50)
		require.LessOrEqual(t, ms, two.UnixMilli()+50)
	})
}
