package envelope

import (
	"crypto/rsa"

	"github.com/bankrail/bankrail/sign"
	"github.com/emmansun/gmsm/sm2"
)

// Opener decrypts fields that were sealed under our public key. Formatting shows
// nothing of the key. Safe for concurrent use; the zero value opens nothing.
type Opener struct {
	hidden
	m *numbers
}

// NewOpener makes an opener, and seals and opens once, to see that it works in this
// process. A key that also signs is what some gateways demand (WeChat's merchant
// key does both); where there is a choice, use two.
//
// Errors: those of [NewSealer].
func NewOpener(key *sign.PrivateKey, cfg KeyConfig) (o *Opener, err error) {
	defer recoverProbe(string(cfg.Scheme), &err)
	sealer, err := NewSealer(key.Public(), cfg)
	if err != nil {
		return nil, err
	}
	parsed, err := privateKey(key)
	if err != nil {
		return nil, err
	}
	m := *sealer.m
	m.rsaPrivate, _ = parsed.(*rsa.PrivateKey)
	m.sm2Private, _ = parsed.(*sm2.PrivateKey)
	o = &Opener{m: &m}
	sealed, err := sealer.Seal([]byte{1})
	if err != nil {
		return nil, unusable(string(cfg.Scheme), err)
	}
	if _, err := o.Open(sealed); err != nil {
		return nil, unusable(string(cfg.Scheme), err)
	}
	return o, nil
}

// Open decrypts at most [MaxInput] bytes: for RSA exactly as many as the modulus has.
// The point of an SM2 ciphertext is on the curve before the key touches it.
//
// Errors: ErrOpen.
func (o *Opener) Open(ciphertext []byte) ([]byte, error) {
	if o == nil || o.m == nil || len(ciphertext) == 0 || len(ciphertext) > MaxInput {
		return nil, ErrOpen
	}
	plaintext, err := o.m.open(ciphertext)
	if err != nil || len(plaintext) == 0 {
		return nil, ErrOpen
	}
	return plaintext, nil
}

func (m *numbers) open(ciphertext []byte) (plaintext []byte, err error) {
	// The second line: a panic of a library is one more ciphertext that does not open.
	defer func() {
		if recover() != nil {
			plaintext, err = nil, ErrOpen
		}
	}()
	switch {
	case m.rsaPrivate != nil:
		if len(ciphertext) != m.rsaPrivate.Size() {
			return nil, ErrOpen
		}
		return rsa.DecryptOAEP(m.scheme.oaep(), nil, m.rsaPrivate, ciphertext, nil)
	case m.sm2Private != nil:
		raw, ok := m.scheme.toRaw(ciphertext)
		if !ok {
			return nil, ErrOpen
		}
		// The library checks this too. It is checked here because a version of it,
		// or another engine, that did not would give the private key away.
		if _, err := sm2.NewPublicKey(raw[:sm2Point]); err != nil {
			return nil, ErrOpen
		}
		return sm2.Decrypt(m.sm2Private, raw)
	}
	return nil, ErrOpen
}
