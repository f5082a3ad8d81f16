package sign

import (
	"hash/maphash"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of a signed JSON body. A hostile body costs its reader no more than these.
const (
	maxBody    = 1 << 20
	maxMembers = 256
	maxName    = 256
)

// FormError says where a body is not in the strict form that can be signed without
// ambiguity. It holds no values.
type FormError struct {
	// Where is the member's name in quotes, or "byte N" counted from 0.
	Where string
	// Problem says what is there and what is allowed.
	Problem string
}

// Error gives place and problem on one line.
func (e *FormError) Error() string { return "sign: body: " + e.Where + ": " + e.Problem }

// JSONFields appends the members of a flat JSON object to dst, in wire order: a
// string as its value, an integer as the text it was written in. What it accepts,
// encoding/json reads to the same names and values.
//
// It refuses what two parsers may read in two ways or no gateway signs: a name
// given twice or differing only in case (encoding/json would fill one field from
// either), an empty name or one above 256 bytes, fractions, exponents, -0, true,
// false, null, arrays, objects, a byte order mark, NUL, invalid UTF-8, a lone
// surrogate, anything after the object, more than 1 MiB or 256 members.
//
// Errors: *FormError. Source: RFC 8259; the bank brief's S0.3 signs strings and
// integers only.
func JSONFields(dst []Field, body []byte) ([]Field, error) {
	if len(body) > maxBody {
		return nil, &FormError{Where: "byte " + strconv.Itoa(maxBody), Problem: "body is longer than 1 MiB"}
	}
	// One copy: names and values are cut out of it, and the caller may reuse body.
	s := scanner{in: string(body)}
	fields, ok := s.object(dst)
	if !ok {
		return nil, s.err
	}
	return fields, nil
}

// scanner walks a body once. Its methods report false after setting err.
type scanner struct {
	in  string
	pos int
	err *FormError
}

func (s *scanner) fail(problem string) bool {
	s.err = &FormError{Where: "byte " + strconv.Itoa(s.pos), Problem: problem}
	return false
}

func (s *scanner) failMember(name, problem string) bool {
	s.err = &FormError{Where: quote(name), Problem: problem}
	return false
}

// peek skips white space and returns the next byte, or 0 at the end; a NUL in the
// body is no token either.
func (s *scanner) peek() byte {
	for s.pos < len(s.in) {
		switch c := s.in[s.pos]; c {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) object(dst []Field) ([]Field, bool) {
	if s.peek() != '{' {
		return nil, s.fail("want an object")
	}
	s.pos++
	var seen names
	if s.peek() == '}' {
		s.pos++
		return dst, s.end()
	}
	for {
		var f Field
		if !s.member(&f, &seen) {
			return nil, false
		}
		dst = append(dst, f)
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return dst, s.end()
		default:
			return nil, s.fail("want a comma or the end of the object")
		}
	}
}

func (s *scanner) end() bool {
	if s.peek(); s.pos != len(s.in) {
		return s.fail("data after the object")
	}
	return true
}

func (s *scanner) member(f *Field, seen *names) (ok bool) {
	if s.peek() != '"' {
		return s.fail("want a member name")
	}
	if f.Name, ok = s.text(); !ok {
		return false
	}
	if problem := seen.add(f.Name); problem != "" {
		return s.failMember(f.Name, problem)
	}
	if s.peek() != ':' {
		return s.fail("want a colon")
	}
	s.pos++
	switch c := s.peek(); {
	case c == '"':
		f.Value, ok = s.text()
		return ok
	case c == '-' || c >= '0' && c <= '9':
		if f.Value = s.integer(); f.Value == "" {
			return s.failMember(f.Name, "number is not a plain integer")
		}
		return true
	}
	return s.failMember(f.Name, "value is neither a string nor an integer")
}

// integer reads -?(0|[1-9][0-9]*) except -0, or returns nothing.
func (s *scanner) integer() string {
	start := s.pos
	if s.in[s.pos] == '-' {
		s.pos++
	}
	first := s.pos
	for s.pos < len(s.in) && s.in[s.pos] >= '0' && s.in[s.pos] <= '9' {
		s.pos++
	}
	switch digits := s.in[first:s.pos]; {
	case digits == "", digits[0] == '0' && s.pos-start > 1:
		return ""
	case s.pos < len(s.in) && (s.in[s.pos] == '.' || s.in[s.pos]|0x20 == 'e'):
		return ""
	}
	return s.in[start:s.pos]
}

// text reads a string. Without an escape it is a piece of the body, not a copy.
func (s *scanner) text() (string, bool) {
	s.pos++
	start := s.pos
	var out []byte
	for s.pos < len(s.in) {
		switch c := s.in[s.pos]; {
		case c == '"':
			piece := s.in[start:s.pos]
			s.pos++
			if out == nil {
				return piece, true
			}
			return string(append(out, piece...)), true
		case c == '\\':
			out = append(out, s.in[start:s.pos]...)
			r, ok := s.escape()
			if !ok {
				return "", false
			}
			out = utf8.AppendRune(out, r)
			start = s.pos
		case c < 0x20:
			return "", s.fail("control character in a string")
		case c < utf8.RuneSelf:
			s.pos++
		default:
			r, size := utf8.DecodeRuneInString(s.in[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return "", s.fail("invalid UTF-8")
			}
			s.pos += size
		}
	}
	return "", s.fail("string does not end")
}

// escape reads one escape sequence, two for a surrogate pair.
func (s *scanner) escape() (rune, bool) {
	if s.pos+1 >= len(s.in) {
		return 0, s.fail("string does not end")
	}
	switch c := s.in[s.pos+1]; c {
	case '"', '\\', '/':
		s.pos += 2
		return rune(c), true
	case 'b':
		s.pos += 2
		return '\b', true
	case 'f':
		s.pos += 2
		return '\f', true
	case 'n':
		s.pos += 2
		return '\n', true
	case 'r':
		s.pos += 2
		return '\r', true
	case 't':
		s.pos += 2
		return '\t', true
	}
	r := s.unit(s.pos)
	switch {
	case r < 0:
		return 0, s.fail("unknown escape")
	case r == 0:
		return 0, s.fail("NUL in a string")
	case utf16.IsSurrogate(r):
		if r = utf16.DecodeRune(r, s.unit(s.pos+6)); r == unicode.ReplacementChar {
			return 0, s.fail("lone surrogate")
		}
		s.pos += 6
	}
	s.pos += 6
	return r, true
}

// unit reads \uXXXX at i, or returns -1.
func (s *scanner) unit(i int) rune {
	if i+6 > len(s.in) || s.in[i] != '\\' || s.in[i+1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range []byte(s.in[i+2 : i+6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// names finds members that are given twice or differ only in case. It compares
// seeded hashes of the folded names: a body chosen to be slow stays fast.
type names struct {
	seed   maphash.Seed
	count  int
	hashes [maxMembers]uint64
	list   [maxMembers]string
}

func (n *names) add(name string) string {
	switch {
	case name == "":
		return "empty member name"
	case len(name) > maxName:
		return "member name is longer than 256 bytes"
	case n.count == maxMembers:
		return "more than 256 members"
	case n.count == 0:
		n.seed = maphash.MakeSeed()
	}
	var buf [maxName]byte
	folded := buf[:0]
	for _, r := range name {
		folded = utf8.AppendRune(folded, fold(r))
	}
	sum := maphash.Bytes(n.seed, folded)
	for i := range n.count {
		if n.hashes[i] != sum {
			continue
		}
		if n.list[i] == name {
			return "member is there twice"
		}
		return "member differs only in case from " + quote(n.list[i])
	}
	n.hashes[n.count], n.list[n.count] = sum, name
	n.count++
	return ""
}

// fold returns the smallest rune that differs from r only in case, which is what
// encoding/json compares member names by. It is never longer than r.
func fold(r rune) rune {
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}
