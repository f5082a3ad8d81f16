package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/bankrail/bankrail/sign"
)

// signCommand signs a text and prints nothing but the signature.
func signCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var f signingFlags
	fs := flag.NewFlagSet("bankrail sign", flag.ContinueOnError)
	f.define(fs, "private key")
	if err := parseFlags(fs, args, stderr); err != nil {
		return err
	}
	if err := complain(fs, stderr, f.check()); err != nil {
		return err
	}
	signer, err := f.signer()
	if err != nil {
		return err
	}
	text, err := readText(f.in)
	if err != nil {
		return err
	}
	signature, err := signer.Sign(ctx, text)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, sign.Encoding(f.encoding).Encode(signature))
	return err
}

func (f *signingFlags) signer() (sign.Signer, error) {
	if f.secretEnv != "" {
		return f.keyed()
	}
	key, err := sign.LoadPrivateKey(f.load())
	if err != nil {
		return nil, err
	}
	return sign.NewSigner(key, sign.SignerConfig{
		Algorithm: sign.Algorithm(f.algorithm), SM2ID: f.sm2ID, SM2EmptyID: f.emptyID,
		SM2Form: sign.SM2Form(f.sm2Form), Legacy1024: f.legacy1024,
	})
}
