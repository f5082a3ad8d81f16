package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/bankrail/bankrail/proof/audit"
)

// total is the sum over all worlds.
type total struct {
	mu                   sync.Mutex
	out                  io.Writer
	start                time.Time
	kills, lost, doubled int
	troubles             int // worlds that could not be judged
	sum                  audit.Counts
}

// play runs the worlds, some at a time.
func (o options) play(ctx context.Context, plans []plan, out io.Writer) *total {
	t := &total{out: out, start: time.Now()}
	next := make(chan plan)
	var wg sync.WaitGroup
	for range o.parallel {
		wg.Go(func() {
			for p := range next {
				t.world(ctx, p)
			}
		})
	}
	for _, p := range plans {
		select {
		case next <- p:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return t
}

// world lives one world. What went wrong keeps its files, for whoever has to find out.
func (t *total) world(ctx context.Context, p plan) {
	w, err := newWorld(p)
	if err != nil {
		t.trouble(p, "", err)
		return
	}
	defer w.close()
	for turn, s := range p.Strikes {
		if err := w.kill(ctx, s, turn); err != nil {
			t.trouble(p, w.dir, fmt.Errorf("%s: %w", s, err))
			return
		}
		t.killed(p, s)
	}
	settled := w.live(ctx, strike{}, len(p.Strikes))
	if ctx.Err() != nil {
		return
	}
	if settled != nil { // and yet the books may be compared
		t.trouble(p, w.dir, fmt.Errorf("settling: %w", settled))
	}
	time.Sleep(bankDelay) // what the bank holds back arrives by then
	found, err := w.audit(ctx)
	if err != nil {
		t.trouble(p, w.dir, fmt.Errorf("audit: %w", err))
		return
	}
	if bad := t.add(p, w.dir, found); !bad && settled == nil {
		_ = os.RemoveAll(w.dir) // it is temporary
		if err := p.schemas(dropSchema); err != nil {
			t.trouble(p, "", err)
		}
	}
}

func (t *total) say(format string, args ...any) {
	_, _ = fmt.Fprintf(t.out, "%5.1f s  %s\n", time.Since(t.start).Seconds(), fmt.Sprintf(format, args...))
}

func (t *total) killed(p plan, s strike) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kills++
	t.say("world %d: killed (%s)", p.Index, s)
}

func (t *total) trouble(p plan, dir string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.troubles++
	t.say("world %d: %v; its files are in %s", p.Index, err, dir)
}

// add books what the audit of a world found, and reports whether that was anything.
func (t *total) add(p plan, dir string, f audit.Findings) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost += len(f.Lost)
	t.doubled += len(f.Double)
	t.sum.Add(f.Counts)
	t.say("world %d: %s", p.Index, f.Counts)
	for _, s := range f.Lost {
		t.say("world %d: LOST %s", p.Index, s)
	}
	for _, s := range f.Double {
		t.say("world %d: DOUBLE %s", p.Index, s)
	}
	bad := len(f.Lost)+len(f.Double) > 0
	if bad {
		t.say("world %d: its files are in %s", p.Index, dir)
	}
	return bad
}

// report prints the last lines and returns the exit code.
func (t *total) report(w io.Writer) int {
	_, _ = fmt.Fprintf(w, "In all: %s; %d worlds could not be judged; %.0f s.\n", t.sum, t.troubles, time.Since(t.start).Seconds())
	_, _ = fmt.Fprintf(w, "kills %d lost %d double %d\n", t.kills, t.lost, t.doubled)
	if t.lost+t.doubled+t.troubles > 0 {
		return exitFound
	}
	return exitOK
}
