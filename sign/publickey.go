package sign

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"time"

	"github.com/emmansun/gmsm/smx509"
)

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
