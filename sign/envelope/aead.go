package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"

	"github.com/emmansun/gmsm/sm4"
)

// Names of authenticated ciphers, as WeChat's callbacks and certificate lists write
// them. Source: WeChat Pay API v3, "证书和回调报文解密".
const (
	AESGCM = "AEAD_AES_256_GCM"
	SM4GCM = "AEAD_SM4_GCM"
)

const (
	nonceSize = 12
	tagSize   = 16
	aesKey    = 32
	sm4Key    = 16
)

// nonceAlphabet has 64 characters that need no escape in JSON.
const nonceAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// AEAD opens and seals with AES-256-GCM or SM4-GCM, tag of 16 bytes behind the
// ciphertext. Formatting shows nothing of the key. Safe for concurrent use; the zero
// value opens and seals nothing.
type AEAD struct {
	hidden
	m *aeadMaterial
}

type aeadMaterial struct {
	name string
	gcm  cipher.AEAD
}

// NewAES256GCM takes a key of 32 bytes.
//
// Errors: *sign.KeyError for another length, a key of zeros, or FIPS 140-only mode,
// which refuses nonces that come with the message.
func NewAES256GCM(key []byte) (*AEAD, error) {
	if err := checkKey(key, aesKey); err != nil {
		return nil, err
	}
	return newAEAD(AESGCM, key, aes.NewCipher)
}

// NewSM4GCM takes a key of 16 bytes.
//
// Errors: *sign.KeyError for another length, a key of zeros, or FIPS 140-only mode.
// Source: RFC 8998; GB/T 36624-2018.
func NewSM4GCM(key []byte) (*AEAD, error) {
	if err := checkKey(key, sm4Key); err != nil {
		return nil, err
	}
	return newAEAD(SM4GCM, key, sm4.NewCipher)
}

func newAEAD(name string, key []byte, newBlock func([]byte) (cipher.Block, error)) (a *AEAD, err error) {
	defer recoverProbe(name, &err)
	block, err := newBlock(key)
	if err != nil {
		return nil, unusable(name, err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, unusable(name, err)
	}
	return &AEAD{m: &aeadMaterial{name: name, gcm: gcm}}, nil
}

// Algorithm is [AESGCM] or [SM4GCM]; empty for the zero value.
func (a *AEAD) Algorithm() string {
	if a == nil || a.m == nil {
		return ""
	}
	return a.m.name
}

// Open returns the plaintext only if the ciphertext, with its tag, was sealed under
// this key, nonce and associated data. A nonce has 12 bytes; ciphertext and
// associated data have at most [MaxInput].
//
// Errors: ErrOpen.
func (a *AEAD) Open(nonce, associated, ciphertext []byte) ([]byte, error) {
	switch {
	case a == nil || a.m == nil, len(nonce) != nonceSize, len(associated) > MaxInput,
		len(ciphertext) <= tagSize, len(ciphertext) > MaxInput:
		return nil, ErrOpen
	}
	plaintext, err := a.m.gcm.Open(nil, nonce, ciphertext, associated)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// Seal encrypts a plaintext of 1 byte to [MaxInput] - 256 bytes. The nonce is new
// each time: 12 random printable characters, as gateways write them, which is 72
// bits. So change the key before a million messages; a nonce that comes twice gives
// the key away.
//
// Errors: *SealError.
func (a *AEAD) Seal(associated, plaintext []byte) (nonce, ciphertext []byte, err error) {
	if a == nil || a.m == nil {
		return nil, nil, errNotMade()
	}
	if err := checkPlaintext(plaintext, MaxInput-maxOverhead); err != nil {
		return nil, nil, err
	}
	if len(associated) > MaxInput {
		return nil, nil, &SealError{Problem: fmt.Sprintf("the associated data is %d bytes, want at most %d", len(associated), MaxInput)}
	}
	nonce = make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		return nil, nil, &SealError{Problem: "there is no randomness", Err: err}
	}
	for i, b := range nonce {
		nonce[i] = nonceAlphabet[b%byte(len(nonceAlphabet))] // 64 divides 256: no bias
	}
	return nonce, a.m.gcm.Seal(nil, nonce, plaintext, associated), nil
}
