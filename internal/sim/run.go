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
}

func (r *runner) work(t *testing.T) {
	for {
		k := r.next.Add(1) - 1
		if k >= int64(r.cfg.Worlds) {
			return
		}
		seed := r.cfg.Seed + uint64(k)
		w := r.world(t, seed, r.cfg.Verbose)
		if len(w.audit.found) > 0 && !w.tracing {
			if again := r.world(t, seed, true); len(again.audit.found) > 0 {
				w = again
			}
		}
		r.report(w)
	}
}

// world lets one happen, in a bubble of its own.
func (r *runner) world(t *testing.T, seed uint64, tracing bool) *world {
	var w *world
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(seed, r.cfg.Open(t), tracing)
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
	if p := r.cfg.Progress; p > 0 && r.done%p == 0 {
		fmt.Fprintf(r.cfg.Out, "%d of %d worlds, %d violations\n", r.done, r.cfg.Worlds, len(r.result.Violations))
	}
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
