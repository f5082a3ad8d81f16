package sim

import (
	"context"
	"runtime"
	"time"

	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
)

// node is one process of the host. What runs on it ends at its next step once it has
// crashed, as if the machine had lost its power there.
type node struct {
	w           *world
	id          int
	dice        dice
	life        int // counts the starts
	alive       bool
	ctx         context.Context
	kill        context.CancelFunc
	book        *journal.Book
	refunds     *refund.Service
	pausedUntil time.Time
	offset      time.Duration
	busy        int // calls in hand
	// Until when its worker rests, and what wakes it.
	until time.Time
	poke  chan struct{}
}

// start gives the node a new life: a new Book, nothing remembered.
func (n *node) start() {
	w := n.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.alive {
		return
	}
	if n.life++; n.life > 1 {
		w.say("", "node %d starts again", n.id)
		w.saw("node restart")
	}
	n.alive, n.pausedUntil = true, time.Time{}
	n.ctx, n.kill = context.WithCancel(context.Background())
	n.offset = n.dice.between(-10*time.Minute, 10*time.Minute)
	n.book = journal.New(w.store, journal.Config{
		Now: n.now, AllowVolatile: true, Alarm: w.alarm, Logger: w.logger, Sealer: w.sealer,
		Locker: w.locker, LockRequired: w.locker != nil && w.plan.lockNeeded, LimitsFor: limitsFor, TwoPersons: w.twoPersons(),
	})
	n.refunds = refund.New(n.book, &gateway{w: w}, refund.Config{Orders: w, SendWithin: w.plan.sendWithin, Queue: w.plan.queue})
	go n.call(n.dice.fork("worker", n.life)).work()
}

// now is the clock of the node, which is wrong.
func (n *node) now() time.Time {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	return now().Add(n.offset)
}

// jump turns the clock of the node. Back only while nothing is measured by it: a real
// clock keeps its monotonic reading then, which cannot be built here.
func (n *node) jump(by time.Duration) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	switch {
	case by > 0:
		n.offset += by
		n.w.saw("node clock forward")
	case n.busy == 0:
		n.offset += by
		n.w.saw("node clock back")
	}
}

// crash ends the life of the node; another begins a while later. The caller holds
// the world's lock.
func (n *node) crash() {
	if !n.alive {
		return
	}
	n.alive = false
	n.kill()
	n.w.saw("node crash")
	n.w.say("", "node %d crashes", n.id)
	back, d := n.dice.between(0, 30*time.Minute), n.dice.fork("restart", n.life)
	go func() {
		sleep(context.Background(), &d, back)
		if !n.w.over() {
			n.start()
		}
	}()
}

// call is something that runs on a node: it dies with it.
type call struct {
	n    *node
	life int
	ctx  context.Context
	dice dice
	// The Book and the Service of the life it belongs to, and which drives its entries.
	book    *journal.Book
	refunds *refund.Service
	driver  journal.Driver
}

// call makes one; the caller holds the world's lock.
func (n *node) call(d dice) *call {
	c := &call{n: n, life: n.life, ctx: n.ctx, book: n.book, refunds: n.refunds, driver: n.refunds, dice: d}
	if n.w.plan.vault {
		c.driver = vault{n.w, n.book}
	}
	return c
}

type callKey struct{}

// run does f on the node and reports whether the node lived to tell of it.
func (n *node) run(d dice, f func(ctx context.Context, c *call)) bool {
	n.w.mu.Lock()
	if !n.alive {
		n.w.mu.Unlock()
		return false
	}
	c := n.call(d)
	n.busy++
	n.w.mu.Unlock()
	done := make(chan bool, 1)
	go func() {
		told := false
		defer func() {
			n.w.mu.Lock()
			n.busy--
			told = told && c.livesLocked()
			n.w.mu.Unlock()
			done <- told
		}()
		f(c.context(), c)
		told = true
	}()
	lived := <-done
	back := d.fork("back", 0)
	sleep(context.Background(), &back, 0) // a crash ends many calls at one instant
	return lived
}

// context carries the call to wherever the SDK takes it.
func (c *call) context() context.Context {
	ctx := context.WithValue(c.ctx, callKey{}, c)
	return point.With(ctx, func(ctx context.Context, p point.Point, number string) {
		c.n.w.saw("point " + string(p))
		c.step(string(p), number)
	})
}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

func (c *call) livesLocked() bool { return c.n.alive && c.n.life == c.life }

// step is a moment at which a node may crash or stall. What comes after it happens
// at an instant that no other actor of the world shares.
func (c *call) step(where, number string) {
	sleep(context.Background(), &c.dice, time.Millisecond)
	w := c.n.w
	w.mu.Lock()
	if !c.livesLocked() {
		w.mu.Unlock()
		runtime.Goexit()
	}
	if !w.calm() {
		if c.dice.chance(w.plan.crash) {
			w.say(number, "crash at %s", where)
			c.n.crash()
			w.mu.Unlock()
			runtime.Goexit()
		}
		if c.dice.chance(w.plan.pause) {
			d := c.dice.between(time.Second, 300*time.Second)
			c.n.pausedUntil = now().Add(d)
			w.saw("node pause")
			w.say(number, "node %d pauses %s at %s", c.n.id, d.Round(time.Second), where)
		}
	}
	left := c.n.pausedUntil.Sub(now())
	w.mu.Unlock()
	if left > 0 {
		sleep(context.Background(), &c.dice, left)
		c.check()
	}
}

// paused is until when its node paused last.
func (c *call) paused() time.Time {
	c.n.w.mu.Lock()
	defer c.n.w.mu.Unlock()
	return c.n.pausedUntil
}

// check ends the goroutine if its node has died.
func (c *call) check() {
	c.n.w.mu.Lock()
	lives := c.livesLocked()
	c.n.w.mu.Unlock()
	if !lives {
		runtime.Goexit()
	}
}
