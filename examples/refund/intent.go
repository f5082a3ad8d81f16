package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
)

// intent is one thing the shop wants: some money of some order given back, once. It
// has a number from the start, and a second one for the case that the first fails.
// Both follow from the seed alone, so that a restarted host repeats them.
type intent struct {
	manner  manner
	request refund.Request
}

// manner is how the shop, or who works there, goes about it.
type manner string

const (
	once       manner = "once"
	repeated   manner = "repeated"      // three times, one after the other
	concurrent manner = "concurrent"    // three times at once
	other      manner = "other content" // and again with another amount: a bug of the host
	tooMuch    manner = "too much"      // more than was paid
	wrongOrder manner = "wrong order"   // of an order that was never paid
	trainee    manner = "trainee"       // by somebody who may not
	final      manner = "final"         // once; if it fails, the shop leaves it at that
)

// manners lists how often each occurs, in per cent.
var manners = []struct {
	manner manner
	share  uint64
}{
	{once, 48}, {repeated, 13}, {concurrent, 13}, {other, 8}, {tooMuch, 7}, {wrongOrder, 6}, {trainee, 5},
}

// role is a part in the story that the bank is told to play, so that each run has
// one. Everything else the bank thinks up itself.
type role struct {
	manner                  manner
	requests, asks, notices []sandbox.Fault
}

// cast lists the roles of the first intents, each with an order of its own.
var cast = []role{
	{manner: once, requests: []sandbox.Fault{sandbox.ReplyLost}},
	{manner: once, requests: []sandbox.Fault{sandbox.RequestLost, sandbox.None}},
	{manner: once, requests: []sandbox.Fault{sandbox.EarlyNotice}},
	bounced:                {manner: final, requests: []sandbox.Fault{sandbox.None}},
	wordBreak:              {manner: final, requests: []sandbox.Fault{sandbox.FinalFail}},
	denied, denied, denied, // three, because the bank has two ways of refusing
}

const (
	bounced   = 3 // its money comes back after it had arrived
	wordBreak = 4 // the bank fails it, and does it all the same
)

// denied is a refund that the bank has, tells nobody of, and refuses to take twice.
var denied = role{
	manner:   once,
	requests: []sandbox.Fault{sandbox.ReplyLost, sandbox.SecondCopyRefused},
	asks:     slices.Repeat([]sandbox.Fault{sandbox.DeniedQuery}, 4),
	notices:  slices.Repeat([]sandbox.Fault{sandbox.NoticeLost}, len(notices)),
}

// intents derives what the shop wants from the seed.
func intents(seed uint64, n int, orders map[string]*order) []intent {
	var all []intent
	for i := range n {
		in := intent{manner: once, request: refund.Request{
			Number: fmt.Sprintf("R%d-%04d", seed, i), Operator: "clerk", Reason: "sold out",
		}}
		nth := i
		if i < len(cast) {
			in.manner = cast[i].manner
		} else {
			in.manner = draw(hash(seed, "manner", i) % 100)
			nth = len(cast) + int(hash(seed, "order", i)%uint64(shopOrders-len(cast)))
		}
		if in.manner == wrongOrder {
			nth = 18 + int(hash(seed, "wrong", i)%2)
		} else if nth%20 >= 18 {
			nth -= 10
		}
		o := orders[orderNumber(nth)]
		in.request.Order = o.Number
		in.request.Amount = amount(seed, i, in.manner, o.Paid.Minor())
		if in.manner == trainee {
			in.request.Operator = "trainee"
		}
		all = append(all, in)
	}
	return all
}

func draw(n uint64) manner {
	for _, m := range manners {
		if n < m.share {
			return m.manner
		}
		n -= m.share
	}
	return once
}

// amount is mostly a part of what was paid, now and then all of it.
func amount(seed uint64, i int, m manner, paid int64) bankrail.Money {
	h := hash(seed, "amount", i)
	switch {
	case m == tooMuch:
		return bankrail.CNY(paid + 1 + int64(h%10_000))
	case i >= len(cast) && h%20 == 0:
		return bankrail.CNY(paid)
	}
	return bankrail.CNY(1 + paid*int64(2+h%20)/100)
}

// second is the same intent under the number it takes when the first has failed.
func (in intent) second() refund.Request {
	r := in.request
	r.Number += "-2"
	return r
}

// mayTakeSecond reports whether the shop tries a second number at all.
func (in intent) mayTakeSecond() bool { return in.manner != final }

// hash is where everything accidental comes from.
func hash(seed uint64, what string, i int) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", seed, what, i))
	return binary.BigEndian.Uint64(sum[:])
}
