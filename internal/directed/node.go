package directed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
)

// stall is longer than the order lock lives, and than a call may take.
const stall = 45 * time.Second

// node is a process with a Book. Its own store is what a process sees of the shared
// one: dead, it reaches nothing any more.
type node struct {
	journal.Store
	w    *world
	ctx  context.Context
	end  context.CancelFunc
	book *journal.Book
	dead atomic.Bool
	// broken: the next thing it does with the world outside fails.
	broken atomic.Bool
}

// start brings up a node; the first is struck.
func (w *world) start(struck bool) *node {
	n := &node{Store: w.store, w: w}
	n.ctx, n.end = context.WithCancel(context.Background())
	if struck {
		n.ctx = point.With(n.ctx, n.hit)
	}
	n.book = journal.New(n, journal.Config{
		AllowVolatile: true, Locker: locker{n, w.locker},
		Alarm: func(context.Context, journal.Alarm) {}, Logger: slog.New(slog.DiscardHandler),
	})
	work, relay := 10*time.Second, 7*time.Second
	if !struck { // so that it is the struck node that comes first
		work, relay = 37*time.Second, 29*time.Second
	}
	w.run.Go(func() { n.every(work, func() { _, _ = n.book.Work(n.ctx, n, 10, 1) }) })
	w.run.Go(func() { n.every(5*time.Minute, func() { _ = n.book.Sweep(n.ctx) }) })
	w.run.Go(func() { n.every(relay, func() { _, _ = n.book.Relay(n.ctx, n, 10) }) })
	return n
}

// every calls f again and again; after a while, when little happens, ten times less
// often.
func (n *node) every(d time.Duration, f func()) {
	t := time.NewTicker(d)
	defer t.Stop()
	for i := 0; ; i++ {
		if i == 60 {
			t.Reset(10 * d)
		}
		select {
		case <-n.ctx.Done():
			return
		case <-t.C:
			f()
		}
	}
}

// hit strikes at the case's point, once.
func (n *node) hit(_ context.Context, p point.Point, _ string) {
	if p != n.w.c.Point || !n.w.struck.CompareAndSwap(false, true) {
		return
	}
	n.w.struckAt = time.Now()
	close(n.w.strike)
	switch n.w.c.Kind {
	case Crash:
		n.dead.Store(true)
		n.end()
		runtime.Goexit()
	case Stall:
		time.Sleep(stall)
	case Fail:
		n.broken.Store(true)
	}
}

// alive ends the goroutine of a dead node: nothing it does has an effect any more.
func (n *node) alive() {
	if n.dead.Load() {
		runtime.Goexit()
	}
}

// failing uses up the failure of this node.
func (n *node) failing() bool { return n.broken.CompareAndSwap(true, false) }

var errCut = errors.New("connection cut, outcome unknown")

// Insert is struck after it reached the store: with one node it lands later, when
// nobody waits for it any more.
func (n *node) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	n.alive()
	if n.w.c.Point == point.Inserting && n.w.c.Nodes == 1 && !n.w.struck.Load() {
		n.w.run.Go(func() {
			time.Sleep(40 * time.Second)
			_ = n.w.store.Insert(context.Background(), c, h)
		})
		point.At(ctx, point.Inserting, c.Entry.Number)
		n.broken.Store(false)
		return errCut
	}
	err := n.Store.Insert(ctx, c, h)
	point.At(ctx, point.Inserting, c.Entry.Number)
	n.alive()
	if n.failing() {
		return errCut
	}
	return err
}

// Apply is struck before its commit and after it.
func (n *node) Apply(ctx context.Context, b journal.Batch) error {
	n.alive()
	point.At(ctx, point.Applying, "")
	if n.failing() {
		return fmt.Errorf("%w: %w", journal.ErrNotCommitted, errCut)
	}
	err := n.Store.Apply(ctx, b)
	point.At(ctx, point.Applied, "")
	n.alive()
	if n.failing() {
		return errCut
	}
	return err
}

// Get reads, where the node still can.
func (n *node) Get(ctx context.Context, id bankrail.ID) (journal.Entry, error) {
	n.alive()
	if n.failing() {
		return journal.Entry{}, errCut
	}
	return n.Store.Get(ctx, id)
}

// Now fails with the rest.
func (n *node) Now(ctx context.Context) (time.Time, error) {
	n.alive()
	if n.failing() {
		return time.Time{}, errCut
	}
	return n.Store.Now(ctx)
}

// Published marks events, where the node still can.
func (n *node) Published(ctx context.Context, ids ...string) error {
	n.alive()
	if n.failing() {
		return errCut
	}
	return n.Store.Published(ctx, ids...)
}

// locker is what a node sees of the lock service.
type locker struct {
	n *node
	idempotency.Locker
}

type lease struct {
	n *node
	idempotency.Lease
}

func (l locker) Lock(ctx context.Context, name string, life time.Duration) (idempotency.Lease, error) {
	l.n.alive()
	if l.n.failing() {
		return nil, errCut
	}
	got, err := l.Locker.Lock(ctx, name, life)
	if err != nil {
		return nil, err
	}
	return lease{l.n, got}, nil
}

// Unlock of a dead node never arrives: the lock lives its life out.
func (l lease) Unlock(ctx context.Context) error {
	l.n.alive()
	if l.n.failing() {
		return errCut
	}
	return l.Lease.Unlock(ctx)
}

// Publish is the broker: what it took it has.
func (n *node) Publish(_ context.Context, e journal.Event) error {
	n.alive()
	if n.failing() {
		return errCut
	}
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.w.published = append(n.w.published, e)
	return nil
}
