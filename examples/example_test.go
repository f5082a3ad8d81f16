package examples_test

import (
	"context"
	"database/sql"
	"log"
	"net/http"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/bankrail/bankrail/broker"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/store/redisstore"
	"github.com/bankrail/bankrail/store/sqlstore"
	"github.com/bankrail/bankrail/worker"
)

// host is what the README's host has of its own.
type host struct {
	shop      refund.Orders
	mayRefund func(context.Context, refund.Request) error
	page      func(context.Context, journal.Alarm)
	bus       journal.Publisher
	mux       *http.ServeMux
	bank      *lanhai.Gateway
}

// How a host puts the packages together.
func Example() {
	_ = func(ctx context.Context, db *sqlstore.DB, host host) {
		page, shop, mayRefund, mux, bus, bank := host.page, host.shop, host.mayRefund, host.mux, host.bus, host.bank
		book := journal.New(db, journal.Config{Alarm: page})
		refunds := refund.New(book, bank, refund.Config{Orders: shop, Authorize: mayRefund})
		mux.Handle("POST /notify/lanhai", notify.Handler(book, bank, notify.Config{}))
		go worker.Run(ctx, book, worker.Config{Publisher: bus}, refunds)
	}
}

// Redis before the bank: the order lock and the rate that all processes share.
func Example_redis() {
	_ = func(opt *redis.Options, db *sqlstore.DB, cfg lanhai.Config) (*journal.Book, *lanhai.Gateway, error) {
		opt.ContextTimeoutEnabled = true // New insists: without it no call has an end
		rs, err := redisstore.New(redis.NewClient(opt), redisstore.Config{})
		if err != nil {
			return nil, nil, err
		}
		book := journal.New(db, journal.Config{Locker: rs})
		rate, err := rs.Bucket("lanhai M1001", redisstore.BucketConfig{Rate: redisstore.Rate{Calls: 50, Burst: 10}})
		if err != nil {
			return nil, nil, err
		}
		cfg.Limiter, cfg.Breaker = rate, client.Breaker{Failures: 5, OpenFor: 30 * time.Second}
		bank, err := lanhai.New(cfg)
		return book, bank, err
	}
}

// The keys of the host's own API, in the journal's database.
func Example_keys() {
	_ = func(db *sqlstore.DB, mux *http.ServeMux, customer func(*http.Request) string, valid func(*http.Request) error, refunds http.Handler) {
		keys := idempotency.Middleware(db.Keys(), idempotency.Config{Tenant: customer, Check: valid})
		mux.Handle("POST /refunds", keys(refunds))
	}
}

// What trims the bodies that are kept.
func Example_trim() {
	_ = func(ctx context.Context, db *sqlstore.DB, now time.Time) error {
		if _, err := db.TrimExchanges(ctx, now.AddDate(0, -6, 0)); err != nil {
			return err
		}
		for {
			n, err := db.Keys().Trim(ctx, now.AddDate(0, 0, -90), 1000)
			if err != nil || n < 1000 {
				return err
			}
		}
	}
}

// What a host's own pool needs on each database.
func Example_pools() {
	_ = func(path, postgresDSN, mysqlDSN string) error {
		shop, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_busy_timeout=10000&_synchronous=FULL&_journal_mode=WAL")
		_, _ = shop, err
		pool, err := sql.Open("pgx", postgresDSN)
		if err != nil {
			return err
		}
		db, err := sqlstore.FromPostgres(pool, sqlstore.Config{})
		_, _ = db, err
		pool, err = sql.Open("mysql", mysqlDSN) // …?clientFoundRows=true&interpolateParams=true&loc=UTC
		if err != nil {
			return err
		}
		db, err = sqlstore.FromMySQL(pool, sqlstore.Config{})
		_, _ = db, err
		return err
	}
}

// follow is Config.OnChange: the order changes in the transaction that changes its refund.
func follow(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
	_, err := tx.ExecContext(ctx, `UPDATE orders SET refund = ? WHERE number = ?`, c.Entry.Status.String(), c.Entry.Order)
	return err
}

// refundOrder marks an order and records its refund: both or neither.
func refundOrder(ctx context.Context, shop *sql.DB, db *sqlstore.DB, refunds *refund.Service, r refund.Request) error {
	tx, err := shop.BeginTx(ctx, nil) // on a server: &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, `UPDATE orders SET clerk = ? WHERE number = ?`, r.Operator, r.Order); err != nil {
		return err
	}
	if _, err := refunds.CreateTx(ctx, db.In(tx), r); err != nil {
		return err // nothing was recorded
	}
	return tx.Commit() // the worker sends it
}

// The host's own transaction; sqlstore's example of DB.In runs it.
func Example_ownTransaction() {
	_, _ = sqlstore.Config{OnChange: follow}, refundOrder
}

// take credits once for each event. Its table is made by PostgreSQL.MigrateOnce.
func take(ctx context.Context, db *sql.DB, payload []byte) error {
	e, err := broker.Decode(payload)
	if err != nil {
		return err // not acknowledged: a person has to look
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	fresh, err := sqlstore.PostgreSQL.Once(ctx, tx, "balances", e)
	if err != nil {
		return err
	}
	if fresh {
		if err := credit(ctx, tx, e); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func credit(ctx context.Context, tx *sql.Tx, e journal.Event) error {
	_, err := tx.ExecContext(ctx, `UPDATE balances SET minor = minor + $1`, e.Settled.Minor())
	return err
}

// A consumer of NATS. It is acknowledged when its transaction is committed.
func Example_consumer() {
	_ = func(ctx context.Context, js jetstream.JetStream, db *sql.DB) (jetstream.ConsumeContext, error) {
		c, err := js.CreateOrUpdateConsumer(ctx, "BANKRAIL", jetstream.ConsumerConfig{
			Durable: "balances", FilterSubject: "bankrail.*.*.succeeded", AckPolicy: jetstream.AckExplicitPolicy,
			MaxAckPending: 1, // one at a time: the order of redeliveries too
		})
		if err != nil {
			return nil, err
		}
		run, err := c.Consume(func(m jetstream.Msg) {
			if err := take(ctx, db, m.Data()); err != nil {
				log.Print(err)
				_ = m.NakWithDelay(5 * time.Second)
				return
			}
			_ = m.Ack() // a lost one brings the event again, and Once refuses it
		})
		return run, err
	}
}
