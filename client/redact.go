package client

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

const hidden = "[redacted]"

// deepest is how many documents inside strings of documents are looked into.
const deepest = 4

// alwaysHidden are headers that are credentials.
var alwaysHidden = [...]string{"authorization", "cookie", "set-cookie", "proxy-authorization"}

func redacted(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[strings.ToLower(n)] = true
	}
	return m
}

func redactHeader(h http.Header, names map[string]bool) http.Header {
	if len(h) == 0 {
		return nil
	}
	out := h.Clone()
	for k := range out {
		low := strings.ToLower(k)
		hide := names[low]
		for _, a := range alwaysHidden {
			hide = hide || low == a
		}
		if hide {
			out[k] = []string{hidden}
		}
	}
	return out
}

func redactPath(path string, names map[string]bool) string {
	before, query, ok := strings.Cut(path, "?")
	if !ok || len(names) == 0 {
		return path
	}
	return before + "?" + redactForm(query, names, deepest)
}

// redactBody returns the body with the named values replaced and every other byte
// as it was, or only its length and digest if it cannot be read.
func redactBody(body []byte, contentType string, names map[string]bool) []byte {
	if len(names) == 0 {
		return body
	}
	if out, ok := redactJSON(body, names, deepest); ok {
		return out
	}
	if kind, _, err := mime.ParseMediaType(contentType); err == nil && kind == "application/x-www-form-urlencoded" {
		return []byte(redactForm(string(body), names, deepest))
	}
	return fmt.Appendf(nil, "[%d bytes, sha256 %x]", len(body), sha256.Sum256(body))
}

// redactForm replaces the values of named fields. A value that is JSON is looked
// into (biz_content).
func redactForm(form string, names map[string]bool, depth int) string {
	fields := strings.Split(form, "&")
	for i, f := range fields {
		key, value, _ := strings.Cut(f, "=")
		name, err := url.QueryUnescape(key)
		if err != nil || names[strings.ToLower(name)] {
			fields[i] = key + "=" + url.QueryEscape(hidden)
			continue
		}
		text, err := url.QueryUnescape(value)
		if err != nil {
			fields[i] = key + "=" + url.QueryEscape(hidden)
			continue
		}
		if in, changed := redactInner(text, names, depth); changed {
			fields[i] = key + "=" + url.QueryEscape(in)
		}
	}
	return strings.Join(fields, "&")
}

// redactInner looks into a string that is itself a JSON document.
func redactInner(s string, names map[string]bool, depth int) (string, bool) {
	if t := strings.TrimLeft(s, " \t\r\n"); t == "" || t[0] != '{' && t[0] != '[' {
		return s, false
	}
	if depth == 0 {
		return hidden, json.Valid([]byte(s))
	}
	out, ok := redactJSON([]byte(s), names, depth-1)
	return string(out), ok && string(out) != s
}
