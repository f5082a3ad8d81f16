package sign

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"log/slog"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

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
