package sign

// maxDepth bounds the nesting of DER. Certificates nest about ten levels; parsers
// recurse, and a few megabytes of nested headers end a process past recover.
const maxDepth = 24

// checkDER says what is wrong with the shape of one DER value, or nothing: definite,
// shortest lengths, all inside their parents, nothing after it, bounded depth. It
// runs before any parser.
func checkDER(b []byte) string {
	rest, problem := walkDER(b, maxDepth)
	if problem == "" && len(rest) != 0 {
		return "data after the DER value"
	}
	return problem
}

func walkDER(b []byte, depth int) (rest []byte, problem string) {
	if depth == 0 {
		return nil, "DER nested too deep"
	}
	constructed, content, rest, ok := cutDER(b)
	if !ok {
		return nil, "not DER"
	}
	for constructed && len(content) > 0 {
		if content, problem = walkDER(content, depth-1); problem != "" {
			return nil, problem
		}
	}
	return rest, ""
}

// cutDER cuts one value off b.
func cutDER(b []byte) (constructed bool, content, rest []byte, ok bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f { // no key or certificate has a long tag
		return false, nil, nil, false
	}
	constructed = b[0]&0x20 != 0
	length, rest := int(b[1]), b[2:]
	if length >= 0x80 {
		size := length & 0x7f
		if size == 0 || size > 3 || len(rest) < size { // 0: indefinite; 3: 16 MB
			return false, nil, nil, false
		}
		length = 0
		for _, c := range rest[:size] {
			length = length<<8 | int(c)
		}
		if length < 0x80 || length < 1<<(8*(size-1)) {
			return false, nil, nil, false
		}
		rest = rest[size:]
	}
	if length > len(rest) {
		return false, nil, nil, false
	}
	return constructed, rest[:length], rest[length:], true
}
