package envelope

import (
	"crypto/cipher"
	"fmt"

	"github.com/bankrail/bankrail/sign"
	"github.com/emmansun/gmsm/sm4"
)

// CBC opens and seals with SM4 in CBC mode and PKCS#7 padding. It does not notice
// changes: whoever can alter a ciphertext can flip chosen bits of the plaintext, and
// whoever can ask often whether something opened can read it. So it is for gateways
// that demand it, whose signature is checked next, with the same answer for both.
// Formatting shows nothing of the key. Safe for concurrent use; the zero value opens
// and seals nothing.
type CBC struct {
	hidden
	m *cbcMaterial
}

type cbcMaterial struct{ block cipher.Block }

// NewSM4CBC takes a key of 16 bytes.
//
// Errors: *sign.KeyError for another length, a key of zeros, or FIPS 140-only mode.
// Source: GB/T 32907-2016 (SM4), GB/T 17964-2021 (CBC).
func NewSM4CBC(key []byte) (c *CBC, err error) {
	const name = "SM4-CBC"
	defer recoverProbe(name, &err)
	if err := checkKey(key, sm4Key); err != nil {
		return nil, err
	}
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, unusable(name, err)
	}
	c = &CBC{m: &cbcMaterial{block: block}}
	iv := make([]byte, blockSize)
	sealed, err := c.Seal(iv, []byte{1})
	if err != nil {
		return nil, unusable(name, err)
	}
	if _, err := c.Open(iv, sealed); err != nil {
		return nil, unusable(name, err)
	}
	return c, nil
}

// CMBVector is the initial vector of China Merchants Bank direct (招行云直连): the user
// id, which has 10 characters, and six zeros. It is the same for every message, as
// the bank demands, so equal beginnings show as equal ciphertexts.
//
// Errors: *sign.KeyError for an id that is not 10 printable ASCII characters.
// Source: the bank's published examples.
func CMBVector(userID string) ([]byte, error) {
	const want = 10
	ok := len(userID) == want
	for i := 0; ok && i < len(userID); i++ {
		ok = userID[i] > ' ' && userID[i] < 0x7f
	}
	if !ok {
		return nil, &sign.KeyError{Source: "user id", Problem: fmt.Sprintf("not %d printable ASCII characters", want)}
	}
	return []byte(userID + "000000"), nil
}

// Open decrypts whole blocks, at most [MaxInput] bytes, under a vector of 16 bytes.
//
// Errors: ErrOpen. No error does not mean that the text is genuine.
func (c *CBC) Open(iv, ciphertext []byte) ([]byte, error) {
	if c == nil || c.m == nil || len(iv) != blockSize || !wholeBlocks(ciphertext) {
		return nil, ErrOpen
	}
	padded := make([]byte, len(ciphertext))
	cipher.NewCBCDecrypter(c.m.block, iv).CryptBlocks(padded, ciphertext)
	return finish(padded)
}

// Seal encrypts 1 byte to [MaxInput] - 256 bytes under a vector of 16 bytes, which
// should be random for each message unless the gateway fixes it.
//
// Errors: *SealError.
func (c *CBC) Seal(iv, plaintext []byte) ([]byte, error) {
	if c == nil || c.m == nil {
		return nil, errNotMade()
	}
	if len(iv) != blockSize {
		return nil, &SealError{Problem: fmt.Sprintf("the initial vector is %d bytes, want %d", len(iv), blockSize)}
	}
	if err := checkPlaintext(plaintext, MaxInput-maxOverhead); err != nil {
		return nil, err
	}
	padded := pad(plaintext)
	cipher.NewCBCEncrypter(c.m.block, iv).CryptBlocks(padded, padded)
	return padded, nil
}
