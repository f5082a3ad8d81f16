package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// entryIn is a call of a journal's store as one entry sees it: a claim that hands out
// three entries is a call to each of them.
type entryIn struct {
	do      string // insert, apply, get or claim
	number  string
	version int64  // what apply replaces
	mark    string // what insert and apply write
	next    int64  // the NextAt they write, in milliseconds; 0 is never
	lease   span
}

// entryOut is its answer: "" for success, refused, or cut.
type entryOut struct {
	failed  string
	version int64
	mark    string
	next    int64
	at      int64
}

// entryState is one entry. A next of -1 is a lease whose end was told to nobody.
type entryState struct {
	version int64 // 0: no record
	mark    string
	next    int64
	lease   span // that of the claim that moved next; zero where there was none
}

// longAgo is a NextAt that has come.
const longAgo = 1_000_000_000_000

func journalHistory(store journal.Store) subject {
	return subject{
		model: porcupine.Model{
			Partition: byName(func(in any) string { return in.(entryIn).number }),
			Init:      func() any { return entryState{} },
			Step: func(state, in, out any) (bool, any) {
				s, i, o := state.(entryState), in.(entryIn), out.(entryOut)
				switch i.do {
				case "insert":
					return s.insert(i, o)
				case "apply":
					return s.apply(i, o)
				case "get":
					return s.get(o)
				}
				return s.claim(i, o)
			},
			DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
			DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
		},
		caller: func(c *caller) func() {
			e := &entryCaller{c, store, map[string]journal.Entry{}}
			return e.step
		},
	}
}

func (s entryState) insert(i entryIn, o entryOut) (bool, any) {
	if s.version != 0 {
		return o.failed != "", s
	}
	return o.failed != refused, entryState{version: 1, mark: i.mark, next: i.next}
}

func (s entryState) apply(i entryIn, o entryOut) (bool, any) {
	if s.version == 0 || s.version != i.version {
		return o.failed != "", s
	}
	return o.failed != refused, entryState{version: s.version + 1, mark: i.mark, next: i.next}
}

func (s entryState) get(o entryOut) (bool, any) {
	if s.version == 0 || o.failed == refused {
		return s.version == 0 && o.failed == refused, s
	}
	right := o.version == s.version && o.mark == s.mark && (o.next == s.next || s.next == -1 && o.next > longAgo)
	s.next = o.next
	return right, s
}

func (s entryState) claim(i entryIn, o entryOut) (bool, any) {
	if o.failed == cut {
		// It may have moved what was due then.
		if s.version != 0 && s.next != 0 && s.lease.life <= longest {
			s.next, s.lease = -1, i.lease
		}
		return true, s
	}
	due := s.version != 0 && s.next != 0 && (s.next == longAgo || s.lease.mayBeOver(o.at))
	right := due && o.version == s.version && o.mark == s.mark && o.next > longAgo
	s.next, s.lease = o.next, i.lease
	return right, s
}

// entryCaller records, reads, changes and claims a few entries.
type entryCaller struct {
	*caller
	store journal.Store
	seen  map[string]journal.Entry
}

// channel keeps the entries of one history apart from the next one's.
func (c *entryCaller) channel() bankrail.Channel {
	return bankrail.Channel{Gateway: "lanhai-test", Merchant: c.name}
}

// entries is how many there are in one history.
const entries = 3

func (c *entryCaller) step() {
	number := fmt.Sprint(c.rng.IntN(entries))
	switch n := c.rng.IntN(10); {
	case n < 2:
		c.insert(number)
	case n < 4:
		c.get(number)
	case n < 8:
		c.apply(number)
	default:
		c.claim()
	}
}

func (c *entryCaller) insert(number string) {
	e := journal.Entry{
		ID:     bankrail.ID{Channel: c.channel(), Op: bankrail.OpRefund, Number: number},
		Status: bankrail.Processing, Amount: bankrail.CNY(100), CreatedAt: begun, UpdatedAt: begun,
	}
	in := c.written(&e, "insert")
	_, err := attempt(c.caller, func() (struct{}, error) {
		return struct{}{}, c.store.Insert(c.ctx, to(e, e.Status), journal.Hold{})
	})
	c.wrote(in, e, 0, err, journal.ErrExists)
}

func (c *entryCaller) apply(number string) {
	e, ok := c.seen[number]
	if !ok {
		c.get(number)
		return
	}
	in := c.written(&e, "apply")
	in.version = e.Version
	_, err := attempt(c.caller, func() (struct{}, error) {
		return struct{}{}, c.store.Apply(c.ctx, journal.Batch{Changes: []journal.Change{to(e, e.Status)}})
	})
	c.wrote(in, e, e.Version, err, journal.ErrLost)
}

// written gives an entry its content.
func (c *entryCaller) written(e *journal.Entry, do string) entryIn {
	in := entryIn{do: do, number: e.Number, mark: c.mark(), lease: span{from: c.clock()}}
	e.Code, e.NextAt = in.mark, time.Time{}
	if c.rng.IntN(3) > 0 {
		in.next = longAgo
		e.NextAt = time.UnixMilli(longAgo).UTC()
	}
	return in
}

// wrote records how an insert or a change ended.
func (c *entryCaller) wrote(in entryIn, e journal.Entry, replaced int64, err, refusal error) {
	out := entryOut{at: c.clock()}
	switch {
	case errors.Is(err, refusal):
		out.failed = refused
		delete(c.seen, in.number)
	case errors.Is(err, journal.ErrNotCommitted):
		return // nothing was done and nothing was said of the entry
	case err != nil:
		out.failed = cut
	default:
		e.Version = replaced + 1
		c.seen[in.number] = e
	}
	c.add(in.lease.from, in, out, out.failed == cut)
}

func (c *entryCaller) get(number string) {
	in := entryIn{do: "get", number: number, lease: span{from: c.clock()}}
	e, err := c.store.Get(c.ctx, bankrail.ID{Channel: c.channel(), Op: bankrail.OpRefund, Number: number})
	out := entryOut{at: c.clock()}
	switch {
	case errors.Is(err, bankrail.ErrNotFound):
		out.failed = refused
	case err != nil:
		return // it was told nothing
	default:
		out.version, out.mark, out.next = e.Version, e.Code, milli(e.NextAt)
		c.seen[number] = e
	}
	c.add(in.lease.from, in, out, false)
}

func (c *entryCaller) claim() {
	in := entryIn{do: "claim", lease: span{c.clock(), c.lease()}}
	got, err := attempt(c.caller, func() ([]journal.Entry, error) {
		return c.store.Claim(c.ctx, journal.ClaimQuery{Op: bankrail.OpRefund, Channel: c.channel(), Lease: in.lease.life, Limit: entries})
	})
	at := c.clock()
	if errors.Is(err, journal.ErrNotCommitted) {
		return
	}
	if err != nil {
		for i := range entries {
			in.number = fmt.Sprint(i)
			c.add(in.lease.from, in, entryOut{failed: cut, at: at}, true)
		}
		return
	}
	for _, e := range got {
		in.number = e.Number
		c.seen[e.Number] = e
		c.add(in.lease.from, in, entryOut{version: e.Version, mark: e.Code, next: milli(e.NextAt), at: at}, false)
	}
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
