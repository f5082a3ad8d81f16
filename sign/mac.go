package sign

import (
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // LegacyHMACMD5
	"crypto/sha256"
	"hash"
)

// MACConfig says how two sides with a shared secret sign.
type MACConfig struct {
	// Algorithm is HMACSHA256, HMACSM3 or LegacyHMACMD5. Required: a secret
	// does not say what it is for.
	Algorithm Algorithm
	// Secret is the shared key, 1 to 4096 bytes, used as it is: a gateway that
	// writes it in hex and means the letters gets the letters. It is copied.
	// Required: under an empty secret anybody could sign.
	Secret Secret
	// KeyID is the serial both sides know the secret by. Defaults to none.
	KeyID string
	// Engine computes SM3; for HMACSM3 only. Defaults to emmansun/gmsm.
	Engine Engine
}

// MAC signs and verifies with a shared secret (HMAC). Whoever can verify can sign:
// it proves nothing to a third party. It shows nothing of the secret and is safe
// for concurrent use. Make one with [NewMAC].
type MAC struct {
	hidden
	algorithm Algorithm
	keyID     string
	// A func, so that formatting a struct around a MAC prints an address.
	sum func(message []byte) []byte
}

var (
	_ Signer   = (*MAC)(nil)
	_ Verifier = (*MAC)(nil)
)

// NewMAC makes a MAC, and computes one to see that the algorithm works in this
// process.
//
// Errors: ErrKey for no or a too long secret, another algorithm, or one that does
// not work here (SM3, MD5 and secrets below 14 bytes in FIPS 140-only mode).
func NewMAC(cfg MACConfig) (*MAC, error) {
	refuse := func(problem string, err error) (*MAC, error) {
		return nil, &KeyError{Source: "MAC", Problem: problem, Err: err}
	}
	var digest func() hash.Hash
	switch cfg.Algorithm {
	case HMACSHA256:
		digest = sha256.New
	case HMACSM3:
		digest = engineOr(cfg.Engine).NewSM3
	case LegacyHMACMD5:
		digest = md5.New
	default:
		return refuse("Algorithm is "+quote(string(cfg.Algorithm))+", want HMAC-SHA256, HMAC-SM3 or HMAC-MD5", nil)
	}
	if problem := cfg.Secret.check(); problem != "" {
		return refuse(problem, nil)
	}
	secret := cfg.Secret.clone()
	m := &MAC{algorithm: cfg.Algorithm, keyID: cfg.KeyID, sum: func(message []byte) []byte {
		h := hmac.New(digest, secret)
		h.Write(message)
		return h.Sum(nil)
	}}
	if err := probe(m.algorithm, m.sum); err != nil {
		return refuse("cannot sign", err)
	}
	return m, nil
}

// Algorithm is what the MAC was made for.
func (m *MAC) Algorithm() Algorithm { return m.algorithm }

// KeyID is the serial of the secret, or empty.
func (m *MAC) KeyID() string { return m.keyID }

// Sign returns the whole HMAC of the message: 32 bytes, of HMAC-MD5 16.
//
// Errors: none of its own.
func (m *MAC) Sign(_ context.Context, message []byte) ([]byte, error) {
	return m.sum(message), nil
}

// Verify returns nil only if signature is the whole HMAC of message, compared in
// constant time, and keyID is empty or the secret's own.
//
// Errors: *Error (ErrSignature) with Part "serial" or "signature".
func (m *MAC) Verify(_ context.Context, message, signature []byte, keyID string) error {
	return verifySum(m.keyID, m.sum(message), func() string { return digest(message) }, signature, keyID)
}

// probe computes once, so that a process in which the digest cannot work (FIPS
// 140-only mode panics) learns it at construction.
func probe(a Algorithm, sum func([]byte) []byte) (err error) {
	defer recoverProbe(string(a), &err)
	sum([]byte("probe"))
	return nil
}

// verifySum compares a signature with what it should be. shown is the hex digest
// that goes into an error, computed only then.
func verifySum(ownID string, sum []byte, shown func() string, signature []byte, keyID string) error {
	refuse := func(part, problem string) error {
		return &Error{Part: part, KeyID: keyID, Digest: shown(), Problem: problem}
	}
	switch {
	case keyID != "" && keyID != ownID:
		return refuse(partSerial, "unknown key")
	case len(signature) == 0:
		return refuse(partSignature, "no signature")
	case !hmac.Equal(sum, signature):
		return refuse(partSignature, "does not match this text under this secret")
	}
	return nil
}
