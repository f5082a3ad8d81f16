package sign

import (
	"fmt"
	"slices"
	"strings"
)

// Field is one named value of a message, as it is on the wire.
type Field struct{ Name, Value string }

// EmptyRule says what becomes of a field whose value is empty.
type EmptyRule uint8

// What becomes of a field whose value is empty. "0" is not empty.
const (
	// SkipEmpty leaves the field out: empty and missing give the same text, so
	// code that reads the message must treat them alike.
	SkipEmpty EmptyRule = iota
	// KeepEmpty writes the name with nothing behind it.
	KeepEmpty
	// RejectEmpty refuses the message.
	RejectEmpty
)

// Order says in which order the fields stand in the text.
type Order uint8

// In which order the fields stand in the text.
const (
	// ByteOrder sorts names by their bytes ("B" before "a", "a" before "a1").
	ByteOrder Order = iota
	// WireOrder keeps the order the fields were given in.
	WireOrder
)

// maxFields bounds a message. The dialects known have fewer than 100.
const maxFields = 1024

// Text is a dialect of the canonical text of a message, as data. The zero value is
// the rule of the bank refund brief: empty values left out, names in byte order,
// "name=value" joined by "&", values raw.
//
// The text of a dialect with separators is not unique: memo="x&order=2" and
// memo="x" with order="2" give the same. Whoever verifies must build the text from
// the fields received and read no others; whoever signs can set Strict.
type Text struct {
	// Exclude names the fields left out, such as the signature itself. Defaults to none.
	Exclude []string
	// Empty is what becomes of empty values. Defaults to SkipEmpty.
	Empty EmptyRule
	// Order is that of the fields. Defaults to ByteOrder.
	Order Order
	// Pair stands between two fields. Defaults to "&".
	Pair string
	// Assign stands between name and value. Defaults to "=".
	Assign string
	// Strict refuses a name or value that contains Pair or Assign. It is for
	// signing: a verifier has to take what the other side signs. Defaults to false.
	Strict bool
}

// Append appends the text of fields to dst and returns the longer slice, as append
// does. It sorts fields in place under ByteOrder. It allocates only when dst is
// too small, and then once.
//
// Errors: *Error with Part "body" for a name given twice (excluded and empty fields
// count), a field without a name or more than 1024 fields; with Part "text" for an
// empty value under RejectEmpty, a separator under Strict, or a text without a
// single field, which would sign anything else that is empty.
func (t Text) Append(dst []byte, fields []Field) ([]byte, error) {
	if t.Pair == "" {
		t.Pair = "&"
	}
	if t.Assign == "" {
		t.Assign = "="
	}
	if err := t.arrange(fields); err != nil {
		return nil, err
	}
	size := 0
	for i := range fields {
		f := &fields[i]
		if t.skips(f) {
			continue
		}
		if err := t.check(f); err != nil {
			return nil, err
		}
		size += len(f.Name) + len(t.Assign) + len(f.Value) + len(t.Pair)
	}
	if size == 0 {
		return nil, &Error{Part: partText, Problem: "no field to sign"}
	}
	if cap(dst)-len(dst) < size {
		dst = append(make([]byte, 0, len(dst)+size), dst...)
	}
	start := len(dst)
	for i := range fields {
		f := &fields[i]
		if t.skips(f) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, t.Pair...)
		}
		dst = append(dst, f.Name...)
		dst = append(dst, t.Assign...)
		dst = append(dst, f.Value...)
	}
	return dst, nil
}

// FromMap appends the text of the fields in m to dst, as [Text.Append]. A map has
// no order of its own, so WireOrder is refused.
//
// Errors: those of Append; *Error with Part "text" under WireOrder.
func (t Text) FromMap(dst []byte, m map[string]string) ([]byte, error) {
	if t.Order != ByteOrder {
		return nil, &Error{Part: partText, Problem: "a map has no wire order"}
	}
	var few [32]Field // on the stack: what messages have
	fields := few[:0]
	if len(m) > len(few) {
		fields = make([]Field, 0, len(m))
	}
	for name, value := range m {
		fields = append(fields, Field{name, value})
	}
	return t.Append(dst, fields)
}

// arrange puts the fields in order and refuses ambiguous ones: with a name twice,
// two readers of one signed message can see two amounts.
func (t Text) arrange(fields []Field) error {
	if len(fields) > maxFields {
		return &Error{Part: partBody, Problem: fmt.Sprintf("%d fields, want at most %d", len(fields), maxFields)}
	}
	if t.Order == ByteOrder {
		slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	}
	for i := range fields {
		name := fields[i].Name
		if name == "" {
			return &Error{Part: partBody, Problem: "a field has no name"}
		}
		before := fields[:i]
		if t.Order == ByteOrder {
			before = fields[max(i-1, 0):i] // sorted: a twin is the neighbour
		}
		for j := range before {
			if before[j].Name == name {
				return &Error{Part: partBody, Problem: "field " + quote(name) + " is there twice"}
			}
		}
	}
	return nil
}

func (t *Text) skips(f *Field) bool {
	return f.Value == "" && t.Empty == SkipEmpty || slices.Contains(t.Exclude, f.Name)
}

// check refuses a field that is to be written and may not be.
func (t *Text) check(f *Field) error {
	switch {
	case f.Value == "" && t.Empty == RejectEmpty:
		return &Error{Part: partText, Problem: "field " + quote(f.Name) + " is empty"}
	case t.Strict && (t.separates(f.Name) || t.separates(f.Value)):
		return &Error{Part: partText, Problem: "field " + quote(f.Name) + " contains a separator"}
	}
	return nil
}

func (t *Text) separates(s string) bool {
	return strings.Contains(s, t.Pair) || strings.Contains(s, t.Assign)
}
