package sign

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// StructReader makes fields of structs of one type, by tags read once:
//
//	type refund struct {
//		Number string `sign:"refundNo"`
//		Amount int64  `sign:"amount"`
//		Memo   string `sign:"memo,omitempty"`
//		Local  string `sign:"-"`
//	}
//
// A field is a string, bool ("true", "false"), integer, json.Number, json.RawMessage
// (its text) or an encoding.TextMarshaler, such as an amount. "omitempty" leaves it
// out when its text is empty or it is the zero value. Make one with
// [NewStructReader] and keep it; safe for concurrent use.
type StructReader struct {
	typ    reflect.Type
	fields []structField
}

type structField struct {
	name  string
	index int
	omit  bool
	kind  fieldKind
}

type fieldKind uint8

const (
	kindString fieldKind = iota
	kindBool
	kindInt
	kindUint
	kindRaw
	kindText
)

// NewStructReader reads the tags of example's type, a struct or a pointer to one.
//
// Every exported field needs a tag, "-" for those that are not signed: one that was
// forgotten would go unsigned and still be believed. Floats, pointers, slices, maps,
// interfaces and embedded structs are refused, as is a name given twice or differing
// only in case, or more than 256 fields.
//
// Errors: *FormError with the Go field in Where.
func NewStructReader(example any) (*StructReader, error) {
	t := reflect.TypeOf(example)
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil, &FormError{Where: "struct", Problem: "want a struct or a pointer to one"}
	}
	r := &StructReader{typ: t}
	var seen names
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("sign")
		if tag == "-" || !f.IsExported() && !tagged {
			continue
		}
		field, problem := readTag(f, tag, tagged)
		if problem == "" {
			problem = seen.add(field.name)
		}
		if problem != "" {
			return nil, &FormError{Where: quote(f.Name), Problem: problem}
		}
		field.index = i
		r.fields = append(r.fields, field)
	}
	return r, nil
}

func readTag(f reflect.StructField, tag string, tagged bool) (field structField, problem string) {
	name, option, _ := strings.Cut(tag, ",")
	field.name, field.omit = name, option == "omitempty"
	switch {
	case !f.IsExported():
		return field, "field has a sign tag and is not exported"
	case !tagged:
		return field, `field has no sign tag; write sign:"-" if it is not signed`
	case option != "" && !field.omit:
		return field, "tag has an unknown option, want omitempty"
	case f.Anonymous:
		return field, "field is embedded"
	case f.Type == reflect.TypeFor[json.RawMessage]():
		field.kind = kindRaw
		return field, ""
	case f.Type.Kind() != reflect.Pointer && f.Type.Kind() != reflect.Interface && f.Type.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		field.kind = kindText
		return field, ""
	}
	switch k := f.Type.Kind(); {
	case k == reflect.String:
		field.kind = kindString
	case k == reflect.Bool:
		field.kind = kindBool
	case k >= reflect.Int && k <= reflect.Int64:
		field.kind = kindInt
	case k >= reflect.Uint && k <= reflect.Uint64:
		field.kind = kindUint
	default:
		return field, "a " + f.Type.String() + " has no one text"
	}
	return field, ""
}

// Append appends the fields of v, a struct of the reader's type or a non-nil pointer
// to one, to dst in the order they are declared.
//
// Errors: *FormError for another type, or a TextMarshaler that fails.
func (r *StructReader) Append(dst []Field, v any) ([]Field, error) {
	val := reflect.ValueOf(v)
	if val.Kind() == reflect.Pointer {
		val = val.Elem()
	}
	if r == nil || r.typ == nil || !val.IsValid() || val.Type() != r.typ {
		return nil, &FormError{Where: "struct", Problem: "value is not of the reader's type"}
	}
	for i := range r.fields {
		f := &r.fields[i]
		at := val.Field(f.index)
		text, err := f.text(at)
		if err != nil {
			return nil, &FormError{Where: quote(f.name), Problem: "value has no text"}
		}
		if !f.omit || text != "" && !at.IsZero() {
			dst = append(dst, Field{f.name, text})
		}
	}
	return dst, nil
}

func (f *structField) text(v reflect.Value) (_ string, err error) {
	switch f.kind {
	case kindBool:
		return strconv.FormatBool(v.Bool()), nil
	case kindInt:
		return strconv.FormatInt(v.Int(), 10), nil
	case kindUint:
		return strconv.FormatUint(v.Uint(), 10), nil
	case kindRaw:
		return string(v.Bytes()), nil
	case kindText:
		defer func() { // the host's code
			if r := recover(); r != nil {
				err = fmt.Errorf("%T", r)
			}
		}()
		b, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		return string(b), err
	}
	return v.String(), nil
}
