package sign

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
)

// Hash names a digest that stands inside a text or in place of it. MD5 is here for
// gateways that demand it; it protects nothing by itself.
type Hash string

// The digests that gateways put into texts.
const (
	HashSHA256 Hash = "SHA-256"
	HashMD5    Hash = "MD5"
	HashSM3    Hash = "SM3"
)

// DigestForm is how a digest is written.
type DigestForm uint8

// How a digest is written.
const (
	// DigestRaw is the digest's bytes.
	DigestRaw DigestForm = iota
	// DigestHex is lower-case hex.
	DigestHex
	// DigestHexUpper is upper-case hex.
	DigestHexUpper
)

// PreDigest says that not the text is signed but a digest of it, written in some
// form, which the signature then digests once more. The zero value signs the text.
//
// It is data of a dialect: a signature over the digest never verifies as one over
// the text.
type PreDigest struct {
	// Hash is the digest. Defaults to none.
	Hash Hash
	// Form is how it is written. Defaults to DigestRaw; without a Hash it has to be that.
	Form DigestForm
}

// Append appends what is signed in place of text to dst.
//
// Errors: *Error with Part "text" for an unknown hash or form, or a hash that this
// process may not compute (MD5 and SM3 in FIPS 140-only mode).
func (p PreDigest) Append(dst, text []byte) (_ []byte, err error) {
	if p == (PreDigest{}) {
		return append(dst, text...), nil
	}
	sum, err := p.Hash.sum(text)
	if err != nil {
		return nil, err
	}
	switch p.Form {
	case DigestRaw:
		return append(dst, sum...), nil
	case DigestHex:
		return hex.AppendEncode(dst, sum), nil
	case DigestHexUpper:
		start := len(dst)
		dst = hex.AppendEncode(dst, sum)
		for i := start; i < len(dst); i++ {
			if dst[i] >= 'a' {
				dst[i] -= 'a' - 'A'
			}
		}
		return dst, nil
	}
	return nil, &Error{Part: partText, Problem: "the dialect has an unknown form of the digest"}
}

func (h Hash) sum(text []byte) (sum []byte, err error) {
	defer func() { // FIPS 140-only mode panics inside MD5
		if r := recover(); r != nil {
			sum, err = nil, &Error{Part: partText, Problem: string(h) + " does not work in this process", Err: fmt.Errorf("%v", r)}
		}
	}()
	switch h {
	case HashSHA256:
		s := sha256.Sum256(text)
		return s[:], nil
	case HashMD5:
		s := md5.Sum(text)
		return s[:], nil
	case HashSM3:
		s := sm3.Sum(text)
		return s[:], nil
	}
	return nil, &Error{Part: partText, Problem: "the dialect names an unknown digest"}
}
