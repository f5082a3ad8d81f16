// Package envelope opens and seals the encrypted parts of gateway messages: WeChat's
// AEAD resources, the SM4 and AES blocks older interfaces demand, and fields
// encrypted under an RSA or SM2 key.
//
// Which function to call:
//
//   - WeChat v3 callbacks and certificates: [NewWeChatAES], [NewWeChatSM4],
//     [AEAD.OpenResource]
//   - sensitive fields under the other side's key: [NewSealer]; under ours: [NewOpener]
//   - China Merchants Bank direct (招行云直连): [NewSM4CBC] with [CMBVector]
//   - WeChat v2 refund notifications: [NewLegacyWeChatRefund]
//   - any other AES-256-GCM or SM4-GCM: [NewAES256GCM], [NewSM4GCM]
//   - text on the wire: [EncodeBase64], [DecodeBase64]
//
// In three lines:
//
//	box, err := envelope.NewWeChatAES(apiV3Key)
//	plaintext, err := box.OpenResource(notice.Resource)
//	if err != nil { /* answer as for a bad signature */ }
//
// Everything that does not open gives [ErrOpen] itself, without a word on why: an
// answer that tells a wrong padding from a wrong key, point or tag lets whoever sends
// ciphertexts read them. What cannot be sealed gives [*SealError], and a bad key
// *sign.KeyError when the thing is made. Where the gateway leaves a choice, take an
// [AEAD]: it alone notices that a ciphertext was changed. After [CBC] and [LegacyECB]
// the signature inside decides, and its refusal has to look from outside like ErrOpen.
//
// Nothing empty is sealed or opened, because an empty field that "was encrypted" is
// always a mistake; nothing above [MaxInput] is looked at. It is not for files or
// streams, and a ciphertext under a public key says nothing about who made it.
package envelope

import (
	"errors"
	"fmt"

	"github.com/bankrail/bankrail/sign"
)

// MaxInput is the longest ciphertext, plaintext or associated data in bytes: 1 MiB,
// as long as the longest body the client reads. A plaintext may be 256 bytes less, so
// that whatever was sealed can be opened.
const MaxInput = 1 << 20

// maxOverhead is more than any scheme here adds: SM2 in DER adds at most 116 bytes.
const maxOverhead = 256

// ErrOpen is every refusal to open: wrong key, wrong nonce, wrong length, wrong
// padding, a point off the curve, a changed byte. It is returned as it is, with no
// cause and no detail.
var ErrOpen = errors.New("envelope: does not open")

// ErrSeal is what errors.Is finds in every refusal to seal. The details are in
// [*SealError].
var ErrSeal = errors.New("envelope: cannot be sealed")

// SealError says why a plaintext was not sealed. It holds neither the plaintext nor
// the key.
type SealError struct {
	// Problem says what is wrong and what is allowed.
	Problem string
	// Err is the cause, or nil.
	Err error
}

// Error gives problem and cause on one line.
func (e *SealError) Error() string {
	s := ErrSeal.Error() + ": " + e.Problem
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *SealError) Unwrap() error { return e.Err }

// Is reports that every SealError is ErrSeal.
func (e *SealError) Is(target error) bool { return target == ErrSeal }

// checkPlaintext refuses what is sealed by mistake.
func checkPlaintext(plaintext []byte, limit int) error {
	if len(plaintext) == 0 {
		return &SealError{Problem: "the plaintext is empty"}
	}
	if len(plaintext) > limit {
		return &SealError{Problem: fmt.Sprintf("the plaintext is %d bytes, want at most %d", len(plaintext), limit)}
	}
	return nil
}

// errNotMade is for values nobody made with a constructor.
func errNotMade() error { return &SealError{Problem: "there is no key"} }

// keySource stands in KeyError.Source for symmetric keys, which come as bytes.
const keySource = "bytes"

func checkKey(key []byte, want int) error {
	if len(key) != want {
		return &sign.KeyError{Source: keySource, Problem: fmt.Sprintf("symmetric key is %d bytes, want %d", len(key), want)}
	}
	// A buffer nobody filled is a key everybody knows.
	var or byte
	for _, b := range key {
		or |= b
	}
	if or == 0 {
		return &sign.KeyError{Source: keySource, Problem: "symmetric key is all zeros"}
	}
	return nil
}

// recoverProbe turns a panic at construction into an error: in FIPS 140-only mode the
// standard library panics on SM4 in CBC mode and on MD5, and a callback handler must
// not be the first to notice.
func recoverProbe(name string, err *error) {
	if p := recover(); p != nil {
		*err = unusable(name, fmt.Errorf("%v", p))
	}
}

func unusable(name string, cause error) error {
	return &sign.KeyError{Source: keySource, Problem: name + " does not work in this process", Err: cause}
}
