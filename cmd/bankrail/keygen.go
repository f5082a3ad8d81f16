package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/bankrail/bankrail/sign"
)

// keygenFlags are the command line of "bankrail keygen".
type keygenFlags struct {
	kind    string
	bits    int
	private string
	public  string
	env     string
}

func readKeygenFlags(args []string, stderr io.Writer) (keygenFlags, error) {
	var f keygenFlags
	fs := flag.NewFlagSet("bankrail keygen", flag.ContinueOnError)
	fs.StringVar(&f.kind, "type", "sm2", "sm2 or rsa")
	fs.IntVar(&f.bits, "bits", 0, "of an RSA key: 2048, 3072 or 4096 (default 2048)")
	fs.StringVar(&f.private, "out", "merchant.pem", "`file` for the private key, which only its owner may read")
	fs.StringVar(&f.public, "pub", "", "`file` for the public key (default: that of -out, ending in .pub.pem)")
	fs.StringVar(&f.env, "env", "", "mark the key for an environment, such as sandbox; OpenSSL does not read a file with the mark")
	if err := parseFlags(fs, args, stderr); err != nil {
		return f, err
	}
	if f.public == "" {
		f.public = strings.TrimSuffix(f.private, ".pem") + ".pub.pem"
	}
	problem := ""
	switch {
	case f.kind != "sm2" && f.kind != "rsa":
		problem = "-type is sm2 or rsa"
	case f.kind == "sm2" && f.bits != 0:
		problem = "-bits is for RSA; an SM2 key has one size"
	case f.bits != 0 && f.bits != 2048 && f.bits != 3072 && f.bits != 4096:
		problem = "-bits is 2048, 3072 or 4096"
	case f.private == "":
		problem = "-out names no file"
	case f.private == f.public:
		problem = "-out and -pub are one file"
	}
	if f.bits == 0 {
		f.bits = 2048
	}
	return f, complain(fs, stderr, problem)
}

// keygenCommand makes a key pair. Only the fingerprint is printed: what scrolls by
// on a terminal ends up in logs.
func keygenCommand(_ context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := readKeygenFlags(args, stderr)
	if err != nil {
		return err
	}
	// Before the key, which takes seconds; the files are created with O_EXCL anyway.
	for _, name := range []string{f.private, f.public} {
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("%s is there already; a key is never overwritten", name)
		}
	}
	key, err := generate(f)
	if err != nil {
		return err
	}
	private, err := key.PEM()
	if err != nil {
		return err
	}
	defer clear(private)
	public, err := key.Public().PEM()
	if err != nil {
		return err
	}
	if err := createFile(f.public, public, 0o644); err != nil {
		return err
	}
	if err := createFile(f.private, private, 0o600); err != nil {
		return errors.Join(err, os.Remove(f.public))
	}
	_, err = fmt.Fprintf(stdout, "%s\nprivate key in %s, public key in %s\n", key.Public(), f.private, f.public)
	return err
}

func generate(f keygenFlags) (*sign.PrivateKey, error) {
	var (
		key *sign.PrivateKey
		err error
	)
	if f.kind == "rsa" {
		key, err = sign.GenerateRSA(f.bits)
	} else {
		key, err = sign.GenerateSM2()
	}
	if err != nil {
		return nil, err
	}
	return key.WithEnvironment(f.env), nil
}

// createFile writes a new file with exactly this mode, whatever the umask, and
// leaves nothing behind when it cannot.
func createFile(path string, content []byte, mode os.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("%s is there already; a key is never overwritten", path)
		}
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
