package sign

import (
	"fmt"
	"slices"
	"strings"
)

// maxFields bounds a message. The dialects known have fewer than 100.
const maxFields = 1024

// Append appends the text of fields to dst and returns the longer slice, as append
// does. It sorts fields in place, but for WireOrder. It allocates only when dst is too
// small, and then once; characters of other charsets and hashed secrets take more.
//
// Errors: *Error with Part "body" for a name given twice (excluded and empty fields
// count), a field without a name or more than 1024 fields; with Part "text" for an
// empty value under RejectEmpty, a separator under Strict, a value Charset cannot
// write, a dialect that needs a secret, or a text without a single field, which
// would sign anything else that is empty.
func (t Text) Append(dst []byte, fields []Field) ([]byte, error) {
	return t.append(dst, fields, nil)
}

// AppendSecret is Append for dialects that have the secret in the text. A dialect
// that has it nowhere does not look at it: the MAC it goes into is another matter.
//
// Errors: those of Append; *Error with Part "text" for an empty secret where the
// dialect has one in the text, because a digest without a secret is a public
// function, or one of more than 4096 bytes.
func (t Text) AppendSecret(dst []byte, fields []Field, secret []byte) ([]byte, error) {
	return t.append(dst, fields, secret)
}

func (t *Text) append(dst []byte, fields []Field, secret []byte) ([]byte, error) {
	if err := t.defaults(secret); err != nil {
		return nil, err
	}
	if err := t.arrange(fields); err != nil {
		return nil, err
	}
	if t.simple() {
		return t.appendSimple(dst, fields)
	}
	size, err := t.size(fields, secret)
	if err != nil {
		return nil, err
	}
	if cap(dst)-len(dst) < size {
		dst = append(make([]byte, 0, len(dst)+size), dst...)
	}
	if dst, err = t.Prefix.append(dst, secret); err != nil {
		return nil, err
	}
	var missing Field
	first, plain := true, t.Charset == AsIs && t.Escape == EscapeNone
	for i := range t.places(fields) {
		f := t.at(i, fields, &missing)
		if t.skips(f) {
			continue
		}
		if !first {
			dst = append(dst, t.Pair...)
		}
		first = false
		switch {
		case !plain || t.secret(f.Name):
			if dst, err = t.write(dst, f, secret); err != nil {
				return nil, err
			}
		case t.ValuesOnly:
			dst = append(dst, f.Value...)
		default:
			dst = append(append(append(dst, f.Name...), t.Assign...), f.Value...)
		}
	}
	if t.Trailing {
		dst = append(dst, t.Pair...)
	}
	return t.Suffix.append(dst, secret)
}

// FromMap appends the text of the fields in m to dst, as [Text.Append]. A map has
// no order of its own, so WireOrder is refused.
//
// Errors: those of Append; *Error with Part "text" under WireOrder.
func (t Text) FromMap(dst []byte, m map[string]string) ([]byte, error) {
	if t.Order == WireOrder {
		return nil, &Error{Part: partText, Problem: "a map has no wire order"}
	}
	var stack [few]Field
	fields := stack[:0]
	if len(m) > few {
		fields = make([]Field, 0, len(m))
	}
	for name, value := range m {
		fields = append(fields, Field{name, value})
	}
	return t.append(dst, fields, nil)
}

// defaults fills the separators in and refuses a dialect that contradicts itself.
func (t *Text) defaults(secret []byte) error {
	t.Pair, t.Assign = separator(t.Pair, "&"), separator(t.Assign, "=")
	if t.ValuesOnly {
		t.Assign = ""
	}
	switch {
	case t.Order > ListOrder, t.Empty > RejectEmpty, (t.Order == ListOrder) != (len(t.List) > 0), len(t.List) > maxFields:
		return &Error{Part: partText, Problem: "the dialect contradicts itself: order, list or empty rule"}
	case t.Strict && (t.Pair == "" || t.Assign == "" && !t.ValuesOnly):
		return &Error{Part: partText, Problem: "a dialect without separators is never strict"}
	}
	if t.Prefix.Secret != NoSecret || t.Suffix.Secret != NoSecret || slices.ContainsFunc(t.List, isSecret) {
		return checkSecret(secret)
	}
	return nil
}

func separator(s, otherwise string) string {
	switch s {
	case "":
		return otherwise
	case NoSeparator:
		return ""
	}
	return s
}

