package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// parseFlags reads the flags of a command that takes no other arguments.
func parseFlags(fs *flag.FlagSet, args []string, stderr io.Writer) error {
	fs.SetOutput(stderr)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if fs.NArg() > 0 {
		return complain(fs, stderr, fmt.Sprintf("unexpected argument %q", fs.Arg(0)))
	}
	return nil
}

// complain says what is wrong with a command line, if anything is.
func complain(fs *flag.FlagSet, stderr io.Writer, problem string) error {
	if problem == "" {
		return nil
	}
	_, _ = fmt.Fprintln(stderr, fs.Name()+":", problem)
	return errUsage
}
