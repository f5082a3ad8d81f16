package sandbox

import "errors"

// ParseObject lets the tests look at the reader of requests: names and values in
// turn.
func ParseObject(body []byte) ([]string, error) {
	ms, err := parseObject(body)
	var out []string
	for _, m := range ms {
		out = append(out, m.Name, m.Value)
	}
	return out, err
}

// Drawn is the fault that the shares alone decide on.
func Drawn(s Shares, seed uint64, where, key string, counter int) Fault {
	s, err := s.settled()
	if err != nil {
		panic(err)
	}
	return s.draw(seed, place(where), key, counter)
}

// FaultsAt lists the faults of a place in the order of drawing.
func FaultsAt(where string) []Fault {
	var out []Fault
	for _, s := range table[place(where)] {
		out = append(out, s.fault)
	}
	return out
}

// BreakFile makes writing fail, as a full disk does; MendFile ends that.
func BreakFile(b *Bank) {
	b.file.mu.Lock()
	defer b.file.mu.Unlock()
	b.file.err = errors.New("disk full")
}

// MendFile undoes BreakFile.
func MendFile(b *Bank) {
	b.file.mu.Lock()
	defer b.file.mu.Unlock()
	b.file.err = nil
}
