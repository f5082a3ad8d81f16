package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
)

// progress says how far the run is: on a terminal one line that is written over,
// elsewhere a line now and then.
type progress struct {
	w     io.Writer
	tty   bool
	line  func() string
	start time.Time

	mu sync.Mutex
}

func newProgress(w io.Writer, line func() string) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, tty: ok && term.IsTerminal(int(f.Fd())), line: line, start: time.Now()}
}

// run shows the line until ctx ends.
func (p *progress) run(ctx context.Context) {
	every := 2 * time.Second
	if p.tty {
		every = 100 * time.Millisecond
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			p.show()
			if p.tty {
				p.print("\n")
			}
			return
		case <-t.C:
			p.show()
		}
	}
}

func (p *progress) show() {
	line := fmt.Sprintf("%5.1f s  %s", time.Since(p.start).Seconds(), p.line())
	if p.tty {
		p.print("\r\x1b[K" + line)
		return
	}
	p.print(line + "\n")
}

// say prints a sentence between two lines of progress.
func (p *progress) say(format string, args ...any) {
	s := fmt.Sprintf("%5.1f s  %s\n", time.Since(p.start).Seconds(), fmt.Sprintf(format, args...))
	if p.tty {
		s = "\r\x1b[K" + s
	}
	p.print(s)
}

func (p *progress) print(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.w, s)
}

// noise counts what the library has to say, which goes to the log file. A real host
// pages somebody for an alarm.
type noise struct {
	log *slog.Logger

	mu      sync.Mutex
	alarms  map[string]int
	notices map[string]int
}

// alarm is journal.Config.Alarm.
func (n *noise) alarm(ctx context.Context, a journal.Alarm) {
	n.log.ErrorContext(ctx, "alarm", "kind", a.Kind, "entry", a.Entry.String(), "text", a.Text)
	n.mu.Lock()
	defer n.mu.Unlock()
	count(&n.alarms, string(a.Kind))
}

// observe is notify.Config.Observe.
func (n *noise) observe(ctx context.Context, err error) {
	n.log.WarnContext(ctx, "notification", "err", err)
	kind := "not taken"
	switch {
	case errors.Is(err, notify.ErrForged):
		kind = "forged or for others"
	case errors.Is(err, notify.ErrStale):
		kind = "too old or too new"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	count(&n.notices, kind)
}

// String summarises what was counted.
func (n *noise) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return fmt.Sprintf("Notifications not simply believed: %s.\nAlarms: %s.", counts(n.notices), counts(n.alarms))
}

func count(m *map[string]int, key string) {
	if *m == nil {
		*m = map[string]int{}
	}
	(*m)[key]++
}

func counts(m map[string]int) string {
	if len(m) == 0 {
		return "none"
	}
	var parts []string
	for _, k := range sorted(m) {
		parts = append(parts, fmt.Sprintf("%d %s", m[k], strings.ReplaceAll(k, "_", " ")))
	}
	return strings.Join(parts, ", ")
}
