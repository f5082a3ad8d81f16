package storetest

import (
	"errors"
	"fmt"

	"github.com/anishathalye/porcupine"

	"github.com/bankrail/bankrail/idempotency"
)

// lockIn is a call of a locker: Lock where fence is 0, else the Unlock of that fence.
type lockIn struct {
	name  string
	fence int64
	lease span
}

// lockOut is its answer: "" for success, refused (locked, or lost), or cut.
type lockOut struct {
	failed string
	fence  int64
	at     int64
}

const refused = "refused"

// lockState is one name. Fence is -1 where the answer of the Lock was cut, as then
// nobody knows it.
type lockState struct {
	held        bool
	fence, last int64
	lease       span
}

func lockHistory(l idempotency.Locker) subject {
	return subject{
		model: porcupine.Model{
			Partition: byName(func(in any) string { return in.(lockIn).name }),
			Init:      func() any { return lockState{} },
			Step: func(state, in, out any) (bool, any) {
				s, i, o := state.(lockState), in.(lockIn), out.(lockOut)
				if i.fence == 0 {
					return s.lock(i, o)
				}
				return s.unlock(i, o)
			},
			DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
			DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
		},
		caller: func(c *caller) func() {
			k := &lockCaller{caller: c, locker: l}
			return k.step
		},
	}
}

func (s lockState) lock(i lockIn, o lockOut) (bool, any) {
	switch o.failed {
	case refused:
		return s.held, s
	case cut:
		// It took the name if that was free then. Nobody knows when then was.
		if s.held && s.lease.life > longest {
			return true, s
		}
		return true, lockState{held: true, fence: -1, last: s.last, lease: i.lease}
	}
	free := !s.held || s.lease.mayBeOver(o.at)
	return free && o.fence > s.last, lockState{held: true, fence: o.fence, last: o.fence, lease: i.lease}
}

func (s lockState) unlock(i lockIn, o lockOut) (bool, any) {
	own := s.held && s.fence == i.fence
	left := lockState{last: s.last}
	switch {
	case !own:
		return o.failed != "", s
	case o.failed == refused:
		return s.lease.mayBeOver(o.at), left
	}
	return true, left
}

// lockCaller locks and unlocks a few names, often what is not its own any more.
type lockCaller struct {
	*caller
	locker idempotency.Locker
	leases []held
}

type held struct {
	name  string
	lease idempotency.Lease
}

func (c *lockCaller) step() {
	if len(c.leases) > 0 && c.rng.IntN(2) == 0 {
		i := c.rng.IntN(len(c.leases))
		c.unlock(c.leases[i])
		return
	}
	in := lockIn{name: fmt.Sprintf("%s-%d", c.name, c.rng.IntN(2)), lease: span{c.clock(), c.lease()}}
	lease, err := attempt(c.caller, func() (idempotency.Lease, error) { return c.locker.Lock(c.ctx, in.name, in.lease.life) })
	out := lockOut{at: c.clock()}
	switch {
	case errors.Is(err, idempotency.ErrLocked):
		out.failed = refused
	case err != nil:
		out.failed = cut
	default:
		out.fence = lease.Fence()
		c.leases = append(c.leases, held{in.name, lease})
	}
	c.add(in.lease.from, in, out, out.failed == cut)
}

func (c *lockCaller) unlock(h held) {
	in := lockIn{name: h.name, fence: h.lease.Fence()}
	began := c.clock()
	_, err := attempt(c.caller, func() (struct{}, error) { return struct{}{}, h.lease.Unlock(c.ctx) })
	out := lockOut{at: c.clock()}
	switch {
	case errors.Is(err, idempotency.ErrLost):
		out.failed = refused
	case err != nil:
		out.failed = cut
	}
	c.add(began, in, out, out.failed == cut)
}
