package sim

import (
	"context"
	"time"
)

// now is the virtual time of the world: the bubble's.
func now() time.Time { return time.Now() }

// since is how long the world has lived.
func since(start time.Time) time.Duration { return now().Sub(start) }

// sleep waits for the pause and some nanoseconds of its own, less than a millisecond,
// so that no two wake-ups of a world fall together and their order is the seed's. It
// returns early, and false, when ctx ends.
func sleep(ctx context.Context, d *dice, pause time.Duration) bool {
	pause += time.Duration(d.next() % uint64(time.Millisecond))
	if ctx.Done() == nil {
		time.Sleep(pause)
		return true
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
