package sign

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// environmentHeader is the PEM header that marks a key as a test key. It is in
// the file, not in configuration, so that a sandbox key put in production's place
// is still known for what it is.
const environmentHeader = "Environment"

// privateHidden is all that is ever shown of a private key.
const privateHidden = "[private key]"

// PrivateKey is a validated RSA or SM2 private key. Formatting, logging and JSON
// show nothing of it; PEM is the one way out. It does not change, and is safe for
// concurrent use. The zero value is no key.
type PrivateKey struct {
	// A pointer, so that formatting a struct around a key prints an address.
	material *privateMaterial
}

type privateMaterial struct {
	rsa *rsa.PrivateKey
	sm2 *sm2.PrivateKey
	env string
}

// PublicKey is a validated RSA or SM2 public key, with the validity of the
// certificate it came in, if any. It does not change, and is safe for concurrent
// use. The zero value is no key.
type PublicKey struct {
	material publicMaterial
}

type publicMaterial struct {
	rsa                 *rsa.PublicKey
	sm2                 *ecdsa.PublicKey
	env                 string
	notBefore, notAfter time.Time
}

// Algorithm is what the key signs with; empty for no key.
func (k *PrivateKey) Algorithm() Algorithm { return k.Public().Algorithm() }

// Public returns the public half, in the same environment.
func (k *PrivateKey) Public() *PublicKey {
	if k == nil || k.material == nil {
		return &PublicKey{}
	}
	m := publicMaterial{env: k.material.env}
	switch {
	case k.material.rsa != nil:
		m.rsa = &k.material.rsa.PublicKey
	case k.material.sm2 != nil:
		m.sm2 = &k.material.sm2.PublicKey
	}
	return &PublicKey{material: m}
}

// Environment is the environment the key is marked for, such as "sandbox"; empty
// for a production key.
func (k *PrivateKey) Environment() string {
	if k == nil || k.material == nil {
		return ""
	}
	return k.material.env
}

// WithEnvironment returns the same key marked for env: 1 to 32 letters, digits,
// dots, dashes or underscores, or empty for none. PEM refuses any other.
func (k *PrivateKey) WithEnvironment(env string) *PrivateKey {
	if k == nil || k.material == nil {
		return k
	}
	m := *k.material
	m.env = env
	return &PrivateKey{material: &m}
}

// PEM writes the key as PKCS#8 under "PRIVATE KEY", in clear, with the header
// line "Environment: …" if one is set. OpenSSL does not read a PEM with headers.
//
// Errors: ErrKey for no key or an unusable environment.
func (k *PrivateKey) PEM() ([]byte, error) {
	if k == nil || k.material == nil {
		return nil, errNoKey("PEM")
	}
	var (
		der []byte
		err error
	)
	if k.material.rsa != nil {
		der, err = x509.MarshalPKCS8PrivateKey(k.material.rsa)
	} else {
		der, err = smx509.MarshalPKCS8PrivateKey(k.material.sm2)
	}
	if err != nil {
		return nil, &KeyError{Source: "memory", Problem: "cannot be written", Err: err}
	}
	return writePEM(labelPrivate, k.material.env, der)
}

// String shows nothing of the key.
func (PrivateKey) String() string { return privateHidden }

// GoString shows nothing of the key.
func (PrivateKey) GoString() string { return privateHidden }

// Format shows nothing of the key, whatever the verb.
func (PrivateKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(privateHidden)) }

// LogValue shows nothing of the key.
func (PrivateKey) LogValue() slog.Value { return slog.StringValue(privateHidden) }

// MarshalJSON shows nothing of the key.
func (PrivateKey) MarshalJSON() ([]byte, error) { return []byte(`"` + privateHidden + `"`), nil }

// Algorithm is what signatures the key verifies; empty for no key.
func (k *PublicKey) Algorithm() Algorithm {
	switch {
	case k == nil:
		return ""
	case k.material.rsa != nil:
		return RSASHA256
	case k.material.sm2 != nil:
		return SM2SM3
	}
	return ""
}

// Environment is the environment the key is marked for, such as "sandbox"; empty
// for a production key.
func (k *PublicKey) Environment() string {
	if k == nil {
		return ""
	}
	return k.material.env
}

// WithEnvironment returns the same key marked for env, as [PrivateKey.WithEnvironment].
func (k *PublicKey) WithEnvironment(env string) *PublicKey {
	if k == nil {
		return nil
	}
	m := k.material
	m.env = env
	return &PublicKey{material: m}
}

// Validity is that of the certificate the key came in; both are zero for a bare key.
func (k *PublicKey) Validity() (notBefore, notAfter time.Time) {
	if k == nil {
		return time.Time{}, time.Time{}
	}
	return k.material.notBefore, k.material.notAfter
}

// PEM writes the key under "PUBLIC KEY" (X.509 SubjectPublicKeyInfo), with the
// header line "Environment: …" if one is set. A certificate's validity is lost.
//
// Errors: ErrKey for no key or an unusable environment.
func (k *PublicKey) PEM() ([]byte, error) {
	der, err := k.spki()
	if err != nil {
		return nil, err
	}
	return writePEM(labelPublic, k.material.env, der)
}

// String shows algorithm and fingerprint (the first 8 bytes of the SHA-256 of the
// key's X.509 form).
func (k PublicKey) String() string {
	der, err := k.spki()
	if err != nil {
		return "no public key"
	}
	sum := sha256.Sum256(der)
	return string(k.Algorithm()) + " public key " + hex.EncodeToString(sum[:8])
}

func (k *PublicKey) spki() ([]byte, error) {
	var (
		der []byte
		err error
	)
	switch k.Algorithm() {
	case RSASHA256:
		der, err = x509.MarshalPKIXPublicKey(k.material.rsa)
	case SM2SM3:
		der, err = smx509.MarshalPKIXPublicKey(k.material.sm2)
	default:
		return nil, errNoKey("PEM")
	}
	if err != nil {
		return nil, &KeyError{Source: "memory", Problem: "cannot be written", Err: err}
	}
	return der, nil
}

func writePEM(label, env string, der []byte) ([]byte, error) {
	block := &pem.Block{Type: label, Bytes: der}
	if env != "" {
		if !validEnvironment(env) {
			return nil, &KeyError{Source: "memory", Problem: "environment is not 1 to 32 letters, digits, dots, dashes or underscores"}
		}
		block.Headers = map[string]string{environmentHeader: env}
	}
	return pem.EncodeToMemory(block), nil
}

// validEnvironment keeps line breaks and colons out of the PEM header.
func validEnvironment(env string) bool {
	if env == "" || len(env) > 32 {
		return false
	}
	for i := range len(env) {
		c := env[i]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

func errNoKey(source string) error { return &KeyError{Source: source, Problem: "no key"} }
