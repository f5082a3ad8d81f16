package envelope

import (
	"encoding/base64"
	"strings"
)

// EncodeBase64 writes a ciphertext for the wire: standard alphabet, padded, one line.
func EncodeBase64(ciphertext []byte) string { return base64.StdEncoding.EncodeToString(ciphertext) }

// DecodeBase64 reads a ciphertext from the wire: standard alphabet, padded, no line
// breaks or blanks, no stray bits, 1 byte to [MaxInput] decoded.
//
// Errors: ErrOpen.
func DecodeBase64(s string) ([]byte, error) {
	// The library's decoder passes over line breaks, and one ciphertext should have
	// one text.
	if s == "" || len(s) > base64.StdEncoding.EncodedLen(MaxInput) || strings.ContainsAny(s, "\r\n") {
		return nil, ErrOpen
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) > MaxInput {
		return nil, ErrOpen
	}
	return b, nil
}
