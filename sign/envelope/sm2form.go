package envelope

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/asn1"
	"hash"
	"math/big"
	"slices"
)

// Parts of an SM2 ciphertext in bytes.
const (
	sm2Number   = 32
	sm2Point    = 1 + 2*sm2Number
	sm2Digest   = 32
	sm2Overhead = sm2Point + sm2Digest
)

// sm2Envelope is SM2Cipher of GM/T 0009-2012 section 7.2.
type sm2Envelope struct {
	X, Y   *big.Int
	C3, C2 []byte
}

// oaep is the hash of an RSA scheme.
func (s Scheme) oaep() hash.Hash {
	if s == LegacyRSAOAEPSHA1 {
		return sha1.New()
	}
	return sha256.New()
}

// fromRaw writes C1‖C3‖C2 in the form of the scheme.
func (s Scheme) fromRaw(raw []byte) ([]byte, error) {
	c1, c3, c2 := raw[:sm2Point], raw[sm2Point:sm2Overhead], raw[sm2Overhead:]
	switch s {
	case SM2C1C2C3:
		return slices.Concat(c1, c2, c3), nil
	case SM2ASN1:
		return asn1.Marshal(sm2Envelope{
			X: new(big.Int).SetBytes(c1[1 : 1+sm2Number]), Y: new(big.Int).SetBytes(c1[1+sm2Number:]), C3: c3, C2: c2,
		})
	}
	return raw, nil
}

// toRaw reads the form of the scheme as C1‖C3‖C2, checked for length and prefix.
// Only the scheme decides the form: a reader that guesses it from the first byte can
// be led to read one ciphertext in two ways.
func (s Scheme) toRaw(ciphertext []byte) ([]byte, bool) {
	if s == SM2ASN1 {
		return sm2FromDER(ciphertext)
	}
	if len(ciphertext) <= sm2Overhead || ciphertext[0] != 4 {
		return nil, false
	}
	if s == SM2C1C2C3 {
		cut := len(ciphertext) - sm2Digest
		return slices.Concat(ciphertext[:sm2Point], ciphertext[cut:], ciphertext[sm2Point:cut]), true
	}
	return ciphertext, true
}

func sm2FromDER(der []byte) ([]byte, bool) {
	var e sm2Envelope
	_, err := asn1.Unmarshal(der, &e)
	if err != nil || len(e.C3) != sm2Digest || len(e.C2) == 0 ||
		e.X.Sign() < 0 || e.Y.Sign() < 0 || e.X.BitLen() > 8*sm2Number || e.Y.BitLen() > 8*sm2Number {
		return nil, false
	}
	// The library passes over what stands behind the sequence and behind its last
	// member; one ciphertext has one form.
	if again, err := asn1.Marshal(e); err != nil || !bytes.Equal(again, der) {
		return nil, false
	}
	raw := make([]byte, sm2Overhead+len(e.C2))
	raw[0] = 4
	e.X.FillBytes(raw[1 : 1+sm2Number])
	e.Y.FillBytes(raw[1+sm2Number : sm2Point])
	copy(raw[sm2Point:], e.C3)
	copy(raw[sm2Overhead:], e.C2)
	return raw, true
}
