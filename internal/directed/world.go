package directed

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
)

var (
	channel = bankrail.Channel{Gateway: "bank", Merchant: "M1"}
	amount  = bankrail.CNY(100)
)

// maxNumbers bounds the numbers that the host takes for its one intent.
const maxNumbers = 4

func numberOf(i int) string { return fmt.Sprintf("R%d", i) }

func idOf(number string) bankrail.ID {
	return bankrail.ID{Channel: channel, Op: bankrail.OpRefund, Number: number}
}

// world is one case.
type world struct {
	t      *testing.T
	c      Case
	store  journal.Store
	locker idempotency.Locker
	bank   *bank
	run    sync.WaitGroup

	struck   atomic.Bool
	strike   chan struct{}
	struckAt time.Time

	mu        sync.Mutex
	nodes     []*node // those that live
	published []journal.Event
	// told is what an error of Create said of a number.
	told  map[string]error
	acked []journal.Notice
}

// Open opens the store of a case. Its migrations, if it has any, run with ctx, and an
// error of theirs is retried.
type Open func(ctx context.Context, t *testing.T) (journal.Store, error)

// Run plays a case; it has to be called in a bubble of testing/synctest.
func Run(t *testing.T, c Case, open Open, locker idempotency.Locker) {
	w := &world{
		t: t, c: c, locker: locker, strike: make(chan struct{}), told: map[string]error{},
		bank: &bank{c: c, orders: map[string]*order{}, executed: map[string]int{}},
	}
	if !w.open(open) {
		return // nothing of this store is struck at this point
	}
	first := w.start(c.Point != point.HalfMigrated)
	w.nodes = []*node{first}
	if c.Nodes == 2 {
		w.nodes = append(w.nodes, w.start(false))
	}
	host := make(chan struct{})
	go func() {
		defer close(host) // also where the node dies under it
		w.intend(first)
	}()
	ctx, end := context.WithCancel(context.Background())
	w.run.Go(func() { w.recover(ctx) })
	w.run.Go(func() { w.notify(ctx) })
	<-host
	time.Sleep(3 * time.Hour)
	w.statement()
	time.Sleep(3 * time.Hour)
	require.True(t, w.struck.Load(), "the point was never reached: the case tests nothing")
	for _, n := range w.nodes {
		n.end()
	}
	first.end()
	end()
	w.run.Wait()
	require.True(w.t, w.struck.Load(), "the point was never reached: the case tests nothing")
	w.audit()
}

// open opens the store; at HalfMigrated it is what is struck.
func (w *world) open(open Open) bool {
	ctx := context.Background()
	if w.c.Point != point.HalfMigrated {
		var err error
		w.store, err = open(ctx, w.t)
		require.NoError(w.t, err)
		return true
	}
	n := &node{w: w, end: func() {}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		mctx, cancel := context.WithCancel(ctx)
		defer cancel()
		steps := 0
		w.store, _ = open(point.With(mctx, func(ctx context.Context, p point.Point, number string) {
			if steps++; steps != 10 { // in the middle of it
				return
			}
			if w.c.Kind == Stall {
				n.hit(ctx, p, number)
				return
			}
			// A crash leaves what an error leaves: a transaction that was never committed.
			// Ending the goroutine would leave a pool of connections behind as well.
			w.struckAt = time.Now()
			w.struck.Store(true)
			close(w.strike)
			cancel()
		}), w.t)
	}()
	<-done
	if !w.struck.Load() {
		return false
	}
	if w.store != nil { // it only stood still
		return true
	}
	var err error
	w.store, err = open(ctx, w.t)
	require.NoError(w.t, err, "what is half migrated is finished by the next who opens it")
	return true
}

// intend is the host: one intent, a new number after every error that lets it, the
// same number after one that asks for it.
func (w *world) intend(n *node) {
	for i := 1; i <= maxNumbers; {
		number := numberOf(i)
		e, err := n.book.Create(n.ctx, idOf(number), journal.NewFingerprint("intent"), n, func(context.Context) (journal.Draft, error) {
			return journal.Draft{Order: "O1", Amount: amount, Data: []byte(`{}`), Hold: journal.Hold{Limit: amount}}, nil
		})
		n.alive()
		switch {
		case errors.Is(err, bankrail.ErrUnavailable):
			time.Sleep(time.Second)
			continue
		case err != nil:
			w.tell(number, err)
			i++
			continue
		case e.Unconfirmed:
			time.Sleep(time.Minute)
			if _, err := n.book.Get(n.ctx, idOf(number)); errors.Is(err, bankrail.ErrNotFound) {
				continue
			}
		}
		return
	}
}

func (w *world) tell(number string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told[number] = err
}

// recover repeats the host's intent after the strike: at once on the other node, or
// on a new one after a crash. A repeat begins with the first number, as a host would
// that lost what it knew.
func (w *world) recover(ctx context.Context) {
	select {
	case <-w.strike:
	case <-ctx.Done():
		return
	}
	time.Sleep(time.Second)
	if w.c.Nodes == 2 {
		w.intend(w.nodes[1])
	}
	if w.c.Kind == Crash && w.c.Point != point.HalfMigrated {
		time.Sleep(2 * time.Minute)
		n := w.start(false)
		w.mu.Lock()
		w.nodes = append(w.nodes, n)
		w.mu.Unlock()
		w.intend(n)
	}
}

// notify delivers what the bank has to say to a node that lives, until it is
// acknowledged.
func (w *world) notify(ctx context.Context) {
	acked := map[string]bool{}
	t := time.NewTicker(5*time.Minute + 3*time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for _, r := range w.bank.ended() {
			id := r.Number + " " + r.Status.String()
			if acked[id] {
				continue
			}
			notice := journal.Notice{
				Channel: channel, ID: id, Digest: sha256.Sum256([]byte(id)), At: time.Now(),
				News: []journal.News{{Op: bankrail.OpRefund, Receipt: r}},
			}
			acked[id] = w.deliver(notice)
		}
	}
}

// deliver gives a notice to a node and reports whether it was acknowledged.
func (w *world) deliver(n journal.Notice) bool {
	w.mu.Lock()
	nodes := append([]*node(nil), w.nodes...)
	w.mu.Unlock()
	for _, to := range nodes {
		if to.dead.Load() {
			continue
		}
		answer := make(chan error, 1)
		go func() {
			err := errors.New("the node died")
			defer func() { answer <- err }()
			err = to.book.Receive(to.ctx, n)
			to.alive()
			if to.failing() { // the acknowledgement is lost
				err = errCut
			}
		}()
		err := <-answer
		if err == nil && !to.dead.Load() {
			w.mu.Lock()
			w.acked = append(w.acked, n)
			w.mu.Unlock()
			return true
		}
		return false
	}
	return false
}

// statement takes in the day's lines, and the same again a day later.
func (w *world) statement() {
	for range 2 {
		for i, r := range append(w.bank.ended(), w.bank.ended()...) {
			id := fmt.Sprintf("statement line %d", i)
			n := journal.Notice{
				Channel: channel, ID: id, Digest: sha256.Sum256([]byte(id)), At: time.Now(), Source: journal.SourceStatement,
				News: []journal.News{{Op: bankrail.OpRefund, Receipt: r}},
			}
			for range 10 {
				if w.deliver(n) {
					break
				}
				time.Sleep(time.Minute)
			}
		}
		time.Sleep(20 * time.Minute)
	}
}
