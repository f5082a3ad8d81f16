package sign

import (
	"bytes"
	"context"
	"crypto/md5"  //nolint:gosec // LegacyMD5
	"crypto/sha1" //nolint:gosec // LegacySHA1
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
)

// DigestConfig says how two sides sign with the digest of a text that has their
// shared secret in it.
type DigestConfig struct {
	// Algorithm is LegacyMD5, LegacySHA1, LegacySHA256, LegacySHA512 or
	// LegacySM3. Required.
	Algorithm Algorithm
	// Secret is the shared key, 1 to 4096 bytes. It is copied. Required.
	Secret Secret
	// KeyID is the serial both sides know the secret by. Defaults to none.
	KeyID string
	// Engine computes SM3; for LegacySM3 only. Defaults to emmansun/gmsm.
	Engine Engine
}

// Digest signs and verifies with the plain digest of a text that has a secret in
// it, such as "a=1&b=2&key=" and the secret. Where in the text the secret stands is
// the dialect's business: the text that comes in must have it already, as it is or
// as the small hex letters of its digest. A text without it is refused both ways,
// because its digest is something anybody can compute.
//
// It is no MAC: of secret ‖ text, an attacker can sign longer texts for every
// algorithm here. Use [MAC] where the gateway offers one. It shows nothing of the
// secret and is safe for concurrent use. Make one with [NewDigest].
type Digest struct {
	hidden
	algorithm Algorithm
	keyID     string
	// Funcs, so that formatting a struct around a Digest prints addresses.
	sum   func(message []byte) []byte
	keyed func(message []byte) bool
}

var (
	_ Signer   = (*Digest)(nil)
	_ Verifier = (*Digest)(nil)
)

// NewDigest makes a Digest, and computes one to see that the algorithm works in
// this process.
//
// Errors: ErrKey for no or a too long secret, another algorithm, or one that does
// not work here (MD5 and SHA-1 in FIPS 140-only mode).
func NewDigest(cfg DigestConfig) (*Digest, error) {
	refuse := func(problem string, err error) (*Digest, error) {
		return nil, &KeyError{Source: "digest", Problem: problem, Err: err}
	}
	var digest func() hash.Hash
	switch cfg.Algorithm {
	case LegacyMD5:
		digest = md5.New
	case LegacySHA1:
		digest = sha1.New
	case LegacySHA256:
		digest = sha256.New
	case LegacySHA512:
		digest = sha512.New
	case LegacySM3:
		digest = engineOr(cfg.Engine).NewSM3
	default:
		return refuse("Algorithm is "+quote(string(cfg.Algorithm))+", want MD5, SHA1, SHA256, SHA512 or SM3", nil)
	}
	if problem := cfg.Secret.check(); problem != "" {
		return refuse(problem, nil)
	}
	d := &Digest{algorithm: cfg.Algorithm, keyID: cfg.KeyID, sum: func(message []byte) []byte {
		h := digest()
		h.Write(message)
		return h.Sum(nil)
	}}
	if err := probe(d.algorithm, d.sum); err != nil {
		return refuse("cannot sign", err)
	}
	secret := cfg.Secret.clone()
	hashed := []byte(hex.EncodeToString(d.sum(secret))) // as UnionPay (银联) puts it in
	d.keyed = func(message []byte) bool {
		return bytes.Contains(message, secret) || bytes.Contains(message, hashed)
	}
	return d, nil
}

// Algorithm is what the Digest was made for.
func (d *Digest) Algorithm() Algorithm { return d.algorithm }

// KeyID is the serial of the secret, or empty.
func (d *Digest) KeyID() string { return d.keyID }

// Sign returns the whole digest of the message, 16 to 64 bytes.
//
// Errors: *Error (ErrSignature) with Part "text" where the secret is not in the
// message.
func (d *Digest) Sign(_ context.Context, message []byte) ([]byte, error) {
	if !d.keyed(message) {
		return nil, &Error{Part: partText, KeyID: d.keyID, Problem: notKeyed}
	}
	return d.sum(message), nil
}

// Verify returns nil only if signature is the whole digest of message, compared in
// constant time, and keyID is empty or the secret's own. The message is the text
// the verifier built of the received fields and the secret.
//
// Errors: *Error (ErrSignature) with Part "text" where the secret is not in the
// message, "serial" or "signature". Its Digest is left empty: a digest of a text
// with the secret in it is what signs.
func (d *Digest) Verify(_ context.Context, message, signature []byte, keyID string) error {
	if !d.keyed(message) {
		return &Error{Part: partText, KeyID: keyID, Problem: notKeyed}
	}
	return verifySum(d.keyID, d.sum(message), func() string { return "" }, signature, keyID)
}

const notKeyed = "the secret is not in the text: anybody could compute its digest"
