package sign

import (
	"slices"
	"strconv"
	"strings"
)

// FormFields appends the fields of an application/x-www-form-urlencoded body or a
// raw query to dst, in wire order. Names and values are decoded once, never twice:
// %2525 is %25. "a" alone is the field a with an empty value.
//
// It refuses what two parsers may read in two ways: a name given twice or differing
// only in case (Go reads the first, PHP the last), ";", an empty pair, an empty name
// or one above 256 bytes, a malformed %, a byte that belongs escaped (controls and
// blanks; bytes above 0x7F pass), NUL, more than 256 fields or 1 MiB. What it
// accepts, url.ParseQuery reads to the same fields.
//
// The decoded bytes are in the charset of the form, which is not looked at: a GBK
// form is verified with [AsIs], because those are the bytes that were signed.
//
// Errors: *FormError.
func FormFields(dst []Field, body []byte) ([]Field, error) {
	if len(body) > maxBody {
		return nil, &FormError{Where: "byte " + strconv.Itoa(maxBody), Problem: "body is longer than 1 MiB"}
	}
	if len(body) == 0 {
		return dst, nil
	}
	in := string(body)
	var seen names
	for pos := 0; ; {
		pair := in[pos:]
		end := strings.IndexByte(pair, '&')
		if end >= 0 {
			pair = pair[:end]
		}
		f, problem := formField(pair)
		if problem == "" {
			problem = seen.add(f.Name)
		}
		if problem != "" {
			return nil, &FormError{Where: "byte " + strconv.Itoa(pos), Problem: problem}
		}
		if dst = append(dst, f); end < 0 {
			return dst, nil
		}
		pos += end + 1
	}
}

func formField(pair string) (f Field, problem string) {
	if pair == "" {
		return f, "empty pair"
	}
	name, value, _ := strings.Cut(pair, "=")
	if f.Name, problem = unescapeForm(name); problem != "" {
		return f, problem
	}
	f.Value, problem = unescapeForm(value)
	return f, problem
}

func unescapeForm(s string) (string, string) {
	plain := true
	for i := range len(s) {
		switch c := s[i]; {
		case c == ';':
			return "", "a semicolon"
		case c <= ' ' || c == 0x7f:
			return "", "a control character or blank that is not escaped"
		case c == '%' || c == '+':
			plain = false
		}
	}
	if plain {
		return s, ""
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", "malformed escape"
			}
			hi, lo := nibble(s[i+1]), nibble(s[i+2])
			if hi > 15 || lo > 15 {
				return "", "malformed escape"
			}
			if hi|lo == 0 {
				return "", "NUL"
			}
			out = append(out, hi<<4|lo)
			i += 2
		default:
			out = append(out, c)
		}
	}
	return string(out), ""
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

// ValuesFields appends the fields of a parsed form, such as a url.Values, to dst in
// byte order of their names. The bounds are those of [FormFields], but what the
// parser already swallowed cannot be seen here: prefer the raw bytes.
//
// Errors: *FormError for a name with no value or several, or one that differs from
// another only in case.
func ValuesFields(dst []Field, values map[string][]string) ([]Field, error) {
	if len(values) > maxMembers {
		return nil, &FormError{Where: "form", Problem: "more than 256 members"}
	}
	start := len(dst)
	size := 0
	var seen names
	for name, list := range values {
		problem := seen.add(name)
		if len(list) != 1 {
			problem = "member has " + strconv.Itoa(len(list)) + " values, want 1"
		}
		if problem != "" {
			return nil, &FormError{Where: quote(name), Problem: problem}
		}
		if size += len(name) + len(list[0]); size > maxBody || strings.IndexByte(name+list[0], 0) >= 0 {
			return nil, &FormError{Where: quote(name), Problem: "NUL, or form is longer than 1 MiB"}
		}
		dst = append(dst, Field{name, list[0]})
	}
	slices.SortFunc(dst[start:], func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return dst, nil
}
