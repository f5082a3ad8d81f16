package sign

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

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

// unit reads \u and four hex digits at i, or returns -1.
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
