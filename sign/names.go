package sign

import (
	"hash/maphash"
	"unicode"
	"unicode/utf8"
)

// names finds members that are given twice or differ only in case. It compares
// seeded hashes of the folded names: a body chosen to be slow stays fast.
type names struct {
	seed   maphash.Seed
	count  int
	hashes [maxMembers]uint64
	list   [maxMembers]string
}

func (n *names) add(name string) string {
	switch {
	case name == "":
		return "empty member name"
	case len(name) > maxName:
		return "member name is longer than 256 bytes"
	case n.count == maxMembers:
		return "more than 256 members"
	case n.count == 0:
		n.seed = maphash.MakeSeed()
	}
	var buf [maxName]byte
	folded := buf[:0]
	for _, r := range name {
		folded = utf8.AppendRune(folded, fold(r))
	}
	sum := maphash.Bytes(n.seed, folded)
	for i := range n.count {
		if n.hashes[i] != sum {
			continue
		}
		if n.list[i] == name {
			return "member is there twice"
		}
		return "member differs only in case from " + quote(n.list[i])
	}
	n.hashes[n.count], n.list[n.count] = sum, name
	n.count++
	return ""
}

// fold returns the smallest rune that differs from r only in case, which is what
// encoding/json compares member names by. It is never longer than r.
func fold(r rune) rune {
	if r < utf8.RuneSelf { // capitals are the smallest of theirs, K and S included
		if r >= 'a' && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	for {
		next := unicode.SimpleFold(r)
		if next <= r {
			return next
		}
		r = next
	}
}
