package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/bankrail/bankrail/sign"
)

// verifyCommand checks a signature. Its exit code is 1 only for a signature that does
// not verify: a script must not take a missing file for a forged message, or the
// other way round.
func verifyCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var (
		f   signingFlags
		arg string
	)
	fs := flag.NewFlagSet("bankrail verify", flag.ContinueOnError)
	f.define(fs, "public key or certificate")
	fs.StringVar(&arg, "sign", "", "the `signature`, or @file to read it from")
	if err := parseFlags(fs, args, stderr); err != nil {
		return err
	}
	problem := f.check()
	if problem == "" && arg == "" {
		problem = "give -sign, the signature"
	}
	if err := complain(fs, stderr, problem); err != nil {
		return err
	}
	verifier, err := f.verifier()
	if err != nil {
		return complain(fs, stderr, err.Error())
	}
	text, err := readText(f.in)
	if err != nil {
		return complain(fs, stderr, err.Error())
	}
	if arg, err = readSignature(arg); err != nil {
		return complain(fs, stderr, err.Error())
	}
	signature, err := sign.Encoding(f.encoding).Decode(arg)
	if err == nil {
		err = verifier.Verify(ctx, text, signature, "")
	}
	if err != nil {
		if errors.Is(err, sign.ErrSignature) {
			return fmt.Errorf("%w\n(bankrail explain tries what may be different)", err)
		}
		return complain(fs, stderr, err.Error())
	}
	_, err = fmt.Fprintln(stdout, "verifies")
	return err
}

func (f *signingFlags) verifier() (sign.Verifier, error) {
	if f.secretEnv != "" {
		return f.keyed()
	}
	key, err := sign.LoadPublicKey(f.load())
	if err != nil {
		return nil, err
	}
	return sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{
		Key: key, Algorithm: sign.Algorithm(f.algorithm), SM2ID: f.sm2ID, SM2EmptyID: f.emptyID,
		SM2Form: sign.SM2Form(f.sm2Form), Legacy1024: f.legacy1024,
	})
}
