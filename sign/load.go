package sign

import (
	"io"
	"os"
	"strings"
)

// maxKeyFile bounds a key file in bytes; an RSA-4096 key takes 3,300.
const maxKeyFile = 64 << 10

// PrivateKeyFile reads a private key from a PEM file; see [ParsePrivateKey].
//
// Errors: ErrKey, with the file in KeyError.Source.
func PrivateKeyFile(path string) (*PrivateKey, error) {
	source := "file " + path
	b, err := readKeyFile(source, path)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	return parsePrivateKey(source, b)
}

// PrivateKeyEnv reads a private key in PEM from an environment variable; see
// [ParsePrivateKey]. Line breaks may be written as \n, as env files have them.
//
// Errors: ErrKey, with the variable in KeyError.Source.
func PrivateKeyEnv(name string) (*PrivateKey, error) {
	source := "env " + name
	b, err := readKeyEnv(source, name)
	if err != nil {
		return nil, err
	}
	return parsePrivateKey(source, b)
}

// ParsePrivateKey reads the one private key in a PEM text of at most 64 kB: labels
// PRIVATE KEY (PKCS#8), RSA PRIVATE KEY (PKCS#1), EC PRIVATE KEY and SM2 PRIVATE
// KEY (SEC 1); parameter blocks are skipped. It is RSA of 1024 to 4096 bits with an
// odd e from 65537 (below 2048 bits only usable with Legacy1024), or SM2 on curve
// 1.2.156.10197.1.301 with 1 ≤ d ≤ n-2.
//
// Errors: ErrKey for anything else; an encrypted key has to be decrypted first.
func ParsePrivateKey(b []byte) (*PrivateKey, error) { return parsePrivateKey("bytes", b) }

// PublicKeyFile reads a public key or certificate from a PEM file; see [ParsePublicKey].
//
// Errors: ErrKey, with the file in KeyError.Source.
func PublicKeyFile(path string) (*PublicKey, error) {
	source := "file " + path
	b, err := readKeyFile(source, path)
	if err != nil {
		return nil, err
	}
	return parsePublicKey(source, b)
}

// PublicKeyEnv reads a public key or certificate in PEM from an environment
// variable; see [ParsePublicKey]. Line breaks may be written as \n.
//
// Errors: ErrKey, with the variable in KeyError.Source.
func PublicKeyEnv(name string) (*PublicKey, error) {
	source := "env " + name
	b, err := readKeyEnv(source, name)
	if err != nil {
		return nil, err
	}
	return parsePublicKey(source, b)
}

// ParsePublicKey reads the one public key in a PEM text of at most 64 kB: labels
// PUBLIC KEY and CERTIFICATE. The bounds are those of [ParsePrivateKey]. A
// certificate gives its key and validity; who issued it is not checked, so it has
// to come from configuration, never from a message.
//
// Errors: ErrKey for anything else.
func ParsePublicKey(b []byte) (*PublicKey, error) { return parsePublicKey("bytes", b) }

func readKeyFile(source, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &KeyError{Source: source, Problem: "cannot be read", Err: err}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, &KeyError{Source: source, Problem: "cannot be read", Err: err}
	}
	return b, nil
}

func readKeyEnv(source, name string) ([]byte, error) {
	v, ok := os.LookupEnv(name)
	if !ok || v == "" {
		return nil, &KeyError{Source: source, Problem: "not set"}
	}
	// PEM has no backslash of its own.
	return []byte(strings.ReplaceAll(v, `\n`, "\n")), nil
}

func parsePrivateKey(source string, b []byte) (*PrivateKey, error) {
	block, err := onePEM(source, b, labelPrivate, labelRSAPrivate, labelECPrivate, labelSM2Private)
	if err != nil {
		return nil, err
	}
	m, err := privateFromDER(source, block.Type, block.Bytes)
	if err != nil {
		return nil, err
	}
	if m.env, err = environment(source, block); err != nil {
		return nil, err
	}
	return &PrivateKey{material: m}, nil
}

func parsePublicKey(source string, b []byte) (*PublicKey, error) {
	block, err := onePEM(source, b, labelPublic, labelCertificate)
	if err != nil {
		return nil, err
	}
	parse := publicFromDER
	if block.Type == labelCertificate {
		parse = certificateFromDER
	}
	m, err := parse(source, block.Bytes)
	if err != nil {
		return nil, err
	}
	if m.env, err = environment(source, block); err != nil {
		return nil, err
	}
	return &PublicKey{material: m}, nil
}
