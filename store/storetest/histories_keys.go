package storetest

import (
	"errors"
	"fmt"

	"github.com/anishathalye/porcupine"

	"github.com/bankrail/bankrail/idempotency"
)

// keyIn is a call of a store of keys.
type keyIn struct {
	do       string // begin, complete or reclaim
	key      string
	print    string
	owner    string
	epoch    int64
	lease    span
	outcome  idempotency.Outcome
	response string
}

// keyOut is its answer: "" for success, lost, or cut where there was none.
type keyOut struct {
	failed   string
	state    idempotency.State
	epoch    int64
	owner    string
	outcome  idempotency.Outcome
	response string
	at       int64
}

const (
	lost = "lost"
	cut  = "cut"
)

// keyState is one record, as simple as it can be written. A lease ends by itself:
// over is set once anybody was told so, and then it stays over.
type keyState struct {
	print    string // empty: no record
	epoch    int64
	owner    string
	lease    span
	over     bool
	outcome  idempotency.Outcome
	response string
}

func keyHistory(store idempotency.Store) subject {
	return subject{
		model: porcupine.Model{
			Partition: byName(func(in any) string { return in.(keyIn).key }),
			Init:      func() any { return keyState{} },
			Step: func(state, in, out any) (bool, any) {
				s, i, o := state.(keyState), in.(keyIn), out.(keyOut)
				switch i.do {
				case "begin":
					return s.begin(i, o)
				case "complete":
					return s.complete(i, o)
				}
				return s.reclaim(i, o)
			},
			DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
			DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
		},
		caller: func(c *caller) func() {
			k := keyCaller{c, store, map[string]int64{}}
			return k.step
		},
	}
}

func (s keyState) begin(i keyIn, o keyOut) (bool, any) {
	told := o.epoch == s.epoch && o.owner == s.owner && o.outcome == s.outcome && o.response == s.response
	switch {
	case s.print == "":
		fresh := keyState{print: i.print, epoch: 1, owner: i.owner, lease: i.lease}
		return o.failed == cut || o.state == idempotency.New && o.epoch == 1 && o.owner == i.owner, fresh
	case o.failed == cut:
		return true, s
	case s.print != i.print:
		return o.state == idempotency.Mismatch, s
	case s.outcome == idempotency.Done:
		return o.state == idempotency.Replay && told, s
	case s.outcome == idempotency.Open:
		return o.state == idempotency.Unknown && told, s
	case o.state == idempotency.InFlight:
		return told && !s.over, s
	}
	right := told && o.state == idempotency.Unknown && (s.over || s.lease.mayBeOver(o.at))
	s.over = true
	return right, s
}

func (s keyState) complete(i keyIn, o keyOut) (bool, any) {
	fits := s.print != "" && s.epoch == i.epoch && s.outcome != idempotency.Done
	if !fits {
		return o.failed != "", s
	}
	s.outcome, s.response = i.outcome, i.response
	return o.failed != lost, s
}

func (s keyState) reclaim(i keyIn, o keyOut) (bool, any) {
	fits := s.print != "" && s.epoch == i.epoch && s.outcome != idempotency.Done
	live := s.outcome == "" && !s.over // for all that anybody was told
	if !fits || live && o.failed == lost {
		return o.failed != "", s
	}
	switch {
	case live && o.failed == "" && !s.lease.mayBeOver(o.at):
		return false, s
	case live && o.failed == cut && s.lease.life > longest:
		return true, s
	}
	right := o.failed == cut || o.failed == "" && o.state == idempotency.New && o.epoch == s.epoch+1 && o.owner == i.owner
	return right, keyState{print: s.print, epoch: s.epoch + 1, owner: i.owner, lease: i.lease}
}

// keyCaller begins, completes and reclaims a few keys.
type keyCaller struct {
	*caller
	store idempotency.Store
	seen  map[string]int64 // the last epoch of each key
}

func (c keyCaller) step() {
	in := keyIn{key: fmt.Sprintf("%s-%d", c.name, c.rng.IntN(3)), owner: c.mark()}
	in.print = "a"
	if c.rng.IntN(8) == 0 {
		in.print = "b"
	}
	in.epoch = max(c.seen[in.key], 1)
	in.lease = span{c.clock(), c.lease()}
	switch n := c.rng.IntN(10); {
	case n < 4:
		in.do = "begin"
	case n < 7:
		in.do, in.outcome, in.response = "complete", idempotency.Open, c.mark()
		if c.rng.IntN(3) == 0 {
			in.outcome = idempotency.Done
		}
	default:
		in.do = "reclaim"
	}
	claim, err := attempt(c.caller, func() (idempotency.Claim, error) { return c.do(in) })
	out := keyOut{
		state: claim.State, epoch: claim.Epoch, owner: claim.Owner,
		outcome: claim.Outcome, response: string(claim.Response), at: c.clock(),
	}
	switch {
	case errors.Is(err, idempotency.ErrLost):
		out.failed = lost
		delete(c.seen, in.key)
	case err != nil:
		out.failed = cut
	case claim.Epoch > 0:
		c.seen[in.key] = claim.Epoch
	}
	c.add(in.lease.from, in, out, out.failed == cut)
}

func (c keyCaller) do(in keyIn) (idempotency.Claim, error) {
	k := idempotency.Key{Route: "history", Key: in.key}
	switch in.do {
	case "begin":
		return c.store.Begin(c.ctx, k, idempotency.NewFingerprint(in.print), in.owner, in.lease.life)
	case "complete":
		return idempotency.Claim{}, c.store.Complete(c.ctx, k, in.epoch, in.outcome, []byte(in.response))
	}
	return c.store.Reclaim(c.ctx, k, in.epoch, in.owner, in.lease.life)
}
