package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// hunt runs proofs over mistakes.
type hunt struct {
	out              io.Writer
	worlds, parallel int

	root string
	dir  string
	mu   sync.Mutex
}

// patience bounds one proof of one mistake.
const patience = 3 * time.Minute

// verdict is what a proof said.
type verdict struct {
	found bool
	// where is what it found first, with the seed of it.
	where string
	took  time.Duration
}

// all checks first that the proofs find nothing where there is nothing, and then that
// they find every mistake.
func (h *hunt) all(ctx context.Context, ms []mutant) (caught int, sound bool, err error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return 0, false, fmt.Errorf("where is %s? %w", module, err)
	}
	h.root = strings.TrimSpace(string(out))
	if h.dir, err = os.MkdirTemp("", "bankrail-mutants-"); err != nil {
		return 0, false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(h.dir)) }()

	var none []mutant
	seen := map[string]bool{}
	for _, m := range ms {
		if !seen[m.by.name] {
			seen[m.by.name] = true
			none = append(none, mutant{name: "no mistake", by: m.by})
		}
	}
	h.say("%-52s %-10s %8s  %s", "mistake", "proof", "seconds", "found")
	sound = true
	passed, err := h.each(ctx, none, func(v verdict) bool { return !v.found })
	if err != nil {
		return 0, false, err
	}
	if sound = passed == len(none); !sound {
		h.say("The source as it is does not pass: what is caught below is worth nothing.")
	}
	caught, err = h.each(ctx, ms, func(v verdict) bool { return v.found })
	return caught, sound, err
}

// each hunts them, some at a time, and counts those that ended well.
func (h *hunt) each(ctx context.Context, ms []mutant, well func(verdict) bool) (int, error) {
	next := make(chan int)
	var wg sync.WaitGroup
	var trouble error
	good := 0
	for range h.parallel {
		wg.Go(func() {
			for i := range next {
				v, err := h.one(ctx, ms[i])
				h.mu.Lock()
				switch {
				case err != nil:
					trouble = errors.Join(trouble, err)
				case well(v):
					good++
				}
				h.mu.Unlock()
			}
		})
	}
	for i := range ms {
		next <- i
	}
	close(next)
	wg.Wait()
	return good, trouble
}

// one builds a proof with a mistake and runs it until it finds something.
func (h *hunt) one(ctx context.Context, m mutant) (verdict, error) {
	began := time.Now()
	dir, err := os.MkdirTemp(h.dir, "")
	if err != nil {
		return verdict{}, err
	}
	overlay, err := m.overlay(h.root, dir)
	if err != nil {
		return verdict{}, err
	}
	binary := filepath.Join(dir, "proof.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-overlay", overlay, "-o", binary, m.by.pkg)
	build.Dir = h.root
	if out, err := build.CombinedOutput(); err != nil {
		return verdict{}, fmt.Errorf("%s does not build: %w\n%s", m.name, err, out)
	}
	v, err := h.prove(ctx, m, binary)
	if err != nil {
		return v, fmt.Errorf("%s: %w", m.name, err)
	}
	v.took = time.Since(began)
	says := "nothing within " + fmt.Sprint(h.worlds)
	if v.found {
		says = v.where
	}
	h.say("%-52s %-10s %8.1f  %s", m.name, m.by.name, v.took.Seconds(), says)
	return v, nil
}

// prove runs a proof, and ends it at the first thing it finds.
func (h *hunt) prove(ctx context.Context, m mutant, binary string) (v verdict, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"-test.run", m.by.run}, m.by.args(h.worlds)...)...)
	cmd.Dir = filepath.Join(h.root, m.by.pkg)
	cmd.Env = append(os.Environ(), m.by.env(h.worlds)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return v, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return v, err
	}
	found := regexp.MustCompile(m.by.found)
	var tail []string
	lines := bufio.NewReader(out)
	for {
		line, rerr := lines.ReadString('\n')
		if line = strings.TrimSpace(line); found.MatchString(line) {
			v.found, v.where = true, clip(found.FindString(line))
			cancel() // the rest does not matter
			break
		}
		if tail = append(tail, line); len(tail) > 20 {
			tail = tail[1:]
		}
		if rerr != nil {
			break
		}
	}
	_, _ = io.Copy(io.Discard, lines)
	err = cmd.Wait()
	if v.found {
		return v, nil
	}
	if err != nil && ctx.Err() == nil { // a proof that broke down has found nothing
		err = fmt.Errorf("the proof broke down: %w\n%s", err, strings.Join(tail, "\n"))
	}
	return v, err
}

// clip keeps a line a line.
func clip(s string) string {
	if r := []rune(s); len(r) > 110 {
		return string(r[:109]) + "…"
	}
	return s
}

func (h *hunt) say(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, _ = fmt.Fprintf(h.out, format+"\n", args...)
}
