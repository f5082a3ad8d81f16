package redisstore

import (
	"sync"
	"time"
)

// tolerated is how many calls in a row may go without an answer.
const tolerated = 3

// verdict is what one call told about Redis.
type verdict uint8

const (
	answered verdict = iota
	silent           // it failed for reasons of Redis or the way to it
	unsure           // the caller went away
)

// gate keeps callers from waiting for a server that does not answer. Open it lets all
// through; after tolerated failures it lets none through for a pause, then one.
type gate struct {
	pause time.Duration

	mu      sync.Mutex
	fails   int
	until   time.Time
	probing bool
}

// enter reports whether the call may go, and whether it is the one that tries.
func (g *gate) enter(now time.Time) (probe, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fails < tolerated {
		return false, true
	}
	if g.probing || now.Before(g.until) {
		return false, false
	}
	g.probing = true
	return true, true
}

// leave takes in how a call went. It returns Paused or Resumed where that turned the
// gate, else "".
func (g *gate) leave(probe bool, v verdict, now time.Time) EventKind {
	g.mu.Lock()
	defer g.mu.Unlock()
	if probe {
		g.probing = false
	}
	closed := g.fails >= tolerated
	switch v {
	case answered:
		g.fails = 0
		if closed {
			return Resumed
		}
	case silent:
		// What set out before the pause and fails during it does not make it longer.
		if closed && !probe {
			return ""
		}
		if g.fails++; g.fails >= tolerated {
			g.fails, g.until = tolerated, now.Add(g.pause)
			if !closed {
				return Paused
			}
		}
	}
	return ""
}
