package sqlstore

import (
	"context"
	"sync"
	"time"
)

const (
	// sampleLife is how long a look at the server's clock counts.
	sampleLife = time.Second
	// sampleDrift is how far the local wall clock and the monotonic one may part before
	// a look counts no more: after a suspend the monotonic one has missed time.
	sampleDrift = 50 * time.Millisecond
)

// serverClock is the server's clock, which all processes on one database share. It
// is read off the local monotonic clock between two looks at the server's, so that
// it costs no round trip per reading.
type serverClock struct {
	local func() time.Time
	// ask reads the server's clock, and calls sent just before the question leaves: to
	// wait for a connection is no part of the way.
	ask func(ctx context.Context, sent func()) (time.Time, error)
	// turn lets one caller ask while the others wait for what it learns.
	turn chan struct{}

	mu     sync.Mutex
	server time.Time // what the server said
	taken  time.Time // when, by the local clock; zero before the first look
}

func newServerClock(local func() time.Time, ask func(context.Context, func()) (time.Time, error)) *serverClock {
	return &serverClock{local: local, ask: ask, turn: make(chan struct{}, 1)}
}

// last is the server's time by the last look at it, however old.
func (c *serverClock) last() time.Time {
	now, _ := c.read()
	return now
}

// read gives the time and whether the look it rests on still counts.
func (c *serverClock) read() (time.Time, bool) {
	local := c.local()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken.IsZero() {
		return local, false
	}
	passed := local.Sub(c.taken)
	wall := local.Round(0).Sub(c.taken.Round(0))
	return c.server.Add(passed), counts(passed, wall)
}

// counts says whether a look at the server's clock still counts, after so much time by
// the monotonic and by the wall clock.
func counts(passed, wall time.Duration) bool {
	return passed >= 0 && passed < sampleLife && (wall-passed).Abs() <= sampleDrift
}

// now gives the server's time, and asks the server where the last look is too old.
func (c *serverClock) now(ctx context.Context) (time.Time, error) {
	if now, fresh := c.read(); fresh {
		return now, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	if now, fresh := c.read(); fresh {
		return now, nil // somebody asked meanwhile
	}
	before := c.local()
	server, err := c.ask(ctx, func() { before = c.local() })
	if err != nil {
		return time.Time{}, err
	}
	after := c.local()
	c.mu.Lock()
	// The server read its clock at some moment between: half way is off by half at most.
	c.server, c.taken = server.Add(after.Sub(before)/2), after
	c.mu.Unlock()
	now, _ := c.read()
	return now, nil
}
