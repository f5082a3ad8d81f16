// Command bankrail is the command line of bankrail.
//
//	bankrail sandbox    a hostile bank to test against
//	bankrail keygen     an RSA or SM2 key pair in PEM files
//	bankrail sign       the signature of a text
//	bankrail verify     whether a signature is one of a text
//	bankrail explain    why a signature does not verify
//	bankrail journal    look into a journal, settle what waits for a person, stop
//
// Each command has -h. Exit codes: 0 done, 1 failed, 2 wrong usage. Verify and explain
// exit with 1 only for a signature that does not verify; whatever keeps them from
// checking it is 2. Journal adds 3 for what the journal refused, with nothing changed,
// and 4 for an entry that is not there. No command prints a key or a secret.
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

// A command runs with its own arguments until it is done or ctx ends.
type command struct {
	name  string
	about string
	run   func(ctx context.Context, args []string, stdout, stderr io.Writer) error
}

func commands() []command {
	return []command{
		{"sandbox", "a hostile bank to test against", sandboxCommand},
		{"keygen", "an RSA or SM2 key pair in PEM files", keygenCommand},
		{"sign", "the signature of a text", signCommand},
		{"verify", "whether a signature is one of a text", verifyCommand},
		{"explain", "why a signature does not verify", explainCommand},
		{"journal", "look into a journal, settle what waits for a person, stop", journalCommand},
	}
}

// errUsage means that the message about it is out already.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run picks the command and turns its error into an exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return 2
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(stdout)
		return 0
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return exitCode(c.run(ctx, args[1:], stdout, stderr), c.name, stderr)
		}
	}
	_, _ = fmt.Fprintf(stderr, "bankrail: no command %q\n", args[0])
	usage(stderr)
	return 2
}

func exitCode(err error, name string, stderr io.Writer) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	_, _ = fmt.Fprintf(stderr, "bankrail %s: %v\n", name, err)
	var c codedError
	if errors.As(err, &c) {
		return c.code
	}
	return 1
}

func usage(w io.Writer) {
	_, _ = fmt.Fprint(w, "usage: bankrail <command> [flags]\n\n")
	for _, c := range commands() {
		_, _ = fmt.Fprintf(w, "  %-10s %s\n", c.name, c.about)
	}
	_, _ = fmt.Fprint(w, "\nbankrail <command> -h tells the flags\n")
}
