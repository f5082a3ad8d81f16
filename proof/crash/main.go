// Command crash kills real processes that refund, and audits what is left.
//
//	go run ./proof/crash -kills 60 -seed 1
//
// Each world has a bank of its own (package sandbox, over loopback HTTP, hostile), a
// journal in a file, and a host in a process of its own. The host is killed with
// SIGKILL, at one of the points C1 to C17 or at a random moment, and started again
// over the same files until everything is settled; then the auditor compares the
// bank's books with the journal, with what the host was told, with the events it was
// given and with the notifications it acknowledged.
//
// host.go is the process that is killed, strike.go how, world.go the bank and the
// life of a world, audit.go the comparison.
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
	exitFound       = 1 // the audit found something, or the run could not be made
	exitUsage       = 2
	exitInterrupted = 130
)

// hostFile names, in the environment, the file that makes this process a host.
const hostFile = "BANKRAIL_CRASH_HOST"

func main() {
	if name := os.Getenv(hostFile); name != "" {
		os.Exit(beHost(name, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `Usage: crash [flags]

Kills processes that refund, starts them again over the same files, and audits. The
last line is

  kills N lost 0 double 0

where lost counts what the bank did and the journal does not know, what was
acknowledged and is not durable, events that were never published, and whatever else
must not be; and double what was executed twice.

Exit codes: 0 nothing was found, 1 something was, or a point was never reached,
2 wrong flags, 130 interrupted.

Flags:
`

// options are the flags.
type options struct {
	kills    int
	points   bool
	only     string
	seed     uint64
	parallel int
	numbers  int
	postgres string
}

// run is main without the process. Its last line on stdout is the audit's.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	fs := flag.NewFlagSet("crash", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { _, _ = io.WriteString(stderr, usage); fs.PrintDefaults() }
	fs.IntVar(&o.kills, "kills", 60, "how many kills at random moments")
	fs.BoolVar(&o.points, "points", true, "one kill at each of the points C1 to C17 besides")
	fs.StringVar(&o.only, "only", "", "one point, for example C7, instead of all")
	fs.Uint64Var(&o.seed, "seed", 1, "of what the hosts want, of what the banks do, and of when they are killed")
	fs.IntVar(&o.parallel, "parallel", 3, "how many worlds at a time; they mostly wait")
	fs.IntVar(&o.numbers, "numbers", 12, "how many refunds a world wants")
	fs.StringVar(&o.postgres, "postgres", "", "a `DSN`: the journals are in schemas of that database. Defaults to SQLite files")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case fs.NArg() > 0 || o.kills < 0 || o.parallel < 1 || o.numbers < 2 || o.numbers > 1000:
		_, _ = fmt.Fprintln(stderr, "crash: want -kills from 0, -parallel from 1, -numbers from 2 to 1000, and no arguments; see -h")
		return exitUsage
	}
	plans, err := o.plans()
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "crash:", err)
		return exitUsage
	}
	total := o.play(ctx, plans, stdout)
	if ctx.Err() != nil {
		_, _ = fmt.Fprintln(stderr, "crash: interrupted")
		return exitInterrupted
	}
	return total.report(stdout)
}
