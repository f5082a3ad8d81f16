package wire_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/broker"
	"github.com/bankrail/bankrail/internal/faultproxy"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/redisstore"
	"github.com/bankrail/bankrail/store/sqlstore"
)

func server(t *testing.T, variable string) string {
	t.Helper()
	dsn := os.Getenv(variable)
	if dsn == "" {
		t.Skip("set " + variable + " to a DSN to run this test")
	}
	return dsn
}

func proxy(t *testing.T, to string) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.Start(to)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// badFor is how long a wire is bad.
func badFor(t *testing.T) time.Duration {
	t.Helper()
	s := os.Getenv("BANKRAIL_TEST_WIRE")
	if s == "" {
		return 5 * time.Second
	}
	d, err := time.ParseDuration(s)
	require.NoError(t, err, "BANKRAIL_TEST_WIRE is a duration")
	return d
}

// spoil makes a wire bad in one way after the other, until it is time, and heals it.
func spoil(t *testing.T, p *faultproxy.Proxy) {
	t.Helper()
	const ms = time.Millisecond
	faults := []struct {
		strike func(i int)
		lasts  time.Duration
	}{
		{func(i int) { p.CutAfter(faultproxy.Down, int64(i*37%400)) }, 150 * ms},
		{func(int) { p.Freeze() }, 400 * ms},
		{func(i int) { p.CutAfter(faultproxy.Up, int64(i*101%2000)) }, 150 * ms},
		{func(int) { p.Delay(15 * ms) }, 400 * ms},
		{func(int) { p.Cut() }, 100 * ms},
		{func(int) { p.Freeze(faultproxy.Down) }, 300 * ms},
		{func(int) { p.CutAfter(faultproxy.Down, 0) }, 150 * ms},
	}
	end := time.After(badFor(t))
	strikes := 0
	for {
		f := faults[strikes%len(faults)]
		lasts := f.lasts
		if strikes%9 == 8 { // longer than whatever waits for an answer
			lasts = 3 * time.Second
		}
		f.strike(strikes)
		select {
		case <-end:
			p.Heal()
			t.Logf("%d faults; %d bytes up, %d down", strikes, p.Carried(faultproxy.Up), p.Carried(faultproxy.Down))
			return
		case <-time.After(lasts):
		}
		p.Heal()
		strikes++
		<-time.After(200 * ms)
	}
}

// run refunds over a bad wire, heals it, and lets everything settle.
func run(t *testing.T, h *host, store journal.Store, p *faultproxy.Proxy, events journal.Publisher) {
	t.Helper()
	stop := h.work(t.Context(), events)
	defer stop()
	healed := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.refund(t.Context(), healed)
	}()
	spoil(t, p)
	close(healed)
	<-done
	h.settle(t, store)
	<-time.After(bankDelay) // what the bank holds back arrives by then
}

// inbox reads the durable notices past the store.
func inbox(t *testing.T, db *sql.DB) map[string]bool {
	t.Helper()
	rows, err := db.Query("SELECT notice FROM bankrail_notices")
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	found := map[string]bool{}
	for rows.Next() {
		var id string
		require.NoError(t, rows.Scan(&id))
		found[id] = true
	}
	require.NoError(t, rows.Err())
	return found
}

func raw(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	_, err := db.Exec(statement)
	require.NoError(t, err)
}

var quick = sqlstore.Config{BusyTimeout: 2 * time.Second, Conns: 8}

func name(what string) string { return fmt.Sprintf("bankrail_wire_%s_%d", what, os.Getpid()) }

func TestPostgres(t *testing.T) {
	t.Parallel()
	direct, err := url.Parse(server(t, "BANKRAIL_TEST_POSTGRES"))
	require.NoError(t, err)
	schema := name("pg")
	db := raw(t, "pgx", direct.String())
	exec(t, db, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { exec(t, raw(t, "pgx", direct.String()), "DROP SCHEMA "+schema+" CASCADE") })
	q := direct.Query()
	q.Set("search_path", schema)
	direct.RawQuery = q.Encode()

	p := proxy(t, direct.Host)
	through := *direct
	through.Host = p.Addr()
	onServer(t, p, sqlstore.OpenPostgres, through.String(), direct.String(), "pgx")
}

