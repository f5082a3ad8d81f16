package sandbox

import (
	"encoding/json"
	"sort"
	"strings"
)

// A member is one name and value of a flat JSON object, the value as signed: the
// decoded text of a string, or the digits of an integer as they were written.
type member struct{ Name, Value string }

// members keep the order in which they are written on the wire.
type members []member

func (ms members) value(name string) string {
	for _, m := range ms {
		if m.Name == name {
			return m.Value
		}
	}
	return ""
}

func (ms members) has(name string) bool {
	for _, m := range ms {
		if m.Name == name {
			return true
		}
	}
	return false
}

// with returns a copy with one value replaced, or added at the end.
func (ms members) with(name, value string) members {
	out := append(members(nil), ms...)
	for i := range out {
		if out[i].Name == name {
			out[i].Value = value
			return out
		}
	}
	return append(out, member{name, value})
}

// text is the canonical text: empty values dropped, names sorted by bytes, k=v
// joined by &, values raw.
func (ms members) text() string {
	kept := make(members, 0, len(ms))
	for _, m := range ms {
		if m.Value != "" {
			kept = append(kept, m)
		}
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].Name < kept[j].Name })
	var sb strings.Builder
	for i, m := range kept {
		if i > 0 {
			sb.WriteByte('&')
		}
		sb.WriteString(m.Name)
		sb.WriteByte('=')
		sb.WriteString(m.Value)
	}
	return sb.String()
}

// json writes the members in their order, all values as strings.
func (ms members) json() []byte {
	var sb strings.Builder
	sb.WriteByte('{')
	for i, m := range ms {
		if i > 0 {
			sb.WriteByte(',')
		}
		sb.Write(quote(m.Name))
		sb.WriteByte(':')
		sb.Write(quote(m.Value))
	}
	sb.WriteByte('}')
	return []byte(sb.String())
}

func quote(s string) []byte {
	b, _ := json.Marshal(s) // a string always marshals
	return b
}

// plain says whether s has min to max characters of [0-9A-Za-z] and extra.
func plain(s string, min, max int, extra string) bool {
	if len(s) < min || len(s) > max {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte(extra, c) < 0 {
			return false
		}
	}
	return true
}
