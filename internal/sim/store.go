package sim

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// store is the journal's database behind a bad connection. Every call ends the
// goroutine of a dead node; what reaches the database behind it is not cut by a
// context, as a server does not stop when its client goes away.
type store struct {
	journal.Store
	w *world
}

var (
	errCut  = errors.New("store: connection cut, outcome unknown")
	errDown = errors.New("store: unreachable")
)

// fault is what happens to one write.
type fault uint8

const (
	none fault = iota
	refusedWrite
	slow
	cutBefore
	cutAfter
	lands
	orphan
	hookRefuses
)

// trouble decides what happens to a write.
func (s *store) trouble(c *call, hooked bool) fault {
	w, p := s.w, &s.w.plan
	w.mu.Lock()
	defer w.mu.Unlock()
	pick := func(yes bool, name string, f fault) fault {
		if !yes {
			return none
		}
		w.saw(name)
		return f
	}
	if w.calm() {
		return none
	}
	for _, f := range [...]fault{
		pick(w.within(w.outage), "store outage", refusedWrite),
		pick(w.within(w.readOnly), "store read-only", refusedWrite),
		pick(c.dice.chance(p.deadlock), "store deadlock", refusedWrite),
		pick(c.dice.chance(p.slow), "store slow", slow),
		pick(c.dice.chance(p.cutBefore), "store cut before", cutBefore),
		pick(c.dice.chance(p.cutAfter), "store cut after", cutAfter),
		pick(c.dice.chance(p.lands), "store lands later", lands),
		pick(hooked && c.dice.chance(p.hook), "store hook refuses", hookRefuses),
	} {
		if f != none {
			return f
		}
	}
	return none
}

// write does one transaction, or not, and says so, or not.
func (s *store) write(ctx context.Context, what string, id bankrail.ID, hooked bool, do func() error) error {
	c := callOf(ctx)
	s.w.saw(map[string]string{"insert": "point C3", "apply": "point C7"}[what])
	c.step("before "+what, id.Number)
	f := s.trouble(c, hooked)
	if f == none && what == "insert" && s.w.plan.orphan > 0 && s.w.happens(&c.dice, s.w.plan.orphan, "store lands orphaned") {
		f = orphan
	}
	if f == slow {
		if !sleep(ctx, &c.dice, c.dice.between(time.Second, 15*time.Second)) {
			f = lands // the client gave up, the server did not
		}
		c.check()
	}
	switch f {
	case refusedWrite:
		return fmt.Errorf("%w: %w", journal.ErrNotCommitted, errDown)
	case hookRefuses:
		s.w.say(id.Number, "the host's hook refuses the change")
		return &journal.HookError{Entry: id, Err: errors.New("not now")}
	case cutBefore:
		s.w.say(id.Number, "%s cut, never commits", what)
		return errCut
	case lands:
		s.w.say(id.Number, "%s cut, lands later", what)
		s.land(c, what, id.Number, 40*time.Second, do)
		return errCut
	case orphan:
		s.w.say(id.Number, "%s cut with its node, lands minutes later", what)
		s.land(c, what, id.Number, 10*time.Minute, do)
		s.w.mu.Lock()
		c.n.crash()
		s.w.mu.Unlock()
		runtime.Goexit()
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", journal.ErrNotCommitted, err)
	}
	err := do()
	s.w.saw(map[string]string{"apply": "point C8"}[what])
	c.step("after "+what, id.Number)
	if f == cutAfter && err == nil {
		s.w.say(id.Number, "%s commits, then cut", what)
		return errCut
	}
	return err
}

// land lets a write commit after its client has gone.
func (s *store) land(c *call, what, number string, within time.Duration, do func() error) {
	d := c.dice.fork("lands", 0)
	go func() {
		sleep(context.Background(), &d, d.between(0, within))
		if !s.w.over() {
			err := do()
			s.w.say(number, "%s lands: %v", what, err)
		}
	}()
}

// read reports whether the store can be read now.
func (s *store) read(ctx context.Context, what, number string) error {
	c := callOf(ctx)
	c.step(what, number)
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.w.within(s.w.outage) {
		s.w.saw("store outage")
		return errDown
	}
	return ctx.Err()
}

func (s *store) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	return s.write(ctx, "insert", c.Entry.ID, s.w.plan.hookInserts, func() error {
		err := s.Store.Insert(context.Background(), c, h)
		if s.w.audit.inserted(c, err); err == nil {
			s.w.due(dueOf(c))
		}
		return err
	})
}

func (s *store) Apply(ctx context.Context, b journal.Batch) error {
	var id bankrail.ID
	hooked := false
	if len(b.Changes) > 0 {
		id = b.Changes[0].Entry.ID
		src := b.Changes[0].Source
		hooked = src == journal.SourceStatement && s.w.plan.hookInserts || src == journal.SourceNotification || src == journal.SourceQuery || src == journal.SourceAnswer
	}
	if s.w.plan.news > 0 && len(b.Changes) > 1 && b.Notice != nil && !s.w.calm() {
		c := callOf(ctx) // a large transaction takes its time, so that others come first
		sleep(ctx, &c.dice, c.dice.between(0, 15*time.Second))
		c.check()
	}
	return s.write(ctx, "apply", id, hooked, func() error {
		err := s.Store.Apply(context.Background(), b)
		if s.w.audit.applied(b, err); err == nil {
			for _, c := range b.Changes {
				s.w.due(dueOf(c))
			}
			if len(b.Wake)+len(b.Pending) > 0 {
				s.w.due(now())
			}
		}
		return err
	})
}

func (s *store) Get(ctx context.Context, id bankrail.ID) (journal.Entry, error) {
	if err := s.read(ctx, "get", id.Number); err != nil {
		return journal.Entry{}, err
	}
	return s.Store.Get(context.Background(), id)
}

func (s *store) Now(ctx context.Context) (time.Time, error) {
	if err := s.read(ctx, "now", ""); err != nil {
		return time.Time{}, err
	}
	return s.Store.Now(context.Background())
}

func (s *store) Claim(ctx context.Context, q journal.ClaimQuery) ([]journal.Entry, error) {
	if err := s.read(ctx, "claim", ""); err != nil {
		return nil, err
	}
	return s.Store.Claim(context.Background(), q)
}

func (s *store) Rouse(ctx context.Context, horizon time.Duration) (int, error) {
	if err := s.read(ctx, "rouse", ""); err != nil {
		return 0, err
	}
	return s.Store.Rouse(context.Background(), horizon)
}

func (s *store) Pending(ctx context.Context, q journal.PendingQuery) ([]journal.Pending, error) {
	if err := s.read(ctx, "pending", q.ID.Number); err != nil {
		return nil, err
	}
	return s.Store.Pending(context.Background(), q)
}

func (s *store) TakeEvents(ctx context.Context, lease time.Duration, limit int) ([]journal.Event, error) {
	if err := s.read(ctx, "events", ""); err != nil {
		return nil, err
	}
	return s.Store.TakeEvents(context.Background(), lease, limit)
}

func (s *store) Published(ctx context.Context, ids ...string) error {
	return s.write(ctx, "published", bankrail.ID{}, false, func() error {
		return s.Store.Published(context.Background(), ids...)
	})
}

// dueOf is when a worker has to look after a change: an event waits a minute at most.
func dueOf(c journal.Change) time.Time {
	at := now().Add(time.Hour)
	if c.Event != "" {
		at = now().Add(time.Minute)
	}
	if n := c.Entry.NextAt; !n.IsZero() && n.Before(at) {
		at = n
	}
	return at
}
