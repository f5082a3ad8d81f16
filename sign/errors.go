package sign

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// ErrSignature is what errors.Is finds in every refusal of a signature or of the
// text under it. The details are in [*Error].
var ErrSignature = errors.New("sign: signature does not verify")

// ErrKey is what errors.Is finds in every refusal of a key or a key file. The
// details are in [*KeyError].
var ErrKey = errors.New("sign: bad key")

// Parts of a signed message an [Error] can blame.
const (
	partClock     = "clock"
	partSerial    = "serial"
	partBody      = "body"
	partText      = "text"
	partSignature = "signature"
)

// Error says which part of a signed message is wrong. Every Error is ErrSignature:
// met while verifying, the message must not be believed; the canonical text's own
// rules ("body" and "text") refuse the same fields when signing.
type Error struct {
	// Part is "clock" (key not valid now, or a stale message), "serial" (no such
	// key), "body" (the members are ambiguous), "key", "text" (the dialect
	// refuses a field) or "signature".
	Part string
	// KeyID is the key asked for, as the message named it; may be empty.
	KeyID string
	// Digest is the hex SHA-256 of the text that was checked, to compare with
	// what the other side signed. The text itself is never in an error. Empty
	// when no text was there yet.
	Digest string
	// Problem says what is wrong, without values from the message.
	Problem string
	// Err is the cause, or nil.
	Err error
}

// Error gives part, problem, key and digest on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("sign: ")
	b.WriteString(e.Part)
	b.WriteString(": ")
	b.WriteString(e.Problem)
	if e.KeyID != "" {
		b.WriteString(", key ")
		b.WriteString(quote(e.KeyID))
	}
	if e.Digest != "" {
		b.WriteString(", text sha256 ")
		b.WriteString(e.Digest)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports that every Error is ErrSignature.
func (e *Error) Is(target error) bool { return target == ErrSignature }

// KeyError says which key is wrong and why. It never holds key bytes.
type KeyError struct {
	// Source is where the key came from: "file merchant.pem", "env BANK_KEY",
	// "bytes", or the ring key or signer it was meant for.
	Source string
	// Problem says what is wrong and what was wanted.
	Problem string
	// Err is the cause, or nil.
	Err error
}

// Error gives source, problem and cause on one line.
func (e *KeyError) Error() string {
	s := "sign: key from " + e.Source + ": " + e.Problem
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *KeyError) Unwrap() error { return e.Err }

// Is reports that every KeyError is ErrKey.
func (e *KeyError) Is(target error) bool { return target == ErrKey }

// quote makes a name from outside safe and short enough for an error text.
func quote(s string) string {
	const limit = 64
	if len(s) > limit {
		return strconv.QuoteToASCII(s[:limit]) + "…"
	}
	return strconv.QuoteToASCII(s)
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func errNoKey(source string) error { return &KeyError{Source: source, Problem: "no key"} }
