package sign

import (
	"strconv"
	"strings"
)

// NestedRule says what becomes of an array or object inside a JSON body.
type NestedRule uint8

// What becomes of an array or object inside a JSON body.
const (
	// RejectNested refuses the body.
	RejectNested NestedRule = iota
	// RawNested takes the value's own bytes, as json.RawMessage has them.
	RawNested
	// SortedNested takes the value without white space and with the members of
	// every object in byte order of their names; names, strings and numbers keep
	// the bytes they were written in, arrays their order.
	SortedNested
	// PlaceholderNested takes JSONRule.Placeholder.
	PlaceholderNested
)

// NullRule says what becomes of null in a JSON body.
type NullRule uint8

// What becomes of null in a JSON body.
const (
	// RejectNull refuses the body.
	RejectNull NullRule = iota
	// DropNull leaves the member out, as fastjson does when it writes.
	DropNull
	// EmptyNull takes the empty string, to which Text.Empty applies.
	EmptyNull
	// TextNull takes the four characters null.
	TextNull
)

// BoolRule says what becomes of true and false in a JSON body.
type BoolRule uint8

// What becomes of true and false in a JSON body.
const (
	// RejectBool refuses the body.
	RejectBool BoolRule = iota
	// TextBool takes "true" and "false".
	TextBool
	// DigitBool takes "1" and "0".
	DigitBool
)

// Bounds of nested JSON. Each object in a body costs its reader a few microseconds.
const (
	maxLevels = 32
	maxValues = 4096
)

// JSONRule says how the members of a JSON object become fields. The zero value is
// the strict form of [JSONFields]: strings and integers only.
//
// Numbers are never parsed: 1.0, 1e6 and 9007199254740993 stay the text they were
// written in, because a gateway signs what it wrote.
type JSONRule struct {
	// Nested is what becomes of arrays and objects. Defaults to RejectNested.
	Nested NestedRule
	// Placeholder is the text of PlaceholderNested. Defaults to "".
	Placeholder string
	// Null is what becomes of null at the top level. Defaults to RejectNull.
	Null NullRule
	// Bool is what becomes of booleans at the top level. Defaults to RejectBool.
	Bool BoolRule
	// Fractions admits numbers with a fraction or exponent, and -0. Defaults to false.
	Fractions bool
}

// Fields appends the members of the JSON object in body to dst, in wire order.
//
// Besides what [JSONFields] refuses and the rule does not admit, it refuses, at any
// depth, a name given twice or differing only in case, more than 32 levels and more
// than 4096 values.
//
// Errors: *FormError.
func (r JSONRule) Fields(dst []Field, body []byte) ([]Field, error) {
	s, err := newScanner(body)
	if err != nil {
		return nil, err
	}
	fields := dst
	if !s.members(func(name string, start int) bool {
		f := Field{Name: name}
		taken, ok := s.field(r, &f, start)
		if taken {
			fields = append(fields, f)
		}
		return ok
	}) || !s.end() {
		return nil, s.err
	}
	return fields, nil
}

// JSONRawFields appends the members of the JSON object in body to dst, in wire
// order, each value as the bytes it was written in: a string with its quotes and
// escapes. It is for dialects that sign JSON text, and for reading one member.
//
// Errors: *FormError, as [JSONRule.Fields].
func JSONRawFields(dst []Field, body []byte) ([]Field, error) {
	s, err := newScanner(body)
	if err != nil {
		return nil, err
	}
	fields := dst
	if !s.members(func(name string, start int) bool {
		fields = append(fields, Field{name, s.in[start:s.pos]})
		return true
	}) || !s.end() {
		return nil, s.err
	}
	return fields, nil
}

// JSONMember returns the piece of body that is the value of one member of the
// object in it, without the white space around it: what json.RawMessage would hold,
// but not a copy. A name of the form "*_response" stands for the one member whose
// name ends so.
//
// Nothing is decoded or written anew, so the piece can be verified: Alipay escapes
// slashes and keeps its own order, and a cut by searching the text would be misled
// by a value that holds `,"sign":`.
//
// Errors: *FormError, as [JSONRule.Fields], and for a member that is missing or,
// under "*", there more than once.
func JSONMember(body []byte, name string) ([]byte, error) {
	s, err := newScanner(body)
	if err != nil {
		return nil, err
	}
	suffix, wild := strings.CutPrefix(name, "*")
	var piece []byte
	if !s.members(func(member string, start int) bool {
		if member != name && (!wild || !strings.HasSuffix(member, suffix)) {
			return true
		}
		if piece != nil {
			return s.failMember(member, "a second member of this kind")
		}
		piece = body[start:s.pos:s.pos]
		return true
	}) || !s.end() {
		return nil, s.err
	}
	if piece == nil {
		return nil, &FormError{Where: quote(name), Problem: "no such member"}
	}
	return piece, nil
}

func newScanner(body []byte) (*scanner, error) {
	if len(body) > maxBody {
		return nil, &FormError{Where: "byte " + strconv.Itoa(maxBody), Problem: "body is longer than 1 MiB"}
	}
	return &scanner{in: string(body)}, nil
}

// field turns the value between start and s.pos into a field.
func (s *scanner) field(r JSONRule, f *Field, start int) (taken, ok bool) {
	raw := s.in[start:s.pos]
	f.Value = raw
	switch c := raw[0]; {
	case c == '"':
		if strings.IndexByte(raw, '\\') < 0 {
			f.Value = raw[1 : len(raw)-1]
			return true, true
		}
		f.Value, ok = (&scanner{in: raw}).text()
		return true, ok
	case c == '{' || c == '[':
		return s.nested(r, f)
	case c == 'n':
		f.Value = map[NullRule]string{TextNull: raw}[r.Null]
		if r.Null == RejectNull || r.Null > TextNull {
			return false, s.failMember(f.Name, "value is null")
		}
		return r.Null != DropNull, true
	case c == 't' || c == 'f':
		if r.Bool == DigitBool {
			f.Value = map[byte]string{'t': "1", 'f': "0"}[c]
		}
		if r.Bool == RejectBool || r.Bool > DigitBool {
			return false, s.failMember(f.Name, "value is true or false")
		}
	case !r.Fractions && (strings.ContainsAny(raw, ".eE") || raw == "-0"):
		return false, s.failMember(f.Name, "number is not a plain integer")
	}
	return true, true
}

func (s *scanner) nested(r JSONRule, f *Field) (taken, ok bool) {
	switch r.Nested {
	case RawNested:
	case SortedNested:
		f.Value = string(appendSorted(nil, f.Value, nil))
	case PlaceholderNested:
		f.Value = r.Placeholder
	default:
		return false, s.failMember(f.Name, "value is an array or an object")
	}
	return true, true
}
