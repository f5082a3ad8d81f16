package sign

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// maxKeyFile bounds a key file in bytes; an RSA-4096 key takes 3,300, a PKCS#12
// file with its chain 8,000.
const maxKeyFile = 64 << 10

// LoadConfig says where a key is and what opens it. Exactly one of File, Env and
// Bytes is set. Formatting, logging and JSON show nothing of it.
type LoadConfig struct {
	// File is the path of a key file.
	File string
	// Env is the name of an environment variable that holds the key; line breaks
	// may be written as \n.
	Env string
	// Bytes is the key itself.
	Bytes []byte
	// Password opens an encrypted key or a PKCS#12 file, in UTF-8; it is not used
	// for a key in clear. Empty is a password too where it is not nil. Defaults to
	// PasswordFunc.
	Password []byte
	// PasswordFunc is asked, once, if the key is encrypted and Password is nil; it
	// may prompt or call a vault. Defaults to none.
	PasswordFunc func() ([]byte, error)
	// MaxIterations bounds what deriving keys from the password may cost, as the
	// sum of the PBKDF2 and PKCS#12 iterations in one file: 1 to 10,000,000, where
	// a million takes about a second at worst. OpenSSL writes 2,048, and advice on
	// passwords goes to 1,400,000. Defaults to 2,000,000.
	MaxIterations int
}

// Bounds of LoadConfig.MaxIterations.
const (
	defaultIterations = 2_000_000
	maxIterations     = 10_000_000
)

// loadHidden is all that is ever shown of a LoadConfig.
const loadHidden = "[key to load]"

// String shows nothing of the key or the password.
func (LoadConfig) String() string { return loadHidden }

// GoString shows nothing of the key or the password.
func (LoadConfig) GoString() string { return loadHidden }

// Format shows nothing of the key or the password, whatever the verb.
func (LoadConfig) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(loadHidden)) }

// LogValue shows nothing of the key or the password.
func (LoadConfig) LogValue() slog.Value { return slog.StringValue(loadHidden) }

// MarshalJSON shows nothing of the key or the password.
func (LoadConfig) MarshalJSON() ([]byte, error) { return []byte(`"` + loadHidden + `"`), nil }

// LoadPrivateKey reads the one private key that cfg names, in any form gateways and
// their tools hand out, of at most 64 kB:
//
//   - what [ParsePrivateKey] reads
//   - PEM with the label ENCRYPTED PRIVATE KEY: PBES2 with PBKDF2 (HMAC with SHA-1,
//     SHA-256, SHA-512 or SM3) or scrypt (at most 64 MiB) and AES-CBC, SM4-CBC or
//     DES-EDE3-CBC; or PKCS#12's own scheme with DES-EDE3
//   - DER of PKCS#8, encrypted or not, PKCS#1 or SEC 1, as bytes or as bare Base64,
//     in one line or several
//   - an SM2 private number as 64 hex digits (China Merchants Bank)
//   - PKCS#12 (.p12, .pfx), as bytes or as Base64, with one key; RC2, which old
//     programs put around the certificates, is not needed for the key
//
// Errors: ErrKey for anything else; also ErrPassword where the password is missing
// or wrong. An unsupported encryption is refused with the openssl command that
// converts the file. Source: RFC 5958, 8018, 7914, 7292; GM/T 0091 for the names of
// SM3 and SM4.
func LoadPrivateKey(cfg LoadConfig) (*PrivateKey, error) {
	u, b, err := cfg.open()
	if err != nil {
		return nil, err
	}
	if cfg.File != "" {
		defer clear(b)
	}
	return u.privateKey(b)
}

// LoadPublicKey reads the one public key that cfg names, of at most 64 kB: what
// [ParsePublicKey] reads; DER of a SubjectPublicKeyInfo or a certificate, as bytes
// or as bare Base64; an SM2 point as 130 hex digits that begin with 04, or as 128;
// the certificate of the key in a PKCS#12 file, or its only one.
//
// Errors: those of [LoadPrivateKey].
func LoadPublicKey(cfg LoadConfig) (*PublicKey, error) {
	u, b, err := cfg.open()
	if err != nil {
		return nil, err
	}
	return u.publicKey(b)
}

// PrivateKeyFile reads a private key in PEM from a file; see [ParsePrivateKey], and
// [LoadPrivateKey] for other forms.
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

// PublicKeyFile reads a public key or certificate in PEM from a file; see
// [ParsePublicKey], and [LoadPublicKey] for other forms.
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

// open reads the bytes cfg names.
func (cfg LoadConfig) open() (u *unlock, b []byte, err error) {
	set := 0
	for _, given := range []bool{cfg.File != "", cfg.Env != "", cfg.Bytes != nil} {
		if given {
			set++
		}
	}
	u = &unlock{source: "bytes", password: cfg.Password, ask: cfg.PasswordFunc, left: cfg.MaxIterations}
	switch {
	case set != 1:
		return nil, nil, &KeyError{Source: "LoadConfig", Problem: "want exactly one of File, Env and Bytes"}
	case u.left == 0:
		u.left = defaultIterations
	case u.left < 0 || u.left > maxIterations:
		return nil, nil, &KeyError{Source: "LoadConfig", Problem: fmt.Sprintf("MaxIterations is %d, want 1 to %d", u.left, maxIterations)}
	}
	switch {
	case cfg.File != "":
		u.source = "file " + cfg.File
		b, err = readKeyFile(u.source, cfg.File)
	case cfg.Env != "":
		u.source = "env " + cfg.Env
		b, err = readKeyEnv(u.source, cfg.Env)
	default:
		b = cfg.Bytes
	}
	if err == nil && len(b) > maxKeyFile {
		err = u.refuse("larger than %d bytes", maxKeyFile)
	}
	return u, b, err
}

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
	// Neither PEM nor Base64 has a backslash of its own.
	return []byte(strings.ReplaceAll(v, `\n`, "\n")), nil
}
