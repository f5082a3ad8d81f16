package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/refund"
)

// answers is what Create said in this process, for the audit and for the reader.
type answers struct {
	mu     sync.Mutex
	told   map[string]told // by number
	counts map[string]int  // of calls, by how they were answered
	wrongs []string        // what the shop did not expect
}

// told is what Create said of a number, all calls of this process together.
type told struct {
	open   bool  // at least one call had no error
	failed error // the error of one that says the number has failed
	other  error // another error that says no money moved
}

// remember keeps what was told of a number.
func (a *answers) remember(number string, got *refund.Refund, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.told[number]
	switch kind := kindOf(err); kind {
	case "accepted":
		if t.failed != nil && !got.Late {
			a.wrongs = append(a.wrongs, fmt.Sprintf("%s: Create said %v, and then %s", number, t.failed, got.Status))
		}
		t.open = true
		a.counts[kind]++
	case "failed":
		t.failed = err
		a.counts[kind]++
	case "in conflict", toBeRepeated:
		a.counts[kind]++ // these two speak of something else
	default:
		t.other = err
		a.counts[kind]++
	}
	a.told[number] = t
}

// toBeRepeated: nothing is known of the number, or the bank is down or busy and there is
// no record of it.
const toBeRepeated = "to be repeated"

// kindOf reads an error of Create as the host's code does: by errors.Is and errors.As.
func kindOf(err error) string {
	var order *refund.OrderError
	switch {
	case err == nil:
		return "accepted"
	case errors.Is(err, bankrail.ErrFailed):
		return "failed"
	case errors.Is(err, bankrail.ErrUnavailable), errors.Is(err, client.ErrBreakerOpen), errors.Is(err, client.ErrBusy):
		return toBeRepeated
	case errors.Is(err, bankrail.ErrConflict):
		return "in conflict"
	case errors.Is(err, bankrail.ErrBudget):
		return "over budget"
	case errors.As(err, &order):
		return "of a wrong order"
	case errors.Is(err, bankrail.ErrForbidden):
		return "forbidden"
	}
	return "refused otherwise"
}

// expected lists the only answers that a request which must be refused may get. An
// order that is refunded by now says so before the amount is looked at.
var expected = map[manner][]string{
	tooMuch:    {"over budget", "of a wrong order"},
	wrongOrder: {"of a wrong order"},
	trainee:    {"forbidden"},
}

// expect notes an answer that is not one of those it must be.
func (a *answers) expect(in intent, err error, kinds ...string) {
	if len(kinds) == 0 || slices.Contains(kinds, kindOf(err)) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wrongs = append(a.wrongs, fmt.Sprintf("%s: %s: Create said %v", in.request.Number, in.manner, err))
}

// calls is how often Create was called.
func (a *answers) calls() (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.counts {
		n += c
	}
	return n
}

// String says how the calls were answered.
func (a *answers) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return counts(a.counts)
}

// heard copies what was told so far.
func (a *answers) heard() (map[string]told, []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.told), slices.Clone(a.wrongs)
}
