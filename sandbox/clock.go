package sandbox

import (
	"sync"
	"time"
)

// Clock is where the bank reads the time and sets its alarms.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f once d has passed; stop reports whether it prevented the call.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) AfterFunc(d time.Duration, f func()) func() bool {
	return time.AfterFunc(d, f).Stop
}

// ManualClock stands still until it is advanced; for tests without sleeps.
type ManualClock struct {
	mu     sync.Mutex
	now    time.Time
	next   uint64
	alarms map[uint64]alarm
}

type alarm struct {
	at time.Time
	f  func()
}

var _ Clock = (*ManualClock)(nil)

// NewClock returns a clock that stands at start.
func NewClock(start time.Time) *ManualClock {
	return &ManualClock{now: start, alarms: map[uint64]alarm{}}
}

// Now returns where the clock stands.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc sets an alarm. It rings inside a later Advance, also when d is not
// positive.
func (c *ManualClock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.next
	c.next++
	c.alarms[id] = alarm{c.now.Add(max(d, 0)), f}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waiting := c.alarms[id]
		delete(c.alarms, id)
		return waiting
	}
}

// Advance moves the clock by d and rings, in the caller's goroutine and in the
// order of their times, all alarms on the way, including those set meanwhile.
// Advance(0) rings what is due now.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	target := c.now.Add(d)
	for {
		id, a, ok := c.first(target)
		if !ok {
			break
		}
		delete(c.alarms, id)
		if a.at.After(c.now) {
			c.now = a.at
		}
		c.mu.Unlock()
		a.f()
		c.mu.Lock()
	}
	if target.After(c.now) {
		c.now = target
	}
	c.mu.Unlock()
}

func (c *ManualClock) first(until time.Time) (uint64, alarm, bool) {
	var best uint64
	var found bool
	for id, a := range c.alarms {
		if a.at.After(until) {
			continue
		}
		b := c.alarms[best]
		if !found || a.at.Before(b.at) || a.at.Equal(b.at) && id < best {
			best, found = id, true
		}
	}
	return best, c.alarms[best], found
}
