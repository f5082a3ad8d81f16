package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// database says where the shop's tables are; bankrail's are beside them.
type database struct{ Kind, DSN string }

// shop is the host: its own table, over its own connections.
type shop struct {
	database
	db *sql.DB
}

var _ refund.Orders = (*shop)(nil)

// The states of an order row.
const (
	paid      = "paid"
	refunding = "refunding"
	refunded  = "refunded"
)

// openShop opens the host's own pool.
func openShop(d database) (*shop, error) {
	driver, dsn := d.Kind, d.DSN
	switch d.Kind {
	case "sqlite":
		// As durable as bankrail's own connections, and waiting for its turn to write.
		dsn = "file:" + dsn + "?_txlock=immediate&_busy_timeout=10000&_synchronous=FULL&_journal_mode=WAL"
	case "postgres":
		driver = "pgx"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	return &shop{database: d, db: db}, nil
}

// sql writes a statement in the database's own words.
func (s *shop) sql(query string) string {
	for i := 1; s.Kind == "postgres" && strings.Contains(query, "?"); i++ {
		query = strings.Replace(query, "?", fmt.Sprintf("$%d", i), 1)
	}
	return query
}

// fill makes the order table anew: every order is paid. The numbers begin with the
// run, because a journal keeps those of earlier runs.
func (s *shop) fill(ctx context.Context, run string, n int) error {
	for _, statement := range []string{
		`DROP TABLE IF EXISTS shop_orders`,
		`CREATE TABLE shop_orders (number VARCHAR(64) PRIMARY KEY, trade VARCHAR(64) NOT NULL, paid BIGINT NOT NULL,
			status VARCHAR(16) NOT NULL, refund VARCHAR(64) NOT NULL)`,
	} {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	for i := range n {
		_, err := s.db.ExecContext(ctx, s.sql(`INSERT INTO shop_orders VALUES (?, ?, ?, ?, '')`),
			orderNumber(run, i), tradeNumber(i), fen(i), paid)
		if err != nil {
			return err
		}
	}
	return nil
}

func orderNumber(run string, i int) string { return fmt.Sprintf("O%s-%05d", run, i) }
func tradeNumber(i int) string             { return fmt.Sprintf("T%05d", i) }
func fen(i int) int64                      { return int64(1_000 + 37*i) }

// Order tells bankrail what was paid.
func (s *shop) Order(ctx context.Context, number string) (refund.Order, error) {
	o := refund.Order{Number: number, Status: refund.OrderPaid}
	var amount int64
	err := s.db.QueryRowContext(ctx, s.sql(`SELECT trade, paid FROM shop_orders WHERE number = ?`), number).Scan(&o.Trade, &amount)
	if errors.Is(err, sql.ErrNoRows) {
		return o, bankrail.ErrNotFound
	}
	o.Paid = bankrail.CNY(amount)
	return o, err
}

// next finds an order that is still to be refunded; empty where there is none.
func (s *shop) next(ctx context.Context) (number string, amount int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT number, paid FROM shop_orders WHERE refund = '' ORDER BY number LIMIT 1`).Scan(&number, &amount)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, nil
	}
	return number, amount, err
}

// refund marks an order and records its refund: both or neither.
func (s *shop) refund(ctx context.Context, r *rail, order string, amount int64) error {
	request := refund.Request{Number: "R-" + order, Order: order, Amount: bankrail.CNY(amount), Reason: "sold out", Operator: "clerk"}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: s.isolation()})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, s.sql(`UPDATE shop_orders SET status = ?, refund = ? WHERE number = ?`), refunding, request.Number, order); err != nil {
		return err
	}
	if _, err := r.refunds.CreateTx(ctx, r.db.In(tx), request); err != nil {
		return err
	}
	return tx.Commit()
}

// isolation is what bankrail asks of a host's transaction on a server.
func (s *shop) isolation() sql.IsolationLevel {
	if s.Kind == "sqlite" {
		return sql.LevelDefault
	}
	return sql.LevelReadCommitted
}

// follow is Config.OnChange: the order becomes what its refund becomes, in the
// transaction of that change.
func (s *shop) follow(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
	_, err := tx.ExecContext(ctx, s.sql(`UPDATE shop_orders SET status = ? WHERE number = ?`), statusOf(c.Entry.Status), c.Entry.Order)
	return err
}

// statusOf is the state of an order whose refund is in this state.
func statusOf(refund bankrail.Status) string {
	switch refund {
	case bankrail.Succeeded:
		return refunded
	case bankrail.Failed, bankrail.Reversed:
		return paid
	}
	return refunding
}
