package envelope

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/bankrail/bankrail/sign"
	"github.com/emmansun/gmsm/sm2"
)

// Sealer encrypts fields under the other side's public key. Safe for concurrent use;
// the zero value seals nothing.
type Sealer struct {
	hidden
	m *numbers
}

// NewSealer makes a sealer and seals once, to see that it works in this process.
//
// Errors: *sign.KeyError for no key, a scheme that is unknown or does not fit the
// key, a short RSA key without Legacy1024, or a scheme FIPS 140-only mode refuses.
func NewSealer(key *sign.PublicKey, cfg KeyConfig) (s *Sealer, err error) {
	defer recoverProbe(string(cfg.Scheme), &err)
	isRSA, err := cfg.forRSA(key.Algorithm())
	if err != nil {
		return nil, err
	}
	parsed, err := publicKey(key)
	if err != nil {
		return nil, err
	}
	m := &numbers{scheme: cfg.Scheme}
	if isRSA {
		m.rsaPublic, _ = parsed.(*rsa.PublicKey)
	} else {
		m.sm2Public, _ = parsed.(*ecdsa.PublicKey)
	}
	if m.rsaPublic == nil && m.sm2Public == nil {
		return nil, keyProblem("cannot be read back")
	}
	if isRSA {
		if err := cfg.checkRSA(m.rsaPublic); err != nil {
			return nil, err
		}
	}
	s = &Sealer{m: m}
	if _, err := s.Seal([]byte{1}); err != nil {
		return nil, unusable(string(cfg.Scheme), err)
	}
	return s, nil
}

// MaxPlaintext is the longest plaintext in bytes: for RSA what fits beside the
// padding (214 for 2048 bits with SHA-1, 190 with SHA-256), else [MaxInput] - 256.
func (s *Sealer) MaxPlaintext() int {
	switch {
	case s == nil || s.m == nil:
		return 0
	case s.m.rsaPublic != nil:
		return s.m.rsaPublic.Size() - 2*s.m.scheme.oaep().Size() - 2
	}
	return MaxInput - maxOverhead
}

// Seal encrypts 1 byte to [Sealer.MaxPlaintext] bytes. The same plaintext gives
// another ciphertext each time.
//
// Errors: *SealError.
func (s *Sealer) Seal(plaintext []byte) ([]byte, error) {
	if s == nil || s.m == nil {
		return nil, errNotMade()
	}
	if err := checkPlaintext(plaintext, s.MaxPlaintext()); err != nil {
		return nil, err
	}
	if s.m.rsaPublic != nil {
		ciphertext, err := rsa.EncryptOAEP(s.m.scheme.oaep(), rand.Reader, s.m.rsaPublic, plaintext, nil)
		if err != nil {
			return nil, &SealError{Problem: string(s.m.scheme) + " failed", Err: err}
		}
		return ciphertext, nil
	}
	raw, err := sm2.Encrypt(rand.Reader, s.m.sm2Public, plaintext, nil)
	if err == nil && len(raw) != sm2Overhead+len(plaintext) {
		err = fmt.Errorf("%d bytes came out for %d", len(raw), len(plaintext))
	}
	if err == nil {
		raw, err = s.m.scheme.fromRaw(raw)
	}
	if err != nil {
		return nil, &SealError{Problem: string(s.m.scheme) + " failed", Err: err}
	}
	return raw, nil
}
