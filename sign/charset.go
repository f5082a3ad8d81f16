package sign

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// Charset is what the characters of a text are written in. Nothing is ever
// normalised, replaced or left out: what a charset cannot write is refused.
type Charset string

const (
	// AsIs takes bytes as they are, valid UTF-8 or not.
	AsIs Charset = ""
	// UTF8 is UTF-8, and refuses invalid bytes.
	UTF8 Charset = "UTF-8"
	// GBK is code page 936 without the euro sign, which its users write as 0x80,
	// as A2E3 or not at all.
	GBK Charset = "GBK"
	// GB18030 is GB 18030-2005: every character, in one, two or four bytes.
	GB18030 Charset = "GB18030"
)

var (
	errNotUTF8  = errors.New("is not valid UTF-8")
	errUnmapped = errors.New("has a character the charset cannot write")
	errCharset  = errors.New("is for an unknown charset")
	errMalform  = errors.New("is not valid in the charset")
)

// Encode appends s, which is UTF-8, to dst in c.
//
// Errors: *Error with Part "text" for invalid UTF-8, a character that does not map,
// or an unknown charset.
func (c Charset) Encode(dst []byte, s string) ([]byte, error) {
	out, err := c.append(dst, s, EscapeNone)
	if err != nil {
		return nil, &Error{Part: partText, Problem: "text " + err.Error()}
	}
	return out, nil
}

// Decode returns b, which is in c, as UTF-8. It accepts only what Encode writes, so
// that the bytes a signature is over come back the same.
//
// Errors: *Error with Part "text" for anything else, or more than 1 MiB.
func (c Charset) Decode(b []byte) (string, error) {
	s, err := c.decode(b)
	if err != nil {
		return "", &Error{Part: partText, Problem: "text " + err.Error()}
	}
	return s, nil
}

func (c Charset) decode(b []byte) (string, error) {
	if len(b) > maxBody {
		return "", errors.New("is longer than 1 MiB")
	}
	table, err := c.table()
	switch {
	case err != nil:
		return "", err
	case c == UTF8 && !utf8.Valid(b):
		return "", errNotUTF8
	case table == nil:
		return string(b), nil
	}
	s, err := table.NewDecoder().Bytes(b) // replaces what it cannot read
	if err != nil {
		return "", errMalform
	}
	back, err := c.append(nil, string(s), EscapeNone)
	if err != nil || !bytes.Equal(back, b) {
		return "", errMalform
	}
	return string(s), nil
}

func (c Charset) table() (encoding.Encoding, error) {
	switch c {
	case AsIs, UTF8:
		return nil, nil
	case GBK:
		return simplifiedchinese.GBK, nil
	case GB18030:
		return simplifiedchinese.GB18030, nil
	}
	return nil, errCharset
}

// append appends s in c, then escaped, to dst. Its errors go behind a field's name.
func (c Charset) append(dst []byte, s string, e Escape) ([]byte, error) {
	table, err := c.table()
	switch {
	case err != nil:
		return nil, err
	case e > EscapeRFC3986:
		return nil, errors.New("is for an unknown escape")
	case c != AsIs && !utf8.ValidString(s):
		return nil, errNotUTF8
	case table == nil || ascii(s):
		return escape(dst, s, e), nil
	case c == GBK && strings.ContainsRune(s, '€'):
		return nil, errUnmapped
	}
	b, err := table.NewEncoder().Bytes([]byte(s))
	if err != nil {
		return nil, errUnmapped
	}
	return escape(dst, b, e), nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
