package sign

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// rewriting is a way a body may have been changed between signing and here.
type rewriting struct {
	change string
	apply  func([]byte) []byte
}

func rewritings() []rewriting {
	replace := func(from, to string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }
	}
	decode := func(c Charset) func([]byte) []byte {
		return func(b []byte) []byte {
			s, err := c.Decode(b)
			if err != nil {
				return nil
			}
			return []byte(s)
		}
	}
	return []rewriting{
		{"blanks and line breaks around the body are not signed", bytes.TrimSpace},
		{"a line break at the end of the body is signed", func(b []byte) []byte { return append(slices.Clone(b), '\n') }},
		{"the byte order mark is not signed", func(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }},
		{"the line breaks of the body are signed as CR LF", replace("\n", "\r\n")},
		{"the line breaks of the body are signed as LF", replace("\r\n", "\n")},
		{"body re-encoded: JSON without blanks is signed", compact},
		{"body re-encoded: JSON with sorted members and without blanks is signed", sortedBody},
		{"body re-encoded: HTML escaping (< > & as \\u003c …) is signed", escapedHTML},
		{"body re-encoded: < > & are signed as themselves, without HTML escaping", unescapedHTML},
		{"body re-encoded: slashes are signed as \\/", replace("/", `\/`)},
		{"body re-encoded: slashes are signed without backslash", replace(`\/`, "/")},
		{"body re-encoded: characters beyond ASCII are signed as \\u escapes", escapedUnicode},
		{"body re-encoded: \\u escapes are signed as characters", unescapedUnicode},
		{"the body is signed in GB18030, not UTF-8", func(b []byte) []byte {
			out, err := GB18030.Encode(nil, string(b))
			if err != nil {
				return nil
			}
			return out
		}},
		{"the body is in GB18030 and is signed in UTF-8", decode(GB18030)},
		{"the body is signed URL-decoded", func(b []byte) []byte {
			s, err := url.QueryUnescape(string(b))
			if err != nil {
				return nil
			}
			return []byte(s)
		}},
	}
}

func member(b []byte, name string) []byte {
	piece, err := JSONMember(b, name)
	if err != nil {
		return nil
	}
	return piece
}

func compact(b []byte) []byte {
	var out bytes.Buffer
	if !shallow(b) || json.Compact(&out, b) != nil {
		return nil
	}
	return out.Bytes()
}

// shallow bounds the nesting before any parser sees a body.
func shallow(b []byte) bool {
	return bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) <= maxValues
}

func sortedBody(b []byte) []byte {
	if _, err := JSONRawFields(nil, b); err != nil { // bounds depth and size, and names are unique
		return nil
	}
	return appendSorted(nil, string(b), nil)
}

func escapedHTML(b []byte) []byte {
	var out bytes.Buffer
	json.HTMLEscape(&out, b)
	return out.Bytes()
}

func unescapedHTML(b []byte) []byte {
	return []byte(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", `\u003C`, "<", `\u003E`, ">").Replace(string(b)))
}

func escapedUnicode(b []byte) []byte {
	if !utf8.Valid(b) {
		return nil
	}
	const digits = "0123456789abcdef"
	var out []byte
	for _, r := range string(b) {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			out = append(out, '\\', 'u', digits[u>>12], digits[u>>8&15], digits[u>>4&15], digits[u&15])
		}
	}
	return out
}

// unescapedUnicode writes \u escapes beyond ASCII as characters and leaves the rest alone.
func unescapedUnicode(b []byte) []byte {
	var out []byte
	for i := 0; i < len(b); {
		if b[i] == '\\' && i+1 < len(b) && b[i+1] != 'u' {
			out = append(out, b[i], b[i+1])
			i += 2
			continue
		}
		r, n := escapedRune(b[i:])
		if n == 0 || r < utf8.RuneSelf {
			out = append(out, b[i])
			i++
			continue
		}
		out = utf8.AppendRune(out, r)
		i += n
	}
	return out
}

