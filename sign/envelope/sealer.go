package envelope

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
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
	ciphertext, err := sealSM2(s.m.sm2Public, plaintext)
	if err == nil {
		ciphertext, err = s.m.scheme.fromRaw(ciphertext)
	}
	if err != nil {
		return nil, &SealError{Problem: string(s.m.scheme) + " failed", Err: err}
	}
	return ciphertext, nil
}

// sealSM2 makes C1‖C3‖C2. Where the key stream comes out as zeros, which for a
// plaintext of one byte is one time in 256, the standard asks for another number and
// a fresh start. The library (v0.44.1) takes the number, goes on from the point it
// has overwritten, and makes a ciphertext that nobody can open; so it gets one number
// a time, and starts afresh.
func sealSM2(key *ecdsa.PublicKey, plaintext []byte) ([]byte, error) {
	const attempts = 64
	for range attempts {
		raw, err := sm2.Encrypt(&oneNumber{left: sm2Number}, key, plaintext, nil)
		if errors.Is(err, errSecondNumber) {
			continue
		}
		if err == nil && len(raw) != sm2Overhead+len(plaintext) {
			err = fmt.Errorf("%d bytes came out for %d", len(raw), len(plaintext))
		}
		return raw, err
	}
	return nil, errSecondNumber
}

var errSecondNumber = errors.New("the random numbers do not fit")

// oneNumber is as much randomness as one encryption takes that goes well.
type oneNumber struct{ left int }

// Read gives out what is left, and no more.
func (r *oneNumber) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, errSecondNumber
	}
	n, err := rand.Read(b[:min(len(b), r.left)])
	r.left -= n
	return n, err
}
