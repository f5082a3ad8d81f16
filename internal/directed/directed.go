// Package directed strikes one refund at every crash point: each point of package
// point × a crash, a stall longer than the order lock, an error × one node or two ×
// a bank that succeeds, fails or does not answer. A host, up to two nodes and a bank
// live in virtual time; in the end an auditor compares what the bank did with what
// the journal says and the host was told.
//
// It is test support and holds no assertion about one case that does not hold for
// all: that is what the one promise is for.
package directed

import (
	"fmt"

	"github.com/bankrail/bankrail/internal/point"
)

// Kind is what happens at the point.
type Kind string

// The kinds.
const (
	Crash Kind = "crash" // the node ends; what it had in hand is gone
	Stall Kind = "stall" // the node stands still for longer than the lock lives
	Fail  Kind = "error" // what the node does next fails, its outcome unknown
)

// Bank is how the bank behaves.
type Bank string

// The banks.
const (
	Success Bank = "success" // accepts, and succeeds some minutes later
	Failure Bank = "failure" // refuses at once, or fails what it accepted
	Unknown Bank = "unknown" // executes, and its answer is lost
)

// Case is one of the 306.
type Case struct {
	Point point.Point
	Kind  Kind
	Nodes int
	Bank  Bank
}

// String names the case.
func (c Case) String() string {
	return fmt.Sprintf("%s/%s/%d nodes/%s", c.Point, c.Kind, c.Nodes, c.Bank)
}

// Cases lists them all.
func Cases() []Case {
	var cs []Case
	for _, p := range point.All() {
		for _, k := range []Kind{Crash, Stall, Fail} {
			for _, n := range []int{1, 2} {
				for _, b := range []Bank{Success, Failure, Unknown} {
					cs = append(cs, Case{p, k, n, b})
				}
			}
		}
	}
	return cs
}