// escapedRune reads \u and four hex digits, or two of those for a surrogate pair.
func escapedRune(b []byte) (r rune, n int) {
	one := func(b []byte) (r rune, ok bool) {
		if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
			return 0, false
		}
		for _, c := range b[2:6] {
			i := strings.IndexByte("0123456789abcdef", c|0x20)
			if i < 0 {
				return 0, false
			}
			r = r<<4 | rune(i)
		}
		return r, true
	}
	r, ok := one(b)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		low, ok := one(b[6:])
		if !ok {
			return 0, 0
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return 0, 0
		}
		return r, 12
	}
	return r, 6
}

// frame is what stands around a body in a text.
type frame struct {
	change string
	build  func(body []byte) []byte
}

// frames lists the frames, the expected first.
func (s *search) frames() []frame {
	lines := func(before []string, after string) func([]byte) []byte {
		return func(b []byte) []byte {
			head := strings.Join(before, "\n") + "\n"
			return append(append([]byte(head), b...), after...)
		}
	}
	bare := frame{"the body alone is signed", slices.Clone[[]byte]}
	var all []frame
	if s.timestamp != "" && s.nonce != "" {
		short := []string{s.timestamp, s.nonce}
		answer := frame{"the lines are timestamp, nonce and body", lines(short, "\n")}
		request := frame{"the lines are method, target, timestamp, nonce and body", lines(slices.Concat([]string{s.in.Method, s.in.Target}, short), "\n")}
		if s.in.Method != "" {
			all = append(all, request, answer)
		} else {
			all = append(all, answer)
		}
		all = append(all,
			frame{"no line break follows the last line", lines(short, "")},
			frame{"the lines are nonce, timestamp and body", lines([]string{s.nonce, s.timestamp}, "\n")})
		if s.in.Method != "" {
			all = append(all, frame{"no line break follows the last line of the request", lines(slices.Concat([]string{s.in.Method, s.in.Target}, short), "")})
		}
	}
	all = append(all, bare)
	if s.in.Format == BodyJSON {
		for _, name := range []string{"*_response", "data"} {
			all = append(all, frame{"only the " + name + " member of the body is signed, as its bytes", func(b []byte) []byte { return member(b, name) }})
		}
	}
	if len(s.cfg.Secret) > 0 {
		for _, a := range []Affix{{Secret: SecretRaw}, {Before: "&key=", Secret: SecretRaw}, {Before: "&", Secret: SecretRaw}} {
			all = append(all, frame{"the secret follows the body" + behind(a), func(b []byte) []byte {
				out, _ := a.append(slices.Clone(b), s.cfg.Secret)
				return out
			}})
		}
		all = append(all, frame{"the secret stands before the body", func(b []byte) []byte { return slices.Concat([]byte(s.cfg.Secret), b) }})
	}
	if len(s.in.Body) == 0 && s.in.Target != "" {
		if _, query, ok := strings.Cut(s.in.Target, "?"); ok {
			all = append(all, frame{"the raw query is signed", func([]byte) []byte { return []byte(query) }})
		}
	}
	return all
}

// tryBodies tries the body as bytes, framed, with so many changes. For a message of
// fields the body as it is counts as a change.
func (s *search) tryBodies(changes int) {
	p := s.cfg.Profile
	expected := s.in.Format == BodyNone || p != nil && p.Fields == nil
	if changes == 0 && p != nil && p.Fields == nil {
		if text, err := p.Text(nil, s.input()); err == nil {
			s.try(text, nil)
		}
		return
	}
	for i, f := range s.frames() {
		var named []string
		if i > 0 || !expected || p != nil {
			named = []string{f.change}
		}
		if len(named) == changes {
			s.tryFrame(f, s.in.Body, named)
		}
		if len(named)+1 != changes {
			continue
		}
		for _, r := range rewritings() {
			if body := r.apply(s.in.Body); body != nil && !bytes.Equal(body, s.in.Body) {
				s.tryFrame(f, body, append(slices.Clone(named), r.change))
			}
		}
	}
}

func (s *search) tryFrame(f frame, body []byte, changes []string) {
	if !s.done() {
		s.bytes += len(body)
		s.try(f.build(body), changes)
	}
}
