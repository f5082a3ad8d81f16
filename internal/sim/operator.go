package sim

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// operators lets people and their machines interfere.
func (w *world) operators() {
	if w.plan.twoSweeps {
		go w.sweeps()
	}
	if w.plan.jump {
		go w.jumps()
	}
	if w.plan.limits {
		go w.limiter()
	}
	for k := range w.plan.news {
		go w.batch(k)
	}
	if w.plan.persons {
		go w.persons()
	}
	go w.dayEnd()
}

// sweeps runs two sweeps at once, several times.
func (w *world) sweeps() {
	d := w.dice.fork("sweeps", 0)
	for k := range 4 {
		sleep(context.Background(), &d, d.between(0, 20*time.Minute))
		if w.calm() {
			return
		}
		w.saw("operator two sweeps")
		for s := range 2 {
			n := w.nodes[d.below(len(w.nodes))]
			dd := d.fork("sweep", 2*k+s)
			go n.run(dd, func(ctx context.Context, c *call) {
				c.step("sweep", "")
				_ = c.book.Sweep(ctx)
			})
		}
	}
}

// jumps turns clocks.
func (w *world) jumps() {
	d := w.dice.fork("jumps", 0)
	for range 6 {
		sleep(context.Background(), &d, d.between(0, 15*time.Minute))
		if w.calm() {
			return
		}
		w.nodes[d.below(len(w.nodes))].jump(d.between(-time.Hour, time.Hour))
	}
}

// dayEnd takes a statement in while everything goes on, twice.
func (w *world) dayEnd() {
	d := w.dice.fork("day", 0)
	sleep(context.Background(), &d, d.between(10*time.Minute, w.plan.active))
	if w.calm() {
		return
	}
	w.saw("statement")
	w.mu.Lock()
	n, ok := w.bank.statement("day")
	w.mu.Unlock()
	if ok {
		var late time.Duration
		if w.plan.lateDay {
			w.saw("statement a day late")
			late = 24 * time.Hour
		}
		w.mu.Lock()
		w.bank.post(n, d.fork("once", 0), late, false)
		w.bank.post(n, d.fork("twice", 0), late, true)
		w.mu.Unlock()
	}
}

// batch lets the bank tell of everything it has in one notice.
func (w *world) batch(k int) {
	d := w.dice.fork("batch", k)
	sleep(context.Background(), &d, d.between(10*time.Second, 40*time.Minute))
	if w.calm() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := journal.Notice{Channel: channel(), ID: fmt.Sprintf("batch %d", k), At: now()}
	h := sha256.New()
	for _, number := range w.bank.numbers() {
		r := w.bank.find(number)
		n.News = append(n.News, journal.News{Op: bankrail.OpRefund, Receipt: r.receipt(r.status())})
		fmt.Fprintf(h, "%s %s %s\n", number, r.status(), r.amount)
	}
	n.Digest = [32]byte(h.Sum(nil))
	if len(n.News) > 1 {
		w.saw("notice of many")
		w.bank.post(n, d.fork("post", 0), 0, false)
	}
}

// numbers lists the numbers the bank has, in order.
func (b *bank) numbers() []string {
	var out []string
	for _, r := range b.recs {
		if r.opened && !slices.Contains(out, r.number) {
			out = append(out, r.number)
		}
	}
	return out
}

// statement lists what the bank moved by now.
func (b *bank) statement(day string) (journal.Notice, bool) {
	n := journal.Notice{Channel: channel(), ID: "statement " + day, At: now(), Source: journal.SourceStatement}
	h := sha256.New()
	for _, r := range b.recs {
		if s := r.status(); s == bankrail.Succeeded || s == bankrail.Reversed {
			n.News = append(n.News, journal.News{Op: bankrail.OpRefund, Receipt: r.receipt(s)})
			fmt.Fprintf(h, "%s %s %s\n", r.number, s, r.amount)
		}
	}
	n.Digest = [32]byte(h.Sum(nil))
	return n, len(n.News) > 0
}

// statement takes the last statement in, and again: the second time changes nothing.
func (w *world) statement(d *dice) {
	w.mu.Lock()
	n, ok := w.bank.statement("last")
	w.mu.Unlock()
	if !ok {
		return
	}
	if !w.receive(n, d, 100) {
		w.audit.violate("I9", "", "the statement was not taken in, although nothing fails any more")
	}
	sleep(context.Background(), d, 2*time.Hour) // what it woke has been asked about by now
	before := w.audit.versions()
	w.receive(n, d, 101)
	if after := w.audit.versions(); before != after {
		w.audit.violate("I9", "", "importing the statement again changed %s into %s", before, after)
	}
}
