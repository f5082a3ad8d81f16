package sign

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// maxKeyFile bounds a key file in bytes; an RSA-4096 key takes 3,300.
const maxKeyFile = 64 << 10

// PEM labels.
const (
	labelPrivate     = "PRIVATE KEY"
	labelRSAPrivate  = "RSA PRIVATE KEY"
	labelECPrivate   = "EC PRIVATE KEY"
	labelSM2Private  = "SM2 PRIVATE KEY"
	labelEncrypted   = "ENCRYPTED PRIVATE KEY"
	labelPublic      = "PUBLIC KEY"
	labelCertificate = "CERTIFICATE"
)

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

func environment(source string, block *pem.Block) (string, error) {
	env, ok := block.Headers[environmentHeader]
	if ok && !validEnvironment(env) {
		return "", &KeyError{Source: source, Problem: "the Environment header is not 1 to 32 letters, digits, dots, dashes or underscores"}
	}
	return env, nil
}

// onePEM returns the one block with an accepted label. Text before a block is
// allowed (openssl writes some), parameter blocks are skipped; another label, a
// second key, a damaged block or anything after the last block is refused, because
// a file that is not what its owner thinks must not sign.
func onePEM(source string, b []byte, accepted ...string) (*pem.Block, error) {
	refuse := func(format string, args ...any) (*pem.Block, error) {
		return nil, &KeyError{Source: source, Problem: fmt.Sprintf(format, args...)}
	}
	if len(b) > maxKeyFile {
		return refuse("larger than %d bytes", maxKeyFile)
	}
	begin := []byte("-----BEGIN ")
	var found *pem.Block
	rest := bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	for len(bytes.TrimSpace(rest)) > 0 {
		block, after := pem.Decode(rest)
		if block == nil {
			if found == nil && !bytes.Contains(rest, begin) {
				break
			}
			return refuse("damaged PEM block or data after the key")
		}
		// The decoder skips blocks it cannot read.
		if bytes.Count(rest[:len(rest)-len(after)], begin) != 1 {
			return refuse("damaged PEM block")
		}
		rest = after
		switch {
		case strings.HasSuffix(block.Type, " PARAMETERS"):
			continue
		case block.Type == labelEncrypted, block.Headers["Proc-Type"] != "":
			return refuse("encrypted, decrypt first")
		case !slices.Contains(accepted, block.Type):
			return refuse("PEM label %s, want %s", quote(block.Type), strings.Join(accepted, ", "))
		case found != nil:
			return refuse("more than one key")
		}
		found = block
	}
	if found == nil {
		return refuse("no PEM block, want %s", strings.Join(accepted, ", "))
	}
	return found, nil
}
