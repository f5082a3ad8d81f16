package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress is what the reader sees meanwhile: one line written over on a terminal,
// plain lines elsewhere.
type progress struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	begun    time.Time
	line     func() string
}

func newProgress(out io.Writer, line func() string) *progress {
	p := &progress{out: out, begun: time.Now(), line: line}
	if f, ok := out.(*os.File); ok {
		p.terminal = term.IsTerminal(int(f.Fd()))
	}
	return p
}

// run writes the line now and then until ctx ends.
func (p *progress) run(ctx context.Context) {
	pause, end := 2*time.Second, "\n"
	if p.terminal {
		pause, end = 100*time.Millisecond, ""
	}
	for wait(ctx, pause); ctx.Err() == nil; wait(ctx, pause) {
		p.write(p.line(), end)
	}
	if p.terminal { // nothing is left to write the last line over
		p.mu.Lock()
		defer p.mu.Unlock()
		_, _ = io.WriteString(p.out, over)
	}
}

// over begins a line where the last one was, on a terminal.
const over = "\r\x1b[K"

// say writes a sentence that stays.
func (p *progress) say(format string, args ...any) { p.write(fmt.Sprintf(format, args...), "\n") }

func (p *progress) write(text, end string) {
	begin := ""
	if p.terminal {
		begin = over
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.out, "%s%5.1f s  %s%s", begin, time.Since(p.begun).Seconds(), text, end)
}

// line says how far the run is, at what rate, and what is cut off.
func (s *story) line() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	cut := ""
	if s.cutOff != "" {
		cut = "; " + s.cutOff + " is cut off"
	}
	return fmt.Sprintf("%d/%d told, %d/s, %d open, %d unpublished, %d consumed%s",
		len(s.told), s.refunds, s.rate.per(len(s.told), time.Now()), s.health.Open(), s.health.Unpublished, s.consumer.fresh.Load(), cut)
}

// rate is how fast a count grew lately: over a second at least, and two at most.
type rate struct {
	at, before       time.Time
	count, countThen int
}

// per is the growth per second up to now. The first call begins.
func (r *rate) per(count int, now time.Time) int {
	switch {
	case r.at.IsZero():
		*r = rate{at: now, before: now, count: count, countThen: count}
	case now.Sub(r.at) >= time.Second:
		r.before, r.countThen = r.at, r.count
		r.at, r.count = now, count
	}
	passed := now.Sub(r.before).Milliseconds()
	if passed == 0 {
		return 0
	}
	return int(int64(count-r.countThen) * 1000 / passed)
}
