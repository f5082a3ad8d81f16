// Command refund is a shop that refunds its orders through a hostile bank, and then
// proves that nothing was paid twice.
//
//	go run ./examples/refund
//	go run ./examples/refund -db shop.db   # kill it, and start it again
//
// It is written the way a host is: shop.go is the host's own order table, rail.go
// sets bankrail up, load.go asks for refunds and believes their errors. bank.go
// plays the bank, intent.go makes up what the shop wants, audit.go compares the
// journal with the bank's books, tell.go shows what some refunds went through.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit codes.
const (
	exitOK          = 0
	exitDiffers     = 1 // the audit found something, or the run could not be made
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `Usage: refund [flags]

Refunds orders of a shop from 8 goroutines through a bank that loses answers,
answers late, denies what it has, notifies twice, late, forged and out of order,
and takes money back; then compares its journal with the bank's own books. The
last line is

  audit: journal equals bank, N refunds, 0 double, 0 open

where N counts the refund numbers in the journal, or says that they differ.

Exit codes: 0 they are equal, 1 they differ or the run failed, 2 wrong flags,
130 interrupted; with -db the next start goes on.

Flags:
`

// run is main without the process. Its last line on stdout is the audit's.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var p plan
	fs := flag.NewFlagSet("refund", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { _, _ = io.WriteString(stderr, usage); fs.PrintDefaults() }
	fs.IntVar(&p.N, "n", 200, "how many refunds the shop wants")
	fs.Uint64Var(&p.Seed, "seed", 1, "of what the shop wants and of what the bank does; the same seed repeats a run")
	fs.StringVar(&p.file, "db", "", "journal `file`; it and those beside it (.bank, .plan, .log) let a killed run go on,\none process at a time. Defaults to a temporary one")
	fs.DurationVar(&p.patience, "wait", defaultPatience, "how long to wait for open refunds before the audit")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case fs.NArg() > 0 || p.N < 1 || p.N > 100_000 || p.patience <= 0:
		_, _ = fmt.Fprintln(stderr, "refund: want -n 1 to 100000, a positive -wait, and no arguments; see -h")
		return exitUsage
	}
	fs.Visit(func(f *flag.Flag) { p.given = append(p.given, f.Name) })
	code, err := p.run(ctx, stdout, stderr)
	switch {
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintln(stderr, "refund:", err)
		return exitUsage
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(stderr, "refund: interrupted; with -db the next start goes on")
		return exitInterrupted
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "refund:", err)
		return exitDiffers
	}
	return code
}
