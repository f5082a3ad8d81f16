package sign

// Escape says how a value is written into a text. The four differ in a handful of
// bytes; a signature over the wrong one fails on some values only.
//
//	rule          ' '  *    ~    as it is
//	EscapeQuery   +    %2A  ~    A-Z a-z 0-9 - _ .
//	EscapeForm    +    *    %7E  A-Z a-z 0-9 - _ .
//	EscapePath    %20  %2A  ~    A-Z a-z 0-9 - _ . $ & + = : @
//	EscapeRFC3986 %20  %2A  ~    A-Z a-z 0-9 - _ .
//
// Every other byte becomes % and two capital hex digits.
type Escape uint8

const (
	// EscapeNone writes the value as it is.
	EscapeNone Escape = iota
	// EscapeQuery is Go's url.QueryEscape.
	EscapeQuery
	// EscapeForm is Java's URLEncoder.encode, and the form encoding of browsers.
	EscapeForm
	// EscapePath is Go's url.PathEscape.
	EscapePath
	// EscapeRFC3986 is PHP's rawurlencode: only the unreserved characters stay.
	EscapeRFC3986
)

// keeps reports whether c is written as it is.
func (e Escape) keeps(c byte) bool {
	switch {
	case e == EscapeNone, c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		return true
	case c == '~':
		return e != EscapeForm
	case c == '*':
		return e == EscapeForm
	case c == '$', c == '&', c == '+', c == '=', c == ':', c == '@':
		return e == EscapePath
	}
	return false
}

func (e Escape) spaces() bool { return e == EscapeQuery || e == EscapeForm }

func (e Escape) size(s string) int {
	n := len(s)
	if e == EscapeNone {
		return n
	}
	for i := range len(s) {
		if c := s[i]; !e.keeps(c) && (c != ' ' || !e.spaces()) {
			n += 2
		}
	}
	return n
}

// escape is generic so that neither strings nor bytes are copied.
func escape[T string | []byte](dst []byte, s T, e Escape) []byte {
	if e == EscapeNone {
		return append(dst, s...)
	}
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case e.keeps(c):
			dst = append(dst, c)
		case c == ' ' && e.spaces():
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}
