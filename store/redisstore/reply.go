package redisstore

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/bankrail/bankrail/idempotency"
)

// ErrReply: what Redis holds or answered is not what this package writes. Somebody else
// writes under the prefix, or the data is damaged; nothing was concluded from it.
var ErrReply = errors.New("redisstore: unreadable answer")

// states are the words in which the scripts tell what they found.
var states = map[string]idempotency.State{
	"new": idempotency.New, "mismatch": idempotency.Mismatch, "inflight": idempotency.InFlight,
	"replay": idempotency.Replay, "unknown": idempotency.Unknown,
}

// readClaim reads {state, epoch, owner, since, until, outcome, body}; the last two only
// where the request was completed, and a mismatch alone.
func readClaim(op string, reply any) (idempotency.Claim, error) {
	list, ok := reply.([]any)
	if !ok || len(list) == 0 {
		return idempotency.Claim{}, unreadable(op, "a claim")
	}
	state, known := states[word(list[0])]
	if !known {
		return idempotency.Claim{}, unreadable(op, "the state")
	}
	c := idempotency.Claim{State: state}
	if state == idempotency.Mismatch {
		return c, nil
	}
	if len(list) < 5 {
		return idempotency.Claim{}, unreadable(op, "the record")
	}
	var epoch, since, until bool
	c.Epoch, epoch = number(list[1])
	c.Owner = word(list[2])
	c.Since, since = moment(list[3])
	c.Until, until = moment(list[4])
	if !epoch || c.Epoch < 1 || !since || !until || c.Owner == "" {
		return idempotency.Claim{}, unreadable(op, "the record")
	}
	if err := readOutcome(&c, op, list[5:]); err != nil {
		return idempotency.Claim{}, err
	}
	return c, nil
}

// readOutcome adds {outcome, body} to a claim. Where the body is gone while the record
// is there, it was trimmed, expired or evicted.
func readOutcome(c *idempotency.Claim, op string, rest []any) error {
	var want idempotency.Outcome
	switch {
	case c.State == idempotency.Replay:
		want = idempotency.Done
	case c.State == idempotency.Unknown && len(rest) > 0:
		want = idempotency.Open
	}
	if want == "" && len(rest) == 0 {
		return nil
	}
	if want == "" || len(rest) != 2 || word(rest[0]) != string(want) {
		return unreadable(op, "the outcome")
	}
	c.Outcome = want
	body, ok := rest[1].(string)
	if !ok && rest[1] != nil {
		return unreadable(op, "the response")
	}
	c.Trimmed = !ok
	if ok {
		c.Response = []byte(body)
	}
	return nil
}

// swapped reads the answer of a compare-and-swap.
func swapped(op string, reply any) error {
	switch reply {
	case int64(1):
		return nil
	case int64(0):
		return fmt.Errorf("redisstore: %s: %w", op, idempotency.ErrLost)
	}
	return unreadable(op, "0 or 1")
}

func word(v any) string {
	s, _ := v.(string)
	return s
}

func number(v any) (int64, bool) {
	n, err := strconv.ParseInt(word(v), 10, 64)
	return n, err == nil
}

func moment(v any) (time.Time, bool) {
	ms, ok := number(v)
	return time.UnixMilli(ms).UTC(), ok && ms >= 0
}

// unreadable names what was expected, not what came: that may be anybody's.
func unreadable(op, want string) error {
	return fmt.Errorf("redisstore: %s: want %s: %w", op, want, ErrReply)
}
