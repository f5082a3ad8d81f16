package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// office is where the journal's commands work.
type office struct {
	out, errs io.Writer
	getenv    func(string) string
	now       func() time.Time
}

// subcommand is one of "bankrail journal".
type subcommand struct {
	name, args, about string
	run               func(d office, ctx context.Context, args []string) error
}

func subcommands() []subcommand {
	return []subcommand{
		{"list", "", "entries, newest last", office.list},
		{"show", "<entry>", "one entry: history, exchanges, budget, anomalies", office.show},
		{"query", "<entry>", "ask the gateway about an open entry now", office.query},
		{"decide", "<entry>", "settle a manual entry by a person's word", office.decide},
		{"cancel", "<entry>", "end an entry that was not sent yet", office.cancel},
		{"stop", "", "stop or cap a gateway, a merchant or an operation; -lift ends it", office.stop},
		{"limits", "", "what is stopped or capped", office.limits},
		{"health", "", "how many are open, due, unpublished", office.health},
	}
}

// Exit codes of the journal's commands beside 0, 1 and 2.
const (
	exitRefused  = 3 // the journal refused it; nothing was changed
	exitNotFound = 4 // there is no such entry
)

// codedError is an error with its exit code.
type codedError struct {
	error
	code int
}

func (e codedError) Unwrap() error { return e.error }

// coded finds the exit code of what the journal said.
func coded(err error) error {
	switch {
	case err == nil, errors.Is(err, errUsage), errors.Is(err, flag.ErrHelp):
		return err
	case errors.Is(err, bankrail.ErrNotFound):
		return codedError{err, exitNotFound}
	case errors.Is(err, bankrail.ErrForbidden), errors.Is(err, journal.ErrLost), errors.Is(err, journal.ErrSent):
		return codedError{err, exitRefused}
	case errors.Is(err, bankrail.ErrInvalid):
		return codedError{err, 2}
	}
	return err
}

func journalCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	return office{stdout, stderr, os.Getenv, time.Now}.run(ctx, args)
}

func (d office) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		d.usage(d.errs)
		return errUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		d.usage(d.out)
		return nil
	}
	for _, s := range subcommands() {
		if s.name == args[0] {
			return coded(s.run(d, ctx, args[1:]))
		}
	}
	_, _ = fmt.Fprintf(d.errs, "bankrail journal: no command %q\n", args[0])
	d.usage(d.errs)
	return errUsage
}

func (d office) usage(w io.Writer) {
	_, _ = fmt.Fprint(w, "usage: bankrail journal <command> [entry] [flags]\n\n")
	for _, s := range subcommands() {
		_, _ = fmt.Fprintf(w, "  %-6s %-8s %s\n", s.name, s.args, s.about)
	}
	_, _ = fmt.Fprint(w, `
An entry is named gateway/merchant/operation/number, as list prints it. The database is
that of -db or of the environment variable BANKRAIL_DB: the path of an SQLite file,
postgres://user:password@host/database, or user:password@tcp(host:port)/database for
MySQL and MariaDB. Give a password in the variable: others see the arguments of a process.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the journal refused it and nothing was
changed, 4 no such entry. bankrail journal <command> -h tells the flags.
`)
}

// flags begins the flags of a command, with those that all share.
func (d office) flags(name string) (*flag.FlagSet, *shared) {
	fs := flag.NewFlagSet("bankrail journal "+name, flag.ContinueOnError)
	s := &shared{}
	fs.StringVar(&s.db, "db", "", "`database`: an SQLite file, postgres://… or user:password@tcp(…)/…\n(default: $BANKRAIL_DB)")
	fs.BoolVar(&s.json, "json", false, "print JSON, one object a line")
	return fs, s
}

// shared are the flags of every command.
type shared struct {
	db   string
	json bool
}

// parse reads the flags of a command that names no entry.
func (d office) parse(fs *flag.FlagSet, s *shared, args []string) error {
	if err := parseFlags(fs, args, d.errs); err != nil {
		return err
	}
	return d.database(fs, s)
}

// parseEntry reads the entry and the flags, in either order.
func (d office) parseEntry(fs *flag.FlagSet, s *shared, args []string) (bankrail.ID, error) {
	name := ""
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		name, args = args[0], args[1:]
	}
	fs.SetOutput(d.errs)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return bankrail.ID{}, err
		}
		return bankrail.ID{}, errUsage
	}
	rest := fs.Args()
	if name == "" && len(rest) > 0 {
		name, rest = rest[0], rest[1:]
	}
	if len(rest) > 0 {
		return bankrail.ID{}, complain(fs, d.errs, fmt.Sprintf("unexpected argument %q", rest[0]))
	}
	id, err := parseID(name)
	if err != nil {
		return bankrail.ID{}, complain(fs, d.errs, err.Error())
	}
	return id, d.database(fs, s)
}

// database falls back to the environment.
func (d office) database(fs *flag.FlagSet, s *shared) error {
	if s.db == "" {
		s.db = d.getenv("BANKRAIL_DB")
	}
	if s.db == "" {
		return complain(fs, d.errs, "give -db or set BANKRAIL_DB")
	}
	return nil
}
