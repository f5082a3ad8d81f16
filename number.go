package bankrail

import (
	"fmt"
	"strconv"
	"sync"
	"time"
)

// NumberGenerator makes merchant numbers: time, machine and sequence, as the bank
// refund brief asks for. A number is 24 digits (yyyyMMddHHmmss, machine 4,
// sequence 6), so it fits the charset and length of every gateway here.
//
// Numbers of one generator rise, also when the clock steps back; numbers of two
// generators never meet while their Machine differs and each machine's clock does
// not restart before its own last number. A host that cannot promise the latter
// takes its numbers from its database.
type NumberGenerator struct {
	// Prefix is put in front, at most 8 of 0-9 A-Z a-z. Defaults to none.
	Prefix string
	// Machine tells nodes apart, 0 to 9999.
	Machine int
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time

	mu       sync.Mutex
	second   int64
	sequence int
}

// maxSequence numbers fit in one second of one machine.
const maxSequence = 999_999

// beijing is the zone of the time inside a number: fixed, because a number must
// rise also where the host's zone has summer time.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// Next returns a new number. More than 999,999 numbers in a second borrow from the
// next one instead of waiting.
//
// Errors: *FieldError for a Machine or Prefix outside its range.
func (g *NumberGenerator) Next() (string, error) {
	if g.Machine < 0 || g.Machine > 9999 {
		return "", &FieldError{Field: "NumberGenerator.Machine", Problem: "want 0 to 9999, is " + strconv.Itoa(g.Machine)}
	}
	if len(g.Prefix) > 8 || !alphanumeric(g.Prefix) {
		return "", &FieldError{Field: "NumberGenerator.Prefix", Problem: "want at most 8 of 0-9 A-Z a-z"}
	}
	now := time.Now
	if g.Now != nil {
		now = g.Now
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch s := now().Unix(); {
	case s > g.second:
		g.second, g.sequence = s, 0
	case g.sequence == maxSequence:
		g.second, g.sequence = g.second+1, 0
	default: // the same second, or the clock stepped back: stay with the later one
		g.sequence++
	}
	return fmt.Sprintf("%s%s%04d%06d", g.Prefix, time.Unix(g.second, 0).In(beijing).Format("20060102150405"), g.Machine, g.sequence), nil
}

func alphanumeric(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
