// Command orders is a shop whose order row and refund can never disagree, because
// both change in one transaction, whoever is killed when.
//
//	go run ./examples/orders
//	go run ./examples/orders -kills 20
//	go run ./examples/orders -postgres 'postgres://shop@127.0.0.1/shop'
//
// shop.go is the host's own table and the two transactions that matter: refund marks
// an order and records its refund (CreateTx), follow sets the order with every change
// of the refund (OnChange). rail.go sets bankrail up, life.go is the process that is
// killed, bank.go plays the bank, audit.go compares the rows.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// The exit codes.
const (
	exitOK     = 0
	exitDiffer = 1 // rows disagree, or the run could not be made
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var code int
	if os.Getenv(lifeMark) != "" {
		code = live(ctx, os.Stdin, os.Stderr)
	} else {
		code = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	os.Exit(code)
}

const usage = `Usage: orders [flags]

Refunds every order of a shop through a hostile bank, in a process that is killed
again and again. After every kill, and at the end, each order row is compared with
its refund. The last line is

  audit: N orders, N refunds, 0 disagree

Exit codes: 0 they agree and nothing is open, 1 they do not or the run failed,
2 wrong flags.

Flags:
`

// run is main of the process that kills.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := plan{Run: rand.Text()[:8]}
	var postgres, mysql string
	fs := flag.NewFlagSet("orders", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { _, _ = io.WriteString(stderr, usage); fs.PrintDefaults() }
	fs.IntVar(&p.Orders, "n", 60, "how many orders, each refunded once")
	fs.IntVar(&p.kills, "kills", 5, "how often the process is killed")
	fs.Uint64Var(&p.Seed, "seed", 1, "of what the bank does and of when the process is killed")
	fs.DurationVar(&p.patience, "wait", 2*time.Minute, "how long the last life may take")
	fs.StringVar(&postgres, "postgres", "", "`DSN` of a PostgreSQL database, instead of SQLite in a temporary file")
	fs.StringVar(&mysql, "mysql", "", "`DSN` of a MySQL or MariaDB database")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case fs.NArg() > 0 || p.Orders < 1 || p.Orders > 10_000 || p.kills < 0 || p.patience <= 0 || postgres != "" && mysql != "":
		_, _ = fmt.Fprintln(stderr, "orders: want -n 1 to 10000, -kills 0 or more, a positive -wait, at most one database, and no arguments; see -h")
		return exitUsage
	}
	dir, err := os.MkdirTemp("", "bankrail-orders-")
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "orders:", err)
		return exitDiffer
	}
	defer func() { _ = os.RemoveAll(dir) }()
	switch {
	case postgres != "":
		p.Database = database{Kind: "postgres", DSN: postgres}
	case mysql != "":
		p.Database = database{Kind: "mysql", DSN: mysql}
	default:
		p.Database = database{Kind: "sqlite", DSN: filepath.Join(dir, "shop.db")}
	}
	agree, err := p.run(ctx, stdout, stderr)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "orders:", err)
	}
	if err != nil || !agree {
		return exitDiffer
	}
	return exitOK
}
