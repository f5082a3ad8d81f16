package sim

import (
	"context"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// work is the worker of a node: due entries, events and a sweep every five minutes.
// It looks into the store to find out how long there is nothing to do, because an
// empty look costs as much as a full one and a world lasts for days.
func (c *call) work() {
	w := c.n.w
	var swept time.Time
	for {
		pause, sweep := w.idle(swept)
		switch c.rest(pause) {
		case died:
			return
		case poked:
			continue
		}
		if sweep {
			swept = now()
		}
		c.look(sweep)
	}
}

// How a rest of a worker ends.
const (
	rested = iota
	poked
	died
)

// rest waits until something is due, or until a commit makes something due earlier.
func (c *call) rest(pause time.Duration) int {
	n, w := c.n, c.n.w
	pause += time.Duration(c.dice.next() % uint64(time.Millisecond))
	t := time.NewTimer(pause)
	defer t.Stop()
	w.mu.Lock()
	n.until, n.poke = now().Add(pause), make(chan struct{})
	poke := n.poke
	w.mu.Unlock()
	select {
	case <-t.C:
		return rested
	case <-c.ctx.Done():
		return died
	case <-poke:
		sleep(context.Background(), &c.dice, 0)
		return poked
	}
}

// due tells the workers when something is due.
func (w *world) due(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.nodes {
		if n.poke != nil && at.Before(n.until) {
			close(n.poke)
			n.poke = nil
		}
	}
}

// look is one round.
func (c *call) look(sweep bool) {
	w, ctx := c.n.w, c.context()
	w.mu.Lock()
	c.n.busy++
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		c.n.busy--
		w.mu.Unlock()
	}()
	c.step("worker", "")
	if sweep {
		_ = c.book.Sweep(ctx)
	}
	_, _ = c.book.Work(ctx, c.driver, 10, 1)
	_, _ = c.book.Relay(ctx, (*broker)(w), 20)
}

// idle is how long no node has anything to do, and whether a sweep is what comes next.
func (w *world) idle(swept time.Time) (time.Duration, bool) {
	ctx := context.Background()
	open, _, _ := w.store.Store.List(ctx, journal.ListQuery{OpenOnly: true})
	h, _ := w.store.Store.Health(ctx)
	next, every := now().Add(time.Hour), time.Hour
	if h.Unpublished > 0 {
		next = now().Add(time.Minute)
	}
	if h.Pending > 0 {
		every = 5 * time.Minute
	}
	for _, e := range open {
		if !e.NextAt.IsZero() && e.NextAt.Before(next) {
			next = e.NextAt
		}
		if e.Status != bankrail.Manual && (e.NextAt.IsZero() || e.NextAt.Sub(now()) > 90*time.Minute) {
			every = 5 * time.Minute
		}
	}
	if sweep := swept.Add(every); sweep.Before(next) {
		return max(sweep.Sub(now()), time.Second), true
	}
	return max(next.Sub(now()), time.Second), false
}
