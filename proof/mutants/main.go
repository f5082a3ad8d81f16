// Command mutants puts known mistakes into the real source, one at a time, and sees
// whether the proofs find them.
//
//	go run ./proof/mutants
//
// A mistake is an edit of a file, applied by go's -overlay: the source on disk is not
// touched, and production code holds no switches. Each must be caught by the worlds of
// internal/sim or by the histories of storetest, within 1,000 of them; and the source
// as it is must pass as many.
//
// list.go holds the mistakes, edit.go how they are applied, hunt.go the chase.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

// The exit codes.
const (
	exitOK          = 0
	exitEscaped     = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `Usage: mutants [flags]

Builds the tests with one mistake at a time and runs them until they find it. The
last line is

  caught N of N

Exit codes: 0 all were caught and the unchanged source passed, 1 otherwise, 2 wrong
flags, 130 interrupted.

Flags:
`

// run is main without the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	h := hunt{out: stdout}
	only := "."
	fs := flag.NewFlagSet("mutants", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() { _, _ = io.WriteString(stderr, usage); fs.PrintDefaults() }
	fs.IntVar(&h.worlds, "worlds", 1000, "within how many worlds, or histories, a mistake must be found")
	fs.IntVar(&h.parallel, "parallel", 2, "how many mistakes at a time")
	fs.StringVar(&only, "run", only, "only mistakes whose name matches this regular `expression`")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	match, err := regexp.Compile(only)
	if err != nil || fs.NArg() > 0 || h.worlds < 1 || h.parallel < 1 {
		_, _ = fmt.Fprintln(stderr, "mutants: want -worlds and -parallel from 1, an expression, and no arguments; see -h")
		return exitUsage
	}
	chosen := choose(mutants(), match)
	if len(chosen) == 0 {
		_, _ = fmt.Fprintf(stderr, "mutants: none is called %s\n", only)
		return exitUsage
	}
	caught, sound, err := h.all(ctx, chosen)
	switch {
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(stderr, "mutants: interrupted")
		return exitInterrupted
	case err != nil:
		_, _ = fmt.Fprintln(stderr, "mutants:", err)
		return exitEscaped
	}
	_, _ = fmt.Fprintf(stdout, "caught %d of %d\n", caught, len(chosen))
	if caught < len(chosen) || !sound {
		return exitEscaped
	}
	return exitOK
}

func choose(all []mutant, match *regexp.Regexp) []mutant {
	var chosen []mutant
	for _, m := range all {
		if match.MatchString(m.name) {
			chosen = append(chosen, m)
		}
	}
	return chosen
}
