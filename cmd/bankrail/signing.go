package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/bankrail/bankrail/sign"
)

// maxText bounds what is read to be signed, verified or explained, in bytes.
const maxText = 1 << 20

// signingFlags are what "sign" and "verify" share.
type signingFlags struct {
	key, keyEnv, passEnv, secretEnv string
	algorithm, encoding             string
	sm2ID, sm2Form                  string
	emptyID, legacy1024             bool
	in                              string
}

func (f *signingFlags) define(fs *flag.FlagSet, key string) {
	fs.StringVar(&f.key, "key", "", key+" in this `file`")
	fs.StringVar(&f.keyEnv, "key-env", "", key+" in this environment `variable`")
	fs.StringVar(&f.passEnv, "pass-env", "", "environment `variable` with the password of the key file")
	fs.StringVar(&f.secretEnv, "secret-env", "", "environment `variable` with the shared secret of a MAC or keyed digest")
	fs.StringVar(&f.algorithm, "alg", "", "`algorithm`: RSA-SHA256, RSA-PSS-SHA256, SM2-SM3, HMAC-SHA256, HMAC-SM3, or of old gateways RSA-SHA1, RSA-MD5, HMAC-MD5, MD5, SHA1, SHA256, SHA512, SM3 (default: RSA-SHA256 or SM2-SM3, by the key)")
	fs.StringVar(&f.encoding, "encoding", "", "of the signature: base64, base64url, rawbase64, rawbase64url, hex, HEX (default base64; with -secret-env hex)")
	fs.StringVar(&f.sm2ID, "sm2-id", "", "SM2 `id` (default 1234567812345678)")
	fs.BoolVar(&f.emptyID, "sm2-empty-id", false, "an empty SM2 id, as OpenSSL signs without distid")
	fs.StringVar(&f.sm2Form, "sm2-form", "", "DER or raw (r‖s) (default DER)")
	fs.BoolVar(&f.legacy1024, "legacy-1024", false, "take an RSA key below 2048 bits")
	fs.StringVar(&f.in, "in", "-", "`file` with the text, byte for byte; - is the standard input")
}

// check says what is wrong with the flags, or nothing.
func (f *signingFlags) check() string {
	keys := 0
	for _, v := range []string{f.key, f.keyEnv, f.secretEnv} {
		if v != "" {
			keys++
		}
	}
	if f.encoding == "" {
		f.encoding = string(sign.Base64)
		if f.secretEnv != "" {
			f.encoding = string(sign.HexLower)
		}
	}
	switch {
	case keys != 1:
		return "give one of -key, -key-env and -secret-env"
	case f.secretEnv != "" && f.algorithm == "":
		return "-secret-env needs -alg: a secret does not say what it is for"
	case sign.Encoding(f.encoding).Encode([]byte{0}) == "":
		return fmt.Sprintf("-encoding %q is none of base64, base64url, rawbase64, rawbase64url, hex and HEX", f.encoding)
	}
	return ""
}

// load says where the key is.
func (f *signingFlags) load() sign.LoadConfig {
	cfg := sign.LoadConfig{File: f.key, Env: f.keyEnv}
	if f.passEnv != "" {
		cfg.PasswordFunc = func() ([]byte, error) { return readSecret(f.passEnv) }
	}
	return cfg
}

// keyed is a MAC or a keyed digest: both sign and verify.
type keyed interface {
	sign.Signer
	sign.Verifier
}

// keyed makes what the secret is for.
func (f *signingFlags) keyed() (keyed, error) {
	secret, err := readSecret(f.secretEnv)
	if err != nil {
		return nil, err
	}
	a := sign.Algorithm(f.algorithm)
	switch a {
	case sign.LegacyMD5, sign.LegacySHA1, sign.LegacySHA256, sign.LegacySHA512, sign.LegacySM3:
		return sign.NewDigest(sign.DigestConfig{Algorithm: a, Secret: secret})
	}
	return sign.NewMAC(sign.MACConfig{Algorithm: a, Secret: secret})
}

// readSecret reads an environment variable, which unlike an argument other users of
// the machine do not see.
func readSecret(env string) ([]byte, error) {
	v, ok := os.LookupEnv(env)
	if !ok || v == "" {
		return nil, fmt.Errorf("environment variable %s is not set", env)
	}
	return []byte(v), nil
}

// readText reads a file, or the standard input for "-".
func readText(name string) ([]byte, error) {
	in := os.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	b, err := io.ReadAll(io.LimitReader(in, maxText+1))
	if err == nil && len(b) > maxText {
		err = errors.New("the text is longer than 1 MiB")
	}
	return b, err
}

// readSignature takes a signature from an argument, or with "@" from a file.
func readSignature(arg string) (string, error) {
	name, ok := strings.CutPrefix(arg, "@")
	if !ok {
		return arg, nil
	}
	b, err := readText(name)
	return strings.TrimSpace(string(b)), err
}
