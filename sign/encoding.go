package sign

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// Encoding is how the bytes of a signature are written on the wire. The zero value
// is Base64.
type Encoding string

const (
	// Base64 is the standard alphabet with padding. Source: RFC 4648 section 4.
	Base64 Encoding = "base64"
	// Base64URL is the URL alphabet with padding. Source: RFC 4648 section 5.
	Base64URL Encoding = "base64url"
	// RawBase64 is the standard alphabet without padding.
	RawBase64 Encoding = "rawbase64"
	// RawBase64URL is the URL alphabet without padding.
	RawBase64URL Encoding = "rawbase64url"
	// HexLower is hexadecimal in small letters; capitals are read as well.
	HexLower Encoding = "hex"
	// HexUpper is hexadecimal in capitals; small letters are read as well.
	HexUpper Encoding = "HEX"
)

// Encode writes b in one line, and nothing for an Encoding that is none of the
// constants: nobody takes an empty signature.
func (e Encoding) Encode(b []byte) string {
	switch e {
	case HexLower:
		return hex.EncodeToString(b)
	case HexUpper:
		return strings.ToUpper(hex.EncodeToString(b))
	}
	if c := e.base64(); c != nil {
		return c.EncodeToString(b)
	}
	return ""
}

// Decode reads a signature from the wire: 1 to 1024 characters of exactly this
// encoding, no line breaks or blanks, no stray bits, padding where it belongs and
// nowhere else. A text that does not decode never becomes an empty signature.
//
// Errors: *Error (ErrSignature) with Part "signature".
func (e Encoding) Decode(s string) ([]byte, error) {
	refuse := func(problem string) ([]byte, error) {
		return nil, &Error{Part: partSignature, Problem: problem}
	}
	switch {
	case s == "":
		return refuse("no signature")
	case len(s) > maxBase64:
		return refuse(fmt.Sprintf("longer than %d characters", maxBase64))
	}
	var (
		sig []byte
		err error
	)
	if e == HexLower || e == HexUpper {
		sig, err = hex.DecodeString(s)
	} else if c := e.base64(); c == nil {
		return refuse("unknown encoding " + quote(string(e)))
	} else if strings.ContainsAny(s, "\r\n") { // the decoder would skip them
		return refuse("line break in the Base64")
	} else {
		sig, err = c.DecodeString(s)
	}
	if err != nil || len(sig) == 0 {
		return refuse("not " + e.describe())
	}
	return sig, nil
}

// base64 returns the strict codec, or nil where e is not Base64.
func (e Encoding) base64() *base64.Encoding {
	switch e {
	case "", Base64:
		return base64.StdEncoding.Strict()
	case Base64URL:
		return base64.URLEncoding.Strict()
	case RawBase64:
		return base64.RawStdEncoding.Strict()
	case RawBase64URL:
		return base64.RawURLEncoding.Strict()
	}
	return nil
}

func (e Encoding) describe() string {
	switch e {
	case HexLower, HexUpper:
		return "hexadecimal"
	case Base64URL:
		return "padded URL Base64"
	case RawBase64:
		return "standard Base64 without padding"
	case RawBase64URL:
		return "URL Base64 without padding"
	}
	return "standard padded Base64"
}
