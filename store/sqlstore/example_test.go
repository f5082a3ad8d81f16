package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	refunding "github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// follow is Config.OnChange: the order changes in the transaction that changes its refund.
func follow(ctx context.Context, tx sqlstore.Tx, c journal.Change) error {
	_, err := tx.ExecContext(ctx, `UPDATE orders SET refund = ? WHERE number = ?`, c.Entry.Status.String(), c.Entry.Order)
	return err
}

// refundOrder marks an order and records its refund: both or neither.
func refundOrder(ctx context.Context, shop *sql.DB, db *sqlstore.DB, refunds *refunding.Service, r refunding.Request) error {
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

// A shop keeps its orders beside the journal, in the same file. Its row and the refund
// are recorded together and change together.
func ExampleDB_In() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "bankrail-example-")
	check(err)
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "shop.db")

	// As durable as bankrail's own connections, and waiting for its turn to write.
	shop, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_busy_timeout=10000&_synchronous=FULL&_journal_mode=WAL")
	check(err)
	defer func() { _ = shop.Close() }()
	_, err = shop.Exec(`CREATE TABLE orders (number TEXT PRIMARY KEY, clerk TEXT, refund TEXT)`)
	check(err)
	_, err = shop.Exec(`INSERT INTO orders VALUES ('O77', '', '')`)
	check(err)

	db, err := sqlstore.OpenSQLite(path, sqlstore.Config{OnChange: follow})
	check(err)
	defer func() { _ = db.Close() }()
	book := journal.New(db, journal.Config{Logger: slog.New(slog.DiscardHandler)})
	refunds := refunding.New(book, prompt{}, refunding.Config{Orders: prompt{}})

	check(refundOrder(ctx, shop, db, refunds, refunding.Request{Number: "R1001", Order: "O77", Amount: bankrail.CNY(1234), Operator: "li.wei"}))
	fmt.Println(row(shop))
	_, err = book.Work(ctx, refunds, 10, 1) // worker.Run calls it
	check(err)
	fmt.Println(row(shop))
	// Output:
	// O77 li.wei created
	// O77 li.wei succeeded
}

// A consumer with a database of its own credits once, however often the event comes.
func ExampleDialect_Once() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	check(err)
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // every connection of :memory: is a database of its own
	check(sqlstore.SQLite.MigrateOnce(ctx, db))

	event := journal.Event{
		ID: "lanhai-sandbox/M1001/refund/R1001#2", Version: 2,
		Entry: bankrail.ID{Channel: bankrail.Channel{Gateway: "lanhai-sandbox", Merchant: "M1001"}, Op: bankrail.OpRefund, Number: "R1001"},
	}
	for range 2 {
		tx, err := db.BeginTx(ctx, nil)
		check(err)
		fresh, err := sqlstore.SQLite.Once(ctx, tx, "balances", event)
		check(err)
		fmt.Println("credit:", fresh) // if fresh, in tx
		check(tx.Commit())
	}
	// Output:
	// credit: true
	// credit: false
}

// A host that runs migrations itself sets Config.NoMigrate and takes the files.
func ExampleMigrations() {
	names, err := fs.Glob(sqlstore.Migrations(), "postgres/*.sql")
	check(err)
	for _, name := range names {
		fmt.Println(name)
	}
	// Output:
	// postgres/00001_journal.sql
	// postgres/00002_operations.sql
	// postgres/00003_once.sql
	// postgres/00004_keys.sql
}

// row is what the shop knows of its order.
func row(shop *sql.DB) string {
	var number, clerk, refund string
	check(shop.QueryRow(`SELECT number, clerk, refund FROM orders`).Scan(&number, &clerk, &refund))
	return number + " " + clerk + " " + refund
}

// prompt is a gateway that carries out every refund at once, and a shop whose orders
// are all paid.
type prompt struct{}

func (prompt) Channel() bankrail.Channel {
	return bankrail.Channel{Gateway: "bank-sandbox", Merchant: "M1001"}
}
func (prompt) Rules(bankrail.Op) journal.Rules     { return journal.Rules{} }
func (prompt) CheckRefund(refunding.Request) error { return nil }
func (prompt) Refund(_ context.Context, r refunding.Request) (bankrail.Receipt, error) {
	return bankrail.Receipt{Number: r.Number, Status: bankrail.Succeeded, Amount: r.Amount}, nil
}
func (p prompt) QueryRefund(ctx context.Context, r refunding.Request) (bankrail.Receipt, error) {
	return p.Refund(ctx, r)
}
func (prompt) Order(_ context.Context, number string) (refunding.Order, error) {
	return refunding.Order{Number: number, Status: refunding.OrderPaid, Paid: bankrail.CNY(9900)}, nil
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
