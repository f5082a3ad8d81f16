package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
	"github.com/bankrail/bankrail/store/storetest"
)

// engine is a server that tests run on.
type engine struct {
	name, variable string
	open           func(dsn string, cfg sqlstore.Config) (*sqlstore.DB, error)
	from           func(pool *sql.DB, cfg sqlstore.Config) (*sqlstore.DB, error)
	// driver opens a pool as a host would.
	driver string
	// in gives the DSN of a schema, create and drop make and remove it.
	in           func(t testing.TB, dsn, schema string) string
	create, drop string
	// volatile makes commits cheap, and deadlocks found soon.
	volatile func(dsn string) string
	// commit is what the wire carries of a COMMIT and of nothing else.
	commit string
	// tables counts the tables of the schema.
	tables string
}

var engines = []engine{{
	name: "postgres", variable: "BANKRAIL_TEST_POSTGRES", driver: "pgx",
	open: sqlstore.OpenPostgres, from: sqlstore.FromPostgres,
	in: func(t testing.TB, dsn, schema string) string {
		u, err := url.Parse(dsn)
		require.NoError(t, err, "want the DSN as a URL")
		q := u.Query()
		q.Set("search_path", schema)
		u.RawQuery = q.Encode()
		return u.String()
	},
	volatile: func(dsn string) string { return dsn + "&synchronous_commit=off&deadlock_timeout=20ms" },
	create:   "CREATE SCHEMA %s", drop: "DROP SCHEMA IF EXISTS %s CASCADE",
	commit: "commit\x00",
	tables: "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()",
}, {
	name: "mysql", variable: "BANKRAIL_TEST_MYSQL", driver: "mysql",
	open: sqlstore.OpenMySQL, from: sqlstore.FromMySQL,
	in: func(t testing.TB, dsn, schema string) string {
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		cfg.DBName = schema
		return cfg.FormatDSN()
	},
	volatile: func(dsn string) string { return dsn },
	create:   "CREATE DATABASE %s", drop: "DROP DATABASE IF EXISTS %s",
	commit: "\x03commit",
	tables: "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE()",
}}

// schemas numbers the schemas of this process.
var schemas atomic.Int64

// fresh makes an empty schema and gives its DSN.
func (e engine) fresh(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv(e.variable)
	if dsn == "" {
		t.Skipf("set %s to a DSN to run this test", e.variable)
	}
	schema := fmt.Sprintf("bankrail_t%d_%d", os.Getpid(), schemas.Add(1))
	admin, err := sql.Open(e.driver, dsn)
	require.NoError(t, err)
	_, err = admin.Exec(fmt.Sprintf(e.create, schema))
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := admin.Exec(fmt.Sprintf(e.drop, schema))
		require.NoError(t, err)
		require.NoError(t, admin.Close())
	})
	return e.in(t, dsn, schema)
}

// opened opens a database that is closed at the end of the test.
func (e engine) opened(t testing.TB, dsn string, cfg sqlstore.Config) *sqlstore.DB {
	t.Helper()
	if cfg.Conns == 0 {
		cfg.Conns = 8
	}
	db, err := e.open(dsn, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// pool opens what the host would have.
func (e engine) pool(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	pool, err := sql.Open(e.driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return pool
}

// onServers runs a test on every server there is a DSN of.
func onServers(t *testing.T, f func(t *testing.T, e engine)) {
	t.Parallel()
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			if os.Getenv(e.variable) == "" {
				t.Skipf("set %s to a DSN to run this test", e.variable)
			}
			f(t, e)
		})
	}
}

func TestStoreOnServers(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		stock := newStock(t, e)
		storetest.Run(t, func(t *testing.T, now func() time.Time) journal.Store {
			return stock.store(t, now)
		})
	})
}

// stock keeps schemas for reuse, because making one takes a server longer than most
// tests: a store is emptied and used again when its test is over.
type stock struct {
	e    engine
	free chan string
	t    *testing.T
}

func newStock(t *testing.T, e engine) *stock {
	const size = 4
	s := &stock{e: e, free: make(chan string, size), t: t}
	for range size {
		s.free <- ""
	}
	return s
}

// store waits for a schema and opens it empty.
func (s *stock) store(t *testing.T, now func() time.Time) journal.Store {
	dsn := <-s.free
	if dsn == "" {
		dsn = s.e.volatile(s.e.fresh(s.t))
	}
	db, err := s.e.open(dsn, sqlstore.Config{Now: now, Conns: 6, Logger: quiet})
	require.NoError(t, err)
	require.NoError(t, empty(s.e, sqlstore.Writer(db)))
	var back atomic.Bool
	release := func() {
		if back.CompareAndSwap(false, true) {
			_ = db.Close()
			s.free <- dsn
		}
	}
	t.Cleanup(release)
	return released{db, release}
}

// released gives its schema back when it is closed.
type released struct {
	*sqlstore.DB
	release func()
}

// Durable says that the suite shall spare it, as what is on a disk, whatever the DSN.
func (r released) Durable() bool { return true }

// Close gives the schema back.
func (r released) Close() error {
	r.release()
	return nil
}

// empty deletes every row of ours and lets rows count from one again.
func empty(e engine, pool *sql.DB) error {
	ctx := context.Background()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var list []string
	for _, name := range []string{
		"history", "events", "pending", "notices", "budgets", "anomalies", "exchanges", "limits", "entries",
	} {
		list = append(list, "bankrail_"+name)
	}
	if e.name == "postgres" {
		_, err = conn.ExecContext(ctx, "DELETE FROM "+strings.Join(list, "; DELETE FROM "))
		return err
	}
	for _, name := range list {
		if _, err := conn.ExecContext(ctx, "DELETE FROM "+name); err != nil {
			return err
		}
	}
	return nil
}

// A caller who gave up must not leave a statement behind that waits on the server, and
// keeps what it has locked.
func TestMySQLWaitsForLocksNoLongerThanItsCaller(t *testing.T) {
	t.Parallel()
	e := engines[1]
	dsn := e.fresh(t)
	for busy, want := range map[time.Duration]int{0: 5, time.Millisecond: 1, 6 * time.Second: 3} {
		var seconds int
		db := e.opened(t, dsn, sqlstore.Config{BusyTimeout: busy})
		require.NoError(t, sqlstore.Writer(db).QueryRow("SELECT @@innodb_lock_wait_timeout").Scan(&seconds))
		require.Equal(t, want, seconds)
	}
}
