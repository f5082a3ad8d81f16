package sign

import "strings"

// Raw is a dialect that signs the body itself or a piece of it. The zero value
// signs the whole body, byte for byte.
type Raw struct {
	// Member cuts out the value of one member of a JSON object, as [JSONMember];
	// "*_response" is the one whose name ends so. Defaults to the whole body.
	Member string
	// Sorted signs the JSON as [SortedNested] writes it. The sender has to send
	// that text too. Defaults to false.
	Sorted bool
	// Replace is the path of a member, names joined by ".", that is written as
	// Placeholder, JSON text, in the sorted text; the body must have it. Needs
	// Sorted. Defaults to none.
	Replace, Placeholder string
	// Prefix and Suffix stand before and behind it. Default to nothing.
	Prefix, Suffix Affix
}

// Append appends the text of in.Body to dst.
//
// Errors: *Error with Part "body" for an empty body, one above 1 MiB, or, where it
// is read as JSON, with a *FormError as its cause; with Part "text" for a missing
// secret or a dialect that contradicts itself.
func (r Raw) Append(dst []byte, in Input) ([]byte, error) {
	if r.Prefix.Secret != NoSecret || r.Suffix.Secret != NoSecret {
		if err := checkSecret(in.Secret); err != nil {
			return nil, err
		}
	}
	if r.Replace != "" && !r.Sorted {
		return nil, &Error{Part: partText, Problem: "the dialect contradicts itself: a placeholder in an unsorted body"}
	}
	piece, err := r.piece(in.Body)
	if err != nil {
		return nil, err
	}
	if dst, err = r.Prefix.append(dst, in.Secret); err != nil {
		return nil, err
	}
	return r.Suffix.append(append(dst, piece...), in.Secret)
}

func (r Raw) piece(body []byte) ([]byte, error) {
	switch {
	case len(body) == 0:
		return nil, &Error{Part: partBody, Problem: "no body to sign"}
	case len(body) > maxBody:
		return nil, &Error{Part: partBody, Problem: "body is longer than 1 MiB"}
	}
	if r.Member != "" {
		piece, err := JSONMember(body, r.Member)
		if err != nil {
			return nil, &Error{Part: partBody, Problem: "cannot be cut", Err: err}
		}
		body = piece
	}
	if !r.Sorted {
		return body, nil
	}
	s, err := newScanner(body)
	if err != nil {
		return nil, &Error{Part: partBody, Problem: "cannot be sorted", Err: err}
	}
	if s.peek(); !s.value() || !s.end() {
		return nil, &Error{Part: partBody, Problem: "cannot be sorted", Err: s.err}
	}
	if r.Replace == "" {
		return appendSorted(nil, s.in, nil), nil
	}
	put := replacement{path: strings.Split(r.Replace, "."), text: r.Placeholder}
	piece := appendSorted(nil, s.in, &put)
	if !put.done {
		return nil, &Error{Part: partBody, Problem: "has no member " + quote(r.Replace)}
	}
	return piece, nil
}