// arrange puts the fields in order and refuses ambiguous ones: with a name twice,
// two readers of one signed message can see two amounts.
func (t *Text) arrange(fields []Field) error {
	if len(fields) > maxFields {
		return &Error{Part: partBody, Problem: fmt.Sprintf("%d fields, want at most %d", len(fields), maxFields)}
	}
	if t.Order != WireOrder && len(fields) <= few { // a list is looked up
		if twin := sortFew(fields); twin >= 0 {
			return badName(fields[twin].Name)
		}
		return nil
	}
	sorted := t.Order != WireOrder
	if sorted {
		slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	}
	for i := range fields {
		name := fields[i].Name
		if name == "" {
			return badName(name)
		}
		before := fields[:i]
		if sorted {
			before = fields[max(i-1, 0):i] // sorted: a twin is the neighbour
		}
		for j := range before {
			if before[j].Name == name {
				return badName(name)
			}
		}
	}
	return nil
}

// badName says what is wrong with a name that is empty or there twice.
func badName(name string) error {
	if name == "" {
		return &Error{Part: partBody, Problem: "a field has no name"}
	}
	return &Error{Part: partBody, Problem: "field " + quote(name) + " is there twice"}
}

// size checks every field that is to be signed and bounds what they take.
func (t *Text) size(fields []Field, secret []byte) (int, error) {
	var missing Field
	size, some := 0, false
	for i := range t.places(fields) {
		f := t.at(i, fields, &missing)
		if t.skips(f) {
			continue
		}
		if err := t.check(f); err != nil {
			return 0, err
		}
		if t.secret(f.Name) {
			size += len(f.Name) + len(t.Assign) + len(secret) + len(t.Pair)
			continue
		}
		some = some || f.Value != "" || !t.ValuesOnly
		size += t.Escape.size(f.Value) + len(t.Pair)
		if !t.ValuesOnly {
			size += len(f.Name) + len(t.Assign)
		}
	}
	if !some {
		return 0, &Error{Part: partText, Problem: "no field to sign"}
	}
	return size + t.Prefix.size(secret) + t.Suffix.size(secret), nil
}

func (t *Text) places(fields []Field) int {
	if t.Order == ListOrder {
		return len(t.List)
	}
	return len(fields)
}

// at returns what stands at place i of the text; missing is where a field that is
// not among fields is put. Fields are in byte order under ListOrder.
func (t *Text) at(i int, fields []Field, missing *Field) *Field {
	if t.Order != ListOrder {
		return &fields[i]
	}
	missing.Name = t.List[i]
	if isSecret(missing.Name) {
		return missing
	}
	j, found := slices.BinarySearchFunc(fields, missing.Name, func(f Field, name string) int { return strings.Compare(f.Name, name) })
	if !found {
		return missing
	}
	return &fields[j]
}

func isSecret(name string) bool { return strings.HasPrefix(name, SecretPlace) }

// secret reports whether a place of the text is the secret's; a field of a message
// that calls itself so is not.
func (t *Text) secret(name string) bool { return t.Order == ListOrder && isSecret(name) }

func (t *Text) skips(f *Field) bool {
	if f.Value == "" && t.Empty == SkipEmpty {
		return !t.secret(f.Name)
	}
	return len(t.Exclude) > 0 && slices.Contains(t.Exclude, f.Name)
}

// check refuses a field that is to be written and may not be.
func (t *Text) check(f *Field) error {
	switch {
	case t.secret(f.Name):
		return nil
	case f.Value == "" && t.Empty == RejectEmpty:
		return &Error{Part: partText, Problem: "field " + quote(f.Name) + " is empty"}
	case t.Strict && (t.separates(f.Name) && !t.ValuesOnly || t.separates(f.Value)):
		return &Error{Part: partText, Problem: "field " + quote(f.Name) + " contains a separator"}
	}
	return nil
}

func (t *Text) separates(s string) bool {
	return strings.Contains(s, t.Pair) || t.Assign != "" && strings.Contains(s, t.Assign)
}

func (t *Text) write(dst []byte, f *Field, secret []byte) (_ []byte, err error) {
	if t.secret(f.Name) {
		if name := f.Name[len(SecretPlace):]; name != "" && !t.ValuesOnly {
			dst = append(append(dst, name...), t.Assign...)
		}
		return append(dst, secret...), nil
	}
	if !t.ValuesOnly {
		if dst, err = t.Charset.append(dst, f.Name, EscapeNone); err != nil {
			return nil, &Error{Part: partText, Problem: "name " + quote(f.Name) + " " + err.Error()}
		}
		dst = append(dst, t.Assign...)
	}
	if dst, err = t.Charset.append(dst, f.Value, t.Escape); err != nil {
		return nil, &Error{Part: partText, Problem: "field " + quote(f.Name) + " " + err.Error()}
	}
	return dst, nil
}
