package sign

import (
	"strconv"
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
	// Of nested values: how deep, how many, and the last member's name as written.
	depth, values int
	key           string
	// The text was walked before: its names need no second look.
	checked bool
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
