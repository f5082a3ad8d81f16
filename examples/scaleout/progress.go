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
}

// say writes a sentence that stays.
func (p *progress) say(format string, args ...any) { p.write(fmt.Sprintf(format, args...), "\n") }

func (p *progress) write(text, end string) {
	over := ""
	if p.terminal {
		over = "\r\x1b[K"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.out, "%s%5.1f s  %s%s", over, time.Since(p.begun).Seconds(), text, end)
}

// line says how far the run is, at what rate, and what is cut off.
func (s *story) line() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	cut := "nothing"
	if s.cutOff != "" {
		cut = s.cutOff
	}
	rate := 0
	if d := time.Since(s.progress.begun); d >= time.Second {
		rate = len(s.told) * int(time.Second/time.Millisecond) / int(d/time.Millisecond)
	}
	return fmt.Sprintf("%d of %d refunds told (%d/s), %d open, %d events to publish, %d consumed; cut off: %s",
		len(s.told), s.refunds, rate, s.health.Open(), s.health.Unpublished, s.consumer.fresh.Load(), cut)
}
