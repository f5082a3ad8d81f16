package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/bankrail/bankrail/sign"
)

// explainFlags are the command line of "bankrail explain".
type explainFlags struct {
	form, json, raw  string
	headers          headerFlags
	method, target   string
	signature        string
	key, own         string
	secretEnv, sm2ID string
	profile          string
	listProfiles     bool
}

// headerFlags collects -header "Name: value".
type headerFlags []sign.Field

func (h *headerFlags) String() string { return "" }

func (h *headerFlags) Set(s string) error {
	name, value, ok := strings.Cut(s, ":")
	if !ok || strings.TrimSpace(name) == "" {
		return errors.New("is not Name: value")
	}
	*h = append(*h, sign.Field{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	return nil
}

func readExplainFlags(args []string, stderr io.Writer) (explainFlags, error) {
	var f explainFlags
	fs := flag.NewFlagSet("bankrail explain", flag.ContinueOnError)
	fs.StringVar(&f.form, "form", "", "`file` with the body as received, a URL-encoded form; - is the standard input")
	fs.StringVar(&f.json, "json", "", "`file` with the body as received, JSON")
	fs.StringVar(&f.raw, "raw", "", "`file` with the body as received, signed as bytes or between lines of headers")
	fs.Var(&f.headers, "header", "a received header, as `\"Name: value\"`; may be given several times")
	fs.StringVar(&f.method, "method", "", "of a request")
	fs.StringVar(&f.target, "target", "", "path and raw query of a request")
	fs.StringVar(&f.signature, "sign", "", "the `signature`, or @file to read it from (default: from the body or the headers)")
	fs.StringVar(&f.key, "key", "", "`file` with the other side's public key or certificate")
	fs.StringVar(&f.own, "own", "", "`file` with your own public key, to see whether the key is the wrong side's")
	fs.StringVar(&f.secretEnv, "secret-env", "", "environment `variable` with the shared secret")
	fs.StringVar(&f.sm2ID, "sm2-id", "", "SM2 `id` you believe in")
	fs.StringVar(&f.profile, "profile", "", "`name` of the dialect you believe in; see -profiles")
	fs.BoolVar(&f.listProfiles, "profiles", false, "list the profiles and where each was read")
	if err := parseFlags(fs, args, stderr); err != nil {
		return f, err
	}
	bodies := 0
	for _, name := range []string{f.form, f.json, f.raw} {
		if name != "" {
			bodies++
		}
	}
	problem := ""
	switch {
	case f.listProfiles:
	case bodies != 1:
		problem = "give one of -form, -json and -raw"
	case f.key == "" && f.secretEnv == "":
		problem = "give -key or -secret-env"
	}
	return f, complain(fs, stderr, problem)
}

// explainCommand prints what was signed. Exit codes: 0 something verifies and is
// named, 1 nothing does, 2 wrong usage or an unreadable file.
func explainCommand(_ context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := readExplainFlags(args, stderr)
	if err != nil {
		return err
	}
	if f.listProfiles {
		return listProfiles(stdout)
	}
	e, err := f.explain()
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "bankrail explain:", err)
		return errUsage
	}
	if _, err := fmt.Fprint(stdout, e); err != nil {
		return err
	}
	if !e.Found {
		return errors.New("nothing verifies")
	}
	return nil
}

func listProfiles(w io.Writer) error {
	for _, p := range sign.Profiles() {
		if _, err := fmt.Fprintf(w, "%-24s %s\n", p.Name, p.Source); err != nil {
			return err
		}
	}
	return nil
}

func (f *explainFlags) explain() (*sign.Explanation, error) {
	r := sign.Received{Headers: f.headers, Method: f.method, Target: f.target}
	name := f.raw
	switch {
	case f.form != "":
		name, r.Format = f.form, sign.BodyURLForm
	case f.json != "":
		name, r.Format = f.json, sign.BodyJSON
	}
	var (
		cfg sign.ExplainConfig
		err error
	)
	if r.Body, err = readText(name); err != nil {
		return nil, err
	}
	if r.Signature, err = readSignature(f.signature); err != nil {
		return nil, err
	}
	if cfg.Key, err = readPublic(f.key); err != nil {
		return nil, err
	}
	if cfg.OwnKey, err = readPublic(f.own); err != nil {
		return nil, err
	}
	if f.secretEnv != "" {
		if cfg.Secret, err = readSecret(f.secretEnv); err != nil {
			return nil, err
		}
	}
	if f.profile != "" {
		p, err := sign.ProfileByName(f.profile)
		if err != nil {
			return nil, err
		}
		cfg.Profile = &p
	}
	cfg.SM2ID = f.sm2ID
	return sign.Explain(r, cfg)
}

func readPublic(file string) (*sign.PublicKey, error) {
	if file == "" {
		return nil, nil
	}
	return sign.LoadPublicKey(sign.LoadConfig{File: file})
}
