package sign

import "slices"

// The way most messages go, without the choices that only some dialects need. It
// writes what the other way writes; a test holds the two together.

// simple reports whether the dialect is names and values as they are, in the order
// of the fields, with separators of one byte.
func (t *Text) simple() bool {
	return len(t.Pair) == 1 && len(t.Assign) == 1 && t.Order != ListOrder && !t.ValuesOnly && !t.Strict && !t.Trailing &&
		t.Empty != RejectEmpty && t.Charset == AsIs && t.Escape == EscapeNone &&
		t.Prefix == Affix{} && t.Suffix == Affix{}
}

func (t *Text) appendSimple(dst []byte, fields []Field) ([]byte, error) {
	skipEmpty, exclude := t.Empty == SkipEmpty, t.Exclude
	size := 0
	for i := range fields {
		f := &fields[i]
		if skipEmpty && f.Value == "" || len(exclude) > 0 && slices.Contains(exclude, f.Name) {
			continue
		}
		size += len(f.Name) + len(f.Value) + 2
	}
	if size == 0 {
		return nil, &Error{Part: partText, Problem: "no field to sign"}
	}
	if cap(dst)-len(dst) < size {
		dst = append(make([]byte, 0, len(dst)+size), dst...)
	}
	pair, assign := t.Pair[0], t.Assign[0]
	start := len(dst)
	for i := range fields {
		f := &fields[i]
		if skipEmpty && f.Value == "" || len(exclude) > 0 && slices.Contains(exclude, f.Name) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, pair)
		}
		dst = append(append(append(dst, f.Name...), assign), f.Value...)
	}
	return dst, nil
}

// few is how many fields are sorted by their keys, on the stack: what messages have.
const few = 32

// sortFew sorts at most few fields by the bytes of their names, and returns the place
// of one that has no name or another's, or -1. A key is the first seven bytes of the
// name, which mostly decide, and the field's place: comparing numbers instead of
// strings halves the time of a whole text.
func sortFew(fields []Field) (bad int) {
	var keys [few]uint64
	moved := false
	for i := range fields {
		k := prefix(fields[i].Name)<<8 | uint64(i)
		j := i
		for ; j > 0 && before(k, keys[j-1], fields); j-- {
			keys[j] = keys[j-1]
			moved = true
		}
		keys[j] = k
	}
	if moved {
		var sorted [few]Field
		for i := range fields {
			sorted[i] = fields[keys[i]&0xff]
		}
		copy(fields, sorted[:len(fields)])
	}
	for i := range fields {
		if fields[i].Name == "" || i > 0 && keys[i]>>8 == keys[i-1]>>8 && fields[i].Name == fields[i-1].Name {
			return i
		}
	}
	return -1
}

func before(a, b uint64, fields []Field) bool {
	if a>>8 != b>>8 {
		return a < b
	}
	return fields[a&0xff].Name < fields[b&0xff].Name
}

// prefix is the first seven bytes as a number that sorts as they do. A name that is
// shorter ends in zeros, as one with NUL bytes would: then the whole names decide.
func prefix(s string) uint64 {
	if len(s) >= 8 { // one load of eight bytes
		return (uint64(s[7]) | uint64(s[6])<<8 | uint64(s[5])<<16 | uint64(s[4])<<24 |
			uint64(s[3])<<32 | uint64(s[2])<<40 | uint64(s[1])<<48 | uint64(s[0])<<56) >> 8
	}
	var n uint64
	for i := range min(len(s), 7) {
		n |= uint64(s[i]) << (48 - 8*i)
	}
	return n
}
