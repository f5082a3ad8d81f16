package envelope

import (
	"crypto/aes"
	"crypto/cipher"

	"github.com/emmansun/gmsm/sm4"
)

// LegacyECB opens and seals block by block with PKCS#7 padding. Equal blocks show as
// equal, and blocks can be exchanged, repeated and left out without a trace: it is for
// gateways that demand it and for nothing else. Formatting shows nothing of the key.
// Safe for concurrent use; the zero value opens and seals nothing.
type LegacyECB struct {
	hidden
	m *ecbMaterial
}

type ecbMaterial struct{ block cipher.Block }

// NewLegacyAES256ECB takes a key of 32 bytes.
//
// Errors: *sign.KeyError for another length or a key of zeros.
func NewLegacyAES256ECB(key []byte) (*LegacyECB, error) {
	if err := checkKey(key, aesKey); err != nil {
		return nil, err
	}
	return newECB("AES-256-ECB", func() (cipher.Block, error) { return aes.NewCipher(key) })
}

// NewLegacySM4ECB takes a key of 16 bytes.
//
// Errors: *sign.KeyError for another length or a key of zeros. Source: GB/T 32907-2016.
func NewLegacySM4ECB(key []byte) (*LegacyECB, error) {
	if err := checkKey(key, sm4Key); err != nil {
		return nil, err
	}
	return newECB("SM4-ECB", func() (cipher.Block, error) { return sm4.NewCipher(key) })
}

func newECB(name string, newBlock func() (cipher.Block, error)) (e *LegacyECB, err error) {
	defer recoverProbe(name, &err)
	block, err := newBlock()
	if err != nil {
		return nil, unusable(name, err)
	}
	e = &LegacyECB{m: &ecbMaterial{block: block}}
	sealed, err := e.Seal([]byte{1})
	if err != nil {
		return nil, unusable(name, err)
	}
	if _, err := e.Open(sealed); err != nil {
		return nil, unusable(name, err)
	}
	return e, nil
}

// Open decrypts whole blocks, at most [MaxInput] bytes.
//
// Errors: ErrOpen. No error does not mean that the text is genuine.
func (e *LegacyECB) Open(ciphertext []byte) ([]byte, error) {
	if e == nil || e.m == nil || !wholeBlocks(ciphertext) {
		return nil, ErrOpen
	}
	padded := make([]byte, len(ciphertext))
	for i := 0; i < len(padded); i += blockSize {
		e.m.block.Decrypt(padded[i:i+blockSize], ciphertext[i:i+blockSize])
	}
	return finish(padded)
}

// Seal encrypts 1 byte to [MaxInput] - 256 bytes.
//
// Errors: *SealError.
func (e *LegacyECB) Seal(plaintext []byte) ([]byte, error) {
	if e == nil || e.m == nil {
		return nil, errNotMade()
	}
	if err := checkPlaintext(plaintext, MaxInput-maxOverhead); err != nil {
		return nil, err
	}
	padded := pad(plaintext)
	for i := 0; i < len(padded); i += blockSize {
		e.m.block.Encrypt(padded[i:i+blockSize], padded[i:i+blockSize])
	}
	return padded, nil
}
