package sign

import (
	"slices"
	"strings"
)

// replacement is a member, by the names that lead to it, whose value is written as
// something else.
type replacement struct {
	path []string
	text string
	done bool
}

// appendSorted writes a value that has been scanned with sorted members and without
// white space. Below its depth the value is scanned again; 32 levels bound that.
func appendSorted(dst []byte, raw string, r *replacement) []byte {
	s := &scanner{in: raw, checked: true}
	switch s.peek() {
	case '{':
		type member struct{ name, key, value string }
		var list []member
		s.members(func(name string, start int) bool {
			list = append(list, member{name, s.key, s.in[start:s.pos]})
			return true
		})
		slices.SortFunc(list, func(a, b member) int { return strings.Compare(a.name, b.name) })
		dst = append(dst, '{')
		for i, m := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(dst, m.key...), ':')
			dst = appendMember(dst, m.name, m.value, r)
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		n := 0
		s.elements(func(start int) {
			if n > 0 {
				dst = append(dst, ',')
			}
			n++
			dst = appendSorted(dst, s.in[start:s.pos], nil)
		})
		return append(dst, ']')
	}
	return append(dst, strings.Trim(raw, " \t\r\n")...)
}

func appendMember(dst []byte, name, value string, r *replacement) []byte {
	if r == nil || len(r.path) == 0 || r.path[0] != name {
		return appendSorted(dst, value, nil)
	}
	if len(r.path) == 1 {
		r.done = true
		return append(dst, r.text...)
	}
	below := &replacement{path: r.path[1:], text: r.text}
	dst = appendSorted(dst, value, below)
	r.done = below.done
	return dst
}
