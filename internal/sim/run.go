// Package sim lets a host, its nodes, a bank, a broker and a database live through
// days of trouble in virtual time, and judges what became of the money.
//
//	sim.Run(t, sim.Config{Worlds: 200, Open: func(*testing.T) journal.Store { … }})
//
// Everything that happens in a world follows from its seed: the same seed is the same
// trace. The auditor sees only the bank's log, the journal, the broker's log and what
// callers and the bank were told, and knows nothing of how the journal works.
//
// It is for tests only.
package sim

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
)

// Config configures a run.
type Config struct {
	// Seed is that of the first world; the others follow it. Defaults to 0.
	Seed uint64
	// Plan is the version of the plans, from 1. Defaults to the latest: another is for a
	// seed that was found under it.
	Plan int
	// Lives makes all worlds those of Seed's own plan, each with dice of its own; the first
	// has Seed's. Whatever changes in the code changes what a seed's dice are thrown for,
	// but not the troubles it has. Defaults to false.
	Lives bool
	// Worlds is how many there are. Defaults to 1.
	Worlds int
	// Parallel is how many live at a time. Defaults to 1.
	Parallel int
	// Open makes an empty journal, inside the world's bubble; t is the world's. Defaults
	// to memstore with the world's time.
	Open func(t *testing.T) journal.Store
	// Out takes progress and violations. Defaults to io.Discard.
	Out io.Writer
	// Verbose writes the trace of every world.
	Verbose bool
	// Progress, if above 0, is after how many worlds a line of progress is written.
	Progress int
	// Rewrites: Out is a terminal, so progress is one line that is written over. Defaults
	// to false: lines below each other.
	Rewrites bool
	// Meets lists the seeds whose worlds meet all of these on Out. Defaults to none.
	Meets []string
}

// Result is what a run found.
type Result struct {
	Worlds     int
	Violations []Violation
	// Seen counts the worlds that met a thing, by its name; Missing lists what was
	// planned and never happened.
	Seen    map[string]int
	Missing []string
	// Sums are digests of the traces, by seed.
	Sums map[uint64]uint64
}

// Run lets the worlds happen. It fails no test: the caller looks at the result.
func Run(t *testing.T, cfg Config) Result {
	t.Helper()
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	if cfg.Open == nil {
		cfg.Open = func(*testing.T) journal.Store { return memstore.New(memstore.Config{}) }
	}
	if cfg.Plan == 0 {
		cfg.Plan = latestPlan
	}
	cfg.Worlds, cfg.Parallel = max(cfg.Worlds, 1), max(cfg.Parallel, 1)
	r := &runner{cfg: cfg, seen: coverage{}, result: Result{Sums: map[uint64]uint64{}}}
	t.Run("worlds", func(t *testing.T) {
		for k := range cfg.Parallel {
			t.Run(fmt.Sprint(k), func(t *testing.T) {
				t.Parallel()
				r.work(t)
			})
		}
	})
	r.result.Worlds, r.result.Seen, r.result.Missing = cfg.Worlds, r.seen, r.seen.missing(planned(cfg.Worlds))
	return r.result
}

type runner struct {
	cfg  Config
	next atomic.Int64

	mu     sync.Mutex
	seen   coverage
	done   int
	result Result
	shown  bool // a line of progress is on the terminal
}

func (r *runner) work(t *testing.T) {
	for {
		k := r.next.Add(1) - 1
		if k >= int64(r.cfg.Worlds) {
			return
		}
		seed, life := r.cfg.Seed+uint64(k), 0
		if r.cfg.Lives {
			seed, life = r.cfg.Seed, int(k)
		}
		w := r.world(t, seed, life, r.cfg.Verbose)
		if len(w.audit.found) > 0 && !w.tracing {
			if again := r.world(t, seed, life, true); len(again.audit.found) > 0 {
				w = again
			}
		}
		r.report(w)
	}
}

// world lets one happen, in a bubble of its own.
func (r *runner) world(t *testing.T, seed uint64, life int, tracing bool) *world {
	var w *world
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(seed, life, r.cfg.Plan, r.cfg.Open(t), tracing)
		w.run()
	})
	return w
}

func (r *runner) report(w *world) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	r.seen.add(w.seen)
	r.result.Sums[w.seed] = w.sum
	r.erase(len(w.audit.found) > 0 || r.cfg.Verbose)
	if len(r.cfg.Meets) > 0 && w.meets(r.cfg.Meets) {
		r.erase(true)
		fmt.Fprintf(r.cfg.Out, "seed %d plan %d meets %s\n", w.seed, r.cfg.Plan, strings.Join(r.cfg.Meets, ", "))
	}
	for _, v := range w.audit.found {
		v.Trace = w.trace(v.Number)
		r.result.Violations = append(r.result.Violations, v)
		fmt.Fprintf(r.cfg.Out, "seed %d breaks %s at %q: %s\n", v.Seed, v.Rule, v.Number, v.Text)
		for _, l := range v.Trace {
			fmt.Fprintln(r.cfg.Out, "   ", l)
		}
	}
	if r.cfg.Verbose {
		for _, l := range w.trace("") {
			fmt.Fprintln(r.cfg.Out, l)
		}
	}
	r.progress()
}

// progress tells how far the run is: often on a terminal, where it is one line.
func (r *runner) progress() {
	p, end := r.cfg.Progress, "\n"
	if r.cfg.Rewrites {
		p, end = min(p, 50), ""
	}
	if p <= 0 || r.done%p != 0 {
		return
	}
	r.erase(true)
	fmt.Fprintf(r.cfg.Out, "%d of %d worlds, %d violations%s", r.done, r.cfg.Worlds, len(r.result.Violations), end)
	if r.shown = r.cfg.Rewrites; r.shown && r.done == r.cfg.Worlds {
		r.erase(true)
	}
}

// erase makes room where the line of progress is, before something else is written.
func (r *runner) erase(needed bool) {
	if needed && r.shown {
		fmt.Fprint(r.cfg.Out, "\r\x1b[K")
		r.shown = false
	}
}

// meets reports whether a world met all of what is named.
func (w *world) meets(names []string) bool {
	for _, n := range names {
		if w.seen[n] == 0 {
			return false
		}
	}
	return true
}

// trace tells what happened to a number, and to the nodes; of all where it is empty.
func (w *world) trace(number string) []string {
	var out []string
	for _, l := range w.lines {
		if number == "" || l.number == number || l.number == "" {
			out = append(out, fmt.Sprintf("%12s  %-6s %s", l.at.Round(time.Millisecond), l.number, l.text))
		}
	}
	return out
}

// Coverage lists in how many worlds each thing was met.
func (r Result) Coverage() string { return coverage(r.Seen).String() }
