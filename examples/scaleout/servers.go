package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/bankrail/bankrail/internal/faultproxy"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// Where the servers usually are.
const (
	usualPostgres = "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"
	usualRedis    = "redis://127.0.0.1:6379"
	usualNATS     = "nats://127.0.0.1:4222"
)

// errUnreachable: a server that the run needs does not answer. Its text never shows
// an address as it was given, which may hold a password.
var errUnreachable = errors.New("cannot be reached")

func unreachable(what, variable string, err error) error {
	why := strings.Join(strings.Fields(err.Error()), " ") // some drivers write several lines
	return fmt.Errorf("%s %w: %s (start one, or name it by its flag or %s)", what, errUnreachable, why, variable)
}

// servers are the run's own places on the three servers, and the wires that can be
// cut before two of them.
type servers struct {
	name  string // of the schema; with - for _ of the stream, the subjects and the keys
	dsn   string // of the schema
	plain *sql.DB
	pool  *sql.DB      // in the schema
	db    *sqlstore.DB // on pool: the parent only reads the journal

	redisWire, natsWire *faultproxy.Proxy
	redisURL, natsURL   string // through the wires
	direct              *nats.Conn
	stream              jetstream.Stream
}

// openServers makes a schema and a stream of the run's own.
func openServers(ctx context.Context, o options) (*servers, error) {
	s := &servers{name: "scaleout_" + strings.ToLower(rand.Text()[:10])}
	for _, step := range []func(context.Context, options) error{s.openPostgres, s.openRedis, s.openNATS} {
		bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := step(bounded, o)
		cancel()
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// prefix begins keys in Redis and subjects in NATS.
func (s *servers) prefix() string { return strings.ReplaceAll(s.name, "_", "-") }

func (s *servers) openPostgres(ctx context.Context, o options) error {
	const server, variable = "PostgreSQL", "BANKRAIL_TEST_POSTGRES"
	cfg, err := pgx.ParseConfig(o.postgres)
	if err != nil {
		return unreachable(server, variable, errors.New("the DSN cannot be read")) // the error repeats it
	}
	at := net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port))
	plain := stdlib.OpenDB(*cfg)
	if err := plain.PingContext(ctx); err != nil {
		return errors.Join(unreachable(server+" at "+at, variable, err), plain.Close())
	}
	if _, err := plain.ExecContext(ctx, "CREATE SCHEMA "+s.name); err != nil {
		return errors.Join(fmt.Errorf("a schema of its own: %w", err), plain.Close())
	}
	s.plain, s.dsn = plain, inSchema(o.postgres, s.name)
	if cfg, err = pgx.ParseConfig(s.dsn); err != nil {
		return unreachable(server, variable, errors.New("the DSN cannot be read"))
	}
	s.pool = stdlib.OpenDB(*cfg)
	s.pool.SetMaxOpenConns(12)
	s.pool.SetMaxIdleConns(12)
	if s.db, err = sqlstore.FromPostgres(s.pool, sqlstore.Config{}); err != nil {
		return err
	}
	return makeEffects(ctx, s.pool)
}

// inSchema is the DSN with another search_path.
func inSchema(dsn, schema string) string {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return dsn + " search_path=" + schema
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func (s *servers) openRedis(ctx context.Context, o options) error {
	const variable = "BANKRAIL_TEST_REDIS"
	opt, err := redis.ParseURL(o.redis)
	if err != nil {
		return unreachable("Redis", variable, errors.New("want redis://host:port"))
	}
	c := redis.NewClient(opt)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", opt.Addr) // the client would try often, and say so
	if err == nil {
		err = errors.Join(conn.Close(), c.Ping(ctx).Err())
	}
	if _ = c.Close(); err != nil {
		return unreachable("Redis at "+opt.Addr, variable, err)
	}
	s.redisWire, s.redisURL, err = wire(o.redis, opt.Addr)
	return err
}

func (s *servers) openNATS(ctx context.Context, o options) error {
	const variable = "BANKRAIL_TEST_NATS"
	u, err := url.Parse(o.nats)
	if err != nil || u.Hostname() == "" {
		return unreachable("NATS", variable, errors.New("want nats://host:port"))
	}
	at := net.JoinHostPort(u.Hostname(), orPort(u.Port(), "4222"))
	if s.direct, err = dialNATS(o.nats); err != nil {
		return unreachable("NATS at "+at, variable, err)
	}
	js, err := jetstream.New(s.direct)
	if err != nil {
		return err
	}
	s.stream, err = js.CreateStream(ctx, jetstream.StreamConfig{
		Name: s.name, Subjects: []string{s.prefix() + ".>"}, Storage: jetstream.FileStorage, Duplicates: 10 * time.Minute,
	})
	if err != nil {
		return unreachable("JetStream of NATS at "+at, variable, err)
	}
	s.natsWire, s.natsURL, err = wire(o.nats, at)
	return err
}

func orPort(given, usual string) string {
	if given == "" {
		return usual
	}
	return given
}

// dialNATS connects. The client comes back soon after a cut, and keeps nothing to
// send later: what is not out is not published.
func dialNATS(at string) (*nats.Conn, error) {
	return nats.Connect(at, nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond), nats.ReconnectBufSize(-1),
		nats.IgnoreDiscoveredServers(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
}

// wire puts a proxy before a server and returns the URL that leads through it.
func wire(given, server string) (*faultproxy.Proxy, string, error) {
	p, err := faultproxy.Start(server)
	if err != nil {
		return nil, "", err
	}
	u, err := url.Parse(given)
	if err != nil {
		return nil, "", errors.Join(errUnreachable, p.Close())
	}
	u.Host = p.Addr()
	return p, u.String(), nil
}

// Close takes away what openServers made, also where the run was interrupted.
func (s *servers) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs []error
	if s.stream != nil {
		js, err := jetstream.New(s.direct)
		if err == nil {
			err = js.DeleteStream(ctx, s.name)
		}
		errs = append(errs, err)
	}
	if s.direct != nil {
		s.direct.Close()
	}
	for _, p := range []*faultproxy.Proxy{s.redisWire, s.natsWire} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	if s.pool != nil {
		errs = append(errs, s.pool.Close())
	}
	if s.plain != nil {
		_, err := s.plain.ExecContext(ctx, "DROP SCHEMA "+s.name+" CASCADE")
		errs = append(errs, err, s.plain.Close())
	}
	return errors.Join(errs...)
}
