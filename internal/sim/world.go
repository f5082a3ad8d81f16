package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
)

// world is a host with its nodes, their journal, a bank and a broker, in a bubble of
// virtual time.
type world struct {
	seed   uint64
	plan   plan
	dice   dice
	store  *store
	nodes  []*node
	bank   *bank
	audit  *auditor
	logger *slog.Logger
	sealer journal.Sealer

	quiet, ended atomic.Bool
	home         atomic.Bool // nobody decides any more
	mu           sync.Mutex  // bank and nodes
	outage       window
	readOnly     window
	brokerDown   window
	locksDown    window
	breaker      window
	locker       idempotency.Locker

	logs    sync.Mutex // what follows
	start   time.Time
	seen    map[string]int
	sum     uint64
	tracing bool
	lines   []line
}

type window struct{ from, to time.Time }

type line struct {
	at     time.Duration
	number string
	text   string
}

// newWorld is a world over a journal, which has to be empty.
func newWorld(seed uint64, life, version int, base journal.Store, tracing bool) *world {
	w := &world{seed: seed, plan: newPlan(seed, version), dice: newDice(seed), start: now(), seen: map[string]int{}, tracing: tracing}
	if life > 0 {
		w.dice = w.dice.fork("life", life)
	}
	w.store = &store{Store: base, w: w}
	w.audit = newAuditor(w)
	w.bank = &bank{w: w, replies: map[int]reply{}, talks: map[string]int{}}
	w.logger = slog.New(listener{w})
	if w.plan.vault {
		var err error
		if w.sealer, err = newSealer(); err != nil {
			w.audit.violate("I10", "", "no sealer: %v", err)
		}
	}
	for i := range w.plan.nodes {
		w.nodes = append(w.nodes, &node{w: w, id: i, dice: w.dice.fork("node", i)})
	}
	d := w.dice.fork("windows", 0)
	w.outage = w.window(w.plan.outage, &d, 30*time.Second)
	w.readOnly = w.window(w.plan.readOnly, &d, 10*time.Minute)
	w.brokerDown = w.window(w.plan.brokerDown, &d, 2*time.Hour)
	w.locksDown = w.window(w.plan.locks, &d, 5*time.Minute)
	w.breaker = w.window(w.plan.breaker, &d, 5*time.Minute)
	w.locker = w.newLocker()
	return w
}

// window is some time in the first half hour, when most is going on.
func (w *world) window(happens bool, d *dice, length time.Duration) window {
	if !happens {
		return window{}
	}
	from := w.start.Add(d.between(0, 15*time.Minute))
	return window{from, from.Add(length)}
}

func (w *world) within(win window) bool {
	return !w.calm() && !now().Before(win.from) && now().Before(win.to)
}

// calm reports whether the faults are switched off, over whether the world has ended.
func (w *world) calm() bool { return w.quiet.Load() }
func (w *world) over() bool { return w.ended.Load() }

// happens throws the dice for a fault.
func (w *world) happens(d *dice, perMille int, name string) bool {
	if w.calm() || !d.chance(perMille) {
		return false
	}
	w.saw(name)
	return true
}

func (w *world) saw(name string) {
	if name == "" {
		return
	}
	w.logs.Lock()
	defer w.logs.Unlock()
	w.seen[name]++
}

// say adds a line to the trace. Of an untraced world only a digest is kept: of when
// what was said of which number.
func (w *world) say(number, format string, args ...any) {
	w.logs.Lock()
	defer w.logs.Unlock()
	at := since(w.start)
	h := fnv.New64a()
	_, _ = h.Write([]byte(number))
	_, _ = h.Write([]byte(format))
	w.sum = mix(w.sum ^ h.Sum64() ^ mix(uint64(at)))
	if w.tracing {
		w.lines = append(w.lines, line{at, number, fmt.Sprintf(format, args...)})
	}
}

// taint excuses a number of which the bank said what is not so: nothing that believes
// a bank can be right about it then.
func (w *world) taint(number string) { w.audit.taint(number) }

// Order tells what was paid: every order the same.
func (w *world) Order(_ context.Context, number string) (refund.Order, error) {
	return refund.Order{Number: number, Status: refund.OrderPaid, Paid: bankrail.CNY(w.plan.paid)}, nil
}

// run lets the world happen, judges it and ends it.
func (w *world) run() {
	for _, n := range w.nodes {
		n.start()
	}
	w.hosts()
	w.operators()
	d := w.dice.fork("main", 0)
	rest := func(pause time.Duration) { sleep(context.Background(), &d, pause) }
	rest(w.plan.active)
	w.say("", "the faults are switched off")
	w.quiet.Store(true)
	for _, n := range w.nodes {
		n.start()
	}
	rest(w.settling())
	rest(116 * time.Minute)
	w.audit.unknowns()
	rest(w.plan.rules.Settles)
	w.audit.overdue()
	if w.plan.old > 0 || w.plan.stuck > 0 || w.plan.lateDay {
		rest(80 * time.Hour)
	}
	w.audit.bounces()
	w.statement(&d)
	rest(50 * time.Minute)
	w.home.Store(true) // what people still decided has to be published as well
	rest(10 * time.Minute)
	w.audit.finish()
	w.ended.Store(true)
	for _, n := range w.nodes {
		w.mu.Lock()
		n.alive = false
		n.kill()
		w.mu.Unlock()
	}
	rest(400 * time.Hour) // whoever still sleeps finds the world ended; who does not wake fails the bubble
}

// settling is how long the last fault lasts: a pause, a call that hangs.
func (w *world) settling() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := now()
	for _, n := range w.nodes {
		if n.pausedUntil.After(last) {
			last = n.pausedUntil
		}
	}
	return last.Sub(now()) + 30*time.Second
}

// alarm hears the alarms of all nodes.
func (w *world) alarm(_ context.Context, a journal.Alarm) {
	w.saw("alarm " + string(a.Kind))
	w.say(a.Entry.Number, "alarm %s: %s", a.Kind, a.Text)
	if w.plan.vault {
		w.audit.leak(a.Entry.Number, "an alarm", a.Text)
	}
}

// listener is the log of all nodes.
type listener struct{ w *world }

func (l listener) Enabled(context.Context, slog.Level) bool { return l.w.plan.vault }

func (l listener) Handle(_ context.Context, r slog.Record) error {
	l.w.audit.leak("", "the log", r.Message)
	r.Attrs(func(a slog.Attr) bool {
		l.w.audit.leak("", "the log", a.Key, a.Value.Resolve().String())
		return true
	})
	return nil
}

func (l listener) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l listener) WithGroup(string) slog.Handler      { return l }
