package client

import (
	"bytes"
	"encoding/json"
	"strings"
)

// redactJSON replaces the values of named members of a JSON object or array, at
// any depth. It copies bytes and decodes nothing it keeps, so that numbers and
// white space stay as they were. It reports false for anything else.
func redactJSON(doc []byte, names map[string]bool, depth int) ([]byte, bool) {
	if t := bytes.TrimLeft(doc, " \t\r\n"); len(t) == 0 || t[0] != '{' && t[0] != '[' || !json.Valid(doc) {
		return nil, false
	}
	w := jsonWalk{in: doc, names: names, depth: depth, out: make([]byte, 0, len(doc)+64)}
	w.value()
	w.space()
	return w.out, true
}

// jsonWalk copies a valid document from in to out.
type jsonWalk struct {
	in, out []byte
	at      int
	names   map[string]bool
	depth   int
}

func (w *jsonWalk) space() {
	for w.at < len(w.in) && strings.IndexByte(" \t\r\n", w.in[w.at]) >= 0 {
		w.copy(1)
	}
}

func (w *jsonWalk) copy(n int) {
	w.out = append(w.out, w.in[w.at:w.at+n]...)
	w.at += n
}

// value copies one value and the white space before it.
func (w *jsonWalk) value() {
	w.space()
	switch w.in[w.at] {
	case '{', '[':
		w.members(w.in[w.at] == '{')
	case '"':
		w.text()
	default:
		n := w.at
		for n < len(w.in) && strings.IndexByte(",]} \t\r\n", w.in[n]) < 0 {
			n++
		}
		w.copy(n - w.at)
	}
}

// members copies an object or an array.
func (w *jsonWalk) members(object bool) {
	w.copy(1)
	for {
		w.space()
		switch w.in[w.at] {
		case '}', ']':
			w.copy(1)
			return
		case ',':
			w.copy(1)
			w.space()
		}
		if !object {
			w.value()
			continue
		}
		name := w.name()
		w.space()
		w.copy(1) // the colon
		if !w.names[strings.ToLower(name)] {
			w.value()
			continue
		}
		w.space()
		kept := len(w.out)
		w.value()
		w.out = append(w.out[:kept], `"`+hidden+`"`...)
	}
}

// name copies a member's name and returns what it says.
func (w *jsonWalk) name() string {
	n := w.quoted()
	raw := w.in[w.at : w.at+n]
	w.copy(n)
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : n-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

// text copies a string, looking into one that is a document itself.
func (w *jsonWalk) text() {
	n := w.quoted()
	raw := w.in[w.at : w.at+n]
	var s string
	if len(raw) > 4 && json.Unmarshal(raw, &s) == nil {
		if in, changed := redactInner(s, w.names, w.depth); changed {
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			_ = e.Encode(in)
			w.out = append(w.out, bytes.TrimRight(b.Bytes(), "\n")...)
			w.at += n
			return
		}
	}
	w.copy(n)
}

// quoted is the length of the string that begins here, quotes included.
func (w *jsonWalk) quoted() int {
	for i := w.at + 1; ; i++ {
		switch w.in[i] {
		case '\\':
			i++
		case '"':
			return i + 1 - w.at
		}
	}
}
