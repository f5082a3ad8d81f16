// Command scaleout runs two processes of one shop on PostgreSQL, Redis and NATS
// through a hostile bank, kills one of them in the middle, cuts Redis and NATS off
// for a while, and then proves that nothing was paid twice and no event was lost.
//
//	go run ./examples/scaleout -postgres DSN -redis URL -nats URL
//
// node.go is a process of the shop the way a host is written, access.go its way to
// the servers and the bank, clerk.go what it asks for. Everything else is the stage:
// bank.go the bank, servers.go the servers and the wires before them, crew.go the
// processes, story.go what is done to them, hear.go what they say, consumer.go the
// service that takes the events, books.go and audit.go the comparison in the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// The exit codes.
const (
	exitOK          = 0
	exitDiffers     = 1 // the audit found something, or the run could not be made
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	if number, ok := asNode(os.Args[1:]); ok {
		os.Exit(beNode(number, os.Stdin, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// asNode reports whether this process is one that run has started.
func asNode(args []string) (number int, ok bool) {
	if len(args) != 2 || args[0] != "-node" {
		return 0, false
	}
	number, err := strconv.Atoi(args[1])
	return number, err == nil
}

const usage = `Usage: scaleout [flags]

Two processes share refunds through a bank that loses answers, answers late and
notifies twice, late and forged. At 40 % of them one process is killed with SIGKILL
and started again, at 55 % Redis is cut off, at 75 % NATS. A consumer takes every
event in its own transactions. Then the journal is compared with the bank's own
books. The last two lines are

  events: P published, D delivered, P consumed exactly once
  audit: journal equals bank, N refunds, 0 double, 0 open

or say what differs. It works in a schema and a stream of its own, which it takes
away again, and under keys of its own, which end by themselves within a minute.

Exit codes: 0 they are equal, 1 they differ or the run failed, 2 wrong flags or a
server that cannot be reached, 130 interrupted.

Flags:
`

// options are the flags.
type options struct {
	postgres, redis, nats string
	refunds               int
	seed                  uint64
	faults                string
	cut                   time.Duration
}

var errUsage = errors.New("want -refunds 40 to 100000, -faults hostile or calm, -cut 100ms to 1m, and no arguments; see -h")

// parse reads the flags. The addresses default to the environment's.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("scaleout", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { _, _ = io.WriteString(stderr, usage); fs.PrintDefaults() }
	// The defaults are filled in later: -h must not print a password.
	fs.StringVar(&o.postgres, "postgres", "", "`DSN` of the database. Defaults to BANKRAIL_TEST_POSTGRES, or "+usualPostgres)
	fs.StringVar(&o.redis, "redis", "", "`URL` of Redis. Defaults to BANKRAIL_TEST_REDIS, or "+usualRedis)
	fs.StringVar(&o.nats, "nats", "", "`URL` of NATS with JetStream. Defaults to BANKRAIL_TEST_NATS, or "+usualNATS)
	fs.IntVar(&o.refunds, "refunds", 5000, "how many refunds the shop wants")
	fs.Uint64Var(&o.seed, "seed", 1, "of what the shop wants and of what the bank does")
	fs.StringVar(&o.faults, "faults", "hostile", "what the bank is like: hostile or calm")
	fs.DurationVar(&o.cut, "cut", 10*time.Second, "for how long Redis, and then NATS, is cut off")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 || o.refunds < 40 || o.refunds > 100_000 || o.faults != "hostile" && o.faults != "calm" ||
		o.cut < 100*time.Millisecond || o.cut > time.Minute {
		_, _ = fmt.Fprintln(stderr, "scaleout:", errUsage)
		return o, errUsage
	}
	o.postgres = or(o.postgres, "BANKRAIL_TEST_POSTGRES", usualPostgres)
	o.redis = or(o.redis, "BANKRAIL_TEST_REDIS", usualRedis)
	o.nats = or(o.nats, "BANKRAIL_TEST_NATS", usualNATS)
	return o, nil
}

// or is what was given, or else what the environment says, or else the usual.
func or(given, variable, usual string) string {
	if given != "" {
		return given
	}
	if v := os.Getenv(variable); v != "" {
		return v
	}
	return usual
}

// run is main without the process. Its last line on stdout is the audit's.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	code, err := o.play(ctx, stdout, stderr)
	switch {
	case errors.Is(err, errUnreachable):
		_, _ = fmt.Fprintln(stderr, "scaleout:", err)
		return exitUsage
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(stderr, "scaleout: interrupted")
		return exitInterrupted
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "scaleout:", err)
		return exitDiffers
	}
	return code
}
