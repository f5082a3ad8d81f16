package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const maxMembers = 100

// parseObject reads a flat JSON object: unique names of [0-9A-Za-z_.-], values
// strings or integers. Everything else that JSON allows is refused, because there
// is no agreed way to sign it.
func parseObject(body []byte) (members, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("body is not UTF-8")
	}
	p := &parser{in: string(body)}
	ms, err := p.object()
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", p.at, err)
	}
	return ms, nil
}

type parser struct {
	in string
	at int
}

func (p *parser) space() {
	for p.at < len(p.in) && strings.IndexByte(" \t\r\n", p.in[p.at]) >= 0 {
		p.at++
	}
}

// take consumes c if it comes next after white space.
func (p *parser) take(c byte) bool {
	p.space()
	if p.at < len(p.in) && p.in[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) object() (members, error) {
	if !p.take('{') {
		return nil, errors.New("body is not a JSON object")
	}
	var ms members
	seen := map[string]bool{}
	if !p.take('}') {
		for {
			m, err := p.member()
			if err != nil {
				return nil, err
			}
			if seen[m.Name] {
				return nil, fmt.Errorf("member %q twice", m.Name)
			}
			seen[m.Name] = true
			if ms = append(ms, m); len(ms) > maxMembers {
				return nil, errors.New("too many members")
			}
			if p.take(',') {
				continue
			}
			if p.take('}') {
				break
			}
			return nil, errors.New("expected , or }")
		}
	}
	if p.space(); p.at != len(p.in) {
		return nil, errors.New("text after the object")
	}
	return ms, nil
}

func (p *parser) member() (member, error) {
	p.space()
	name, err := p.str()
	if err != nil {
		return member{}, err
	}
	if !plain(name, 1, 64, "_-.") {
		return member{}, fmt.Errorf("member name %q", name)
	}
	if !p.take(':') {
		return member{}, errors.New("no colon after a name")
	}
	p.space()
	if p.at < len(p.in) && p.in[p.at] == '"' {
		v, err := p.str()
		return member{name, v}, err
	}
	v, err := p.integer()
	if err != nil {
		return member{}, fmt.Errorf("member %q: %w", name, err)
	}
	return member{name, v}, nil
}

func (p *parser) integer() (string, error) {
	start := p.at
	if p.at < len(p.in) && p.in[p.at] == '-' {
		p.at++
	}
	first := p.at
	for p.at < len(p.in) && p.in[p.at] >= '0' && p.in[p.at] <= '9' {
		p.at++
	}
	text := p.in[start:p.at]
	switch {
	case p.at == first:
		return "", errors.New("value is neither a string nor an integer")
	case p.in[first] == '0' && (p.at-first > 1 || first > start):
		return "", errors.New("integer with a leading zero or a negative zero")
	case p.at < len(p.in) && strings.IndexByte(".eE", p.in[p.at]) >= 0:
		return "", errors.New("value is not an integer")
	}
	return text, nil
}

func (p *parser) str() (string, error) {
	if p.at >= len(p.in) || p.in[p.at] != '"' {
		return "", errors.New("expected a string")
	}
	p.at++
	var sb strings.Builder
	for p.at < len(p.in) {
		c := p.in[p.at]
		switch {
		case c == '"':
			p.at++
			return sb.String(), nil
		case c < 0x20:
			return "", errors.New("control character in a string")
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			sb.WriteRune(r)
		default:
			sb.WriteByte(c)
			p.at++
		}
	}
	return "", errors.New("string without an end")
}

var simpleEscapes = map[byte]rune{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

func (p *parser) escape() (rune, error) {
	if p.at+1 >= len(p.in) {
		return 0, errors.New("escape without an end")
	}
	c := p.in[p.at+1]
	if r, ok := simpleEscapes[c]; ok {
		p.at += 2
		return r, nil
	}
	r, err := p.unicode()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	low, err := p.unicode()
	if err != nil {
		return 0, errors.New("half of a surrogate pair")
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, errors.New("half of a surrogate pair")
	}
	return r, nil
}

// unicode reads \u and four hex digits.
func (p *parser) unicode() (rune, error) {
	if len(p.in)-p.at < 6 || p.in[p.at] != '\\' || p.in[p.at+1] != 'u' {
		return 0, errors.New("unknown escape")
	}
	var r rune
	for _, c := range p.in[p.at+2 : p.at+6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | (c - '0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | (c - 'a' + 10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | (c - 'A' + 10)
		default:
			return 0, errors.New("escape that is not hexadecimal")
		}
	}
	p.at += 6
	return r, nil
}
