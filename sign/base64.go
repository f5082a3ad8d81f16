package sign

import (
	"encoding/base64"
	"strings"
)

// maxBase64 is twice what the largest signature, RSA 4096, takes.
const maxBase64 = 1024

// EncodeBase64 writes a signature for the wire: standard alphabet, padded, one line.
func EncodeBase64(sig []byte) string { return base64.StdEncoding.EncodeToString(sig) }

// DecodeBase64 reads a signature from the wire: standard alphabet, padded, 1 to
// 1024 characters, no line breaks or blanks, no stray bits. One signature has one
// text, and a text that does not decode never becomes an empty signature.
//
// Errors: *Error (ErrSignature) with Part "signature".
func DecodeBase64(s string) ([]byte, error) {
	refuse := func(problem string) ([]byte, error) {
		return nil, &Error{Part: partSignature, Problem: problem}
	}
	switch {
	case s == "":
		return refuse("no signature")
	case len(s) > maxBase64:
		return refuse("longer than 1024 characters")
	case strings.ContainsAny(s, "\r\n"): // the decoder would skip them
		return refuse("line break in the Base64")
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(sig) == 0 {
		return refuse("not standard padded Base64")
	}
	return sig, nil
}