func TestMySQL(t *testing.T) {
	t.Parallel()
	dsn := server(t, "BANKRAIL_TEST_MYSQL")
	m := regexp.MustCompile(`^(.*@tcp\()([^)]+)(\)/)([^?]*)(.*)$`).FindStringSubmatch(dsn)
	require.NotNil(t, m, "BANKRAIL_TEST_MYSQL: want user:password@tcp(host:port)/database")
	database := name("my")
	exec(t, raw(t, "mysql", dsn), "CREATE DATABASE "+database)
	t.Cleanup(func() { exec(t, raw(t, "mysql", dsn), "DROP DATABASE "+database) })
	p := proxy(t, m[2])
	onServer(t, p, sqlstore.OpenMySQL, m[1]+p.Addr()+m[3]+database+m[5], m[1]+m[2]+m[3]+database+m[5], "mysql")
}

// onServer keeps the journal behind a bad wire.
func onServer(t *testing.T, p *faultproxy.Proxy, open func(string, sqlstore.Config) (*sqlstore.DB, error), through, direct, driver string) {
	t.Helper()
	store, err := open(through, quick)
	require.NoError(t, err)
	h := newHost(t, store, nil)
	run(t, h, store, p, h)
	require.NoError(t, store.Close())

	judge, err := open(direct, quick)
	require.NoError(t, err)
	h.audit(t, judge, inbox(t, raw(t, driver, direct)))
	require.NoError(t, judge.Close())
}

// onFile keeps the journal in a file; what is behind the bad wire is beside it.
func onFile(t *testing.T) (*sqlstore.DB, *sql.DB) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "journal.db")
	store, err := sqlstore.OpenSQLite(file, quick)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store, raw(t, "sqlite", "file:"+file+"?mode=ro")
}

func TestRedis(t *testing.T) {
	t.Parallel()
	opt, err := redis.ParseURL(server(t, "BANKRAIL_TEST_REDIS"))
	require.NoError(t, err)
	p := proxy(t, opt.Addr)
	direct := redis.NewClient(opt)
	over := *opt
	over.Addr, over.ContextTimeoutEnabled = p.Addr(), true
	client := redis.NewClient(&over)
	prefix := name("redis") + ":"
	t.Cleanup(func() {
		keys, err := direct.Keys(context.Background(), prefix+"*").Result()
		require.NoError(t, err)
		if len(keys) > 0 {
			require.NoError(t, direct.Del(context.Background(), keys...).Err())
		}
		require.NoError(t, client.Close())
		require.NoError(t, direct.Close())
	})
	locks, err := redisstore.New(client, redisstore.Config{Prefix: prefix})
	require.NoError(t, err)
	store, db := onFile(t)
	h := newHost(t, store, locks)
	run(t, h, store, p, h)
	require.Positive(t, p.Carried(faultproxy.Down), "orders were locked")
	h.audit(t, store, inbox(t, db))
}

func TestNATS(t *testing.T) {
	t.Parallel()
	direct, err := url.Parse(server(t, "BANKRAIL_TEST_NATS"))
	require.NoError(t, err)
	p := proxy(t, direct.Host)
	good := jetStream(t, direct.String())
	stream := name("nats")
	s, err := good.CreateStream(t.Context(), jetstream.StreamConfig{Name: stream, Subjects: []string{stream + ".>"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, good.DeleteStream(context.Background(), stream)) })
	bad := jetStream(t, "nats://"+p.Addr(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	events, err := broker.NewNATS(t.Context(), bad, broker.NATSConfig{Prefix: stream, Timeout: time.Second})
	require.NoError(t, err)

	store, db := onFile(t)
	h := newHost(t, store, nil)
	run(t, h, store, p, events)
	info, err := s.Info(t.Context())
	require.NoError(t, err)
	for i := range info.State.LastSeq {
		m, err := s.GetMsg(t.Context(), i+1)
		require.NoError(t, err)
		e, err := broker.Decode(m.Data)
		require.NoError(t, err)
		h.events = append(h.events, published(e))
	}
	h.audit(t, store, inbox(t, db))
}

func jetStream(t *testing.T, url string, opts ...nats.Option) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(url, opts...)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return js
}
