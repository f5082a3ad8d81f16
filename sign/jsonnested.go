package sign

// members walks the object at s.pos, top level or nested, and calls visit with each
// member's name and where its value starts; s.pos is behind the value then. It
// refuses names that are given twice or differ only in case.
func (s *scanner) members(visit func(name string, start int) bool) bool {
	if s.checked {
		return s.walk(nil, visit)
	}
	var seen names
	return s.walk(&seen, visit)
}

func (s *scanner) walk(seen *names, visit func(name string, start int) bool) bool {
	if s.peek() != '{' {
		return s.fail("want an object")
	}
	if s.depth++; s.depth > maxLevels {
		return s.fail("more than 32 levels")
	}
	s.pos++
	for first := true; ; first = false {
		switch c := s.peek(); {
		case c == '}' && first:
		case c == '"':
			if !s.pair(seen, visit) {
				return false
			}
			if s.peek() == ',' {
				if s.pos++; s.peek() != '"' {
					return s.fail("want a member name")
				}
				continue
			}
			if s.peek() != '}' {
				return s.fail("want a comma or the end of the object")
			}
		default:
			return s.fail("want a member name")
		}
		s.pos++
		s.depth--
		return true
	}
}

func (s *scanner) pair(seen *names, visit func(name string, start int) bool) bool {
	keyStart := s.pos
	name, ok := s.text()
	if !ok {
		return false
	}
	key := s.in[keyStart:s.pos]
	if seen != nil {
		if problem := seen.add(name); problem != "" {
			return s.failMember(name, problem)
		}
	}
	if s.peek() != ':' {
		return s.fail("want a colon")
	}
	s.pos++
	s.peek()
	start := s.pos
	if !s.value() {
		return false
	}
	s.key = key
	return visit(name, start)
}

// elements walks the array at s.pos.
func (s *scanner) elements(visit func(start int)) bool {
	if s.depth++; s.depth > maxLevels {
		return s.fail("more than 32 levels")
	}
	s.pos++
	for first := true; ; first = false {
		if s.peek() == ']' && first {
			break
		}
		s.peek()
		start := s.pos
		if !s.value() {
			return false
		}
		visit(start)
		switch s.peek() {
		case ',':
			s.pos++
			continue
		case ']':
		default:
			return s.fail("want a comma or the end of the array")
		}
		break
	}
	s.pos++
	s.depth--
	return true
}

// value passes over one value of any kind.
func (s *scanner) value() bool {
	if s.values++; s.values > maxValues {
		return s.fail("more than 4096 values")
	}
	switch c := s.peek(); {
	case c == '{':
		return s.members(func(string, int) bool { return true })
	case c == '[':
		return s.elements(func(int) {})
	case c == '"':
		_, ok := s.text()
		return ok
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range [...]string{"null", "true", "false"} {
		if end := s.pos + len(word); end <= len(s.in) && s.in[s.pos:end] == word {
			s.pos = end
			return true
		}
	}
	return s.fail("want a value")
}

// number passes over -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
func (s *scanner) number() bool {
	if s.in[s.pos] == '-' {
		s.pos++
	}
	first := s.pos
	whole := s.digits()
	ok := whole == 1 || whole > 1 && s.in[first] != '0'
	if ok && s.pos < len(s.in) && s.in[s.pos] == '.' {
		s.pos++
		ok = s.digits() > 0
	}
	if ok && s.pos < len(s.in) && s.in[s.pos]|0x20 == 'e' {
		if s.pos++; s.pos < len(s.in) && (s.in[s.pos] == '+' || s.in[s.pos] == '-') {
			s.pos++
		}
		ok = s.digits() > 0
	}
	return ok || s.fail("number is malformed")
}

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.in) && s.in[s.pos] >= '0' && s.in[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}
