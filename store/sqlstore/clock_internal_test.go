package sqlstore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestServerClockIsAskedOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		ahead := time.Hour
		c := newServerClock(time.Now, func(_ context.Context, sent func()) (time.Time, error) {
			asked++
			time.Sleep(8 * time.Second) // until there was a connection
			sent()
			time.Sleep(10 * time.Millisecond) // the way there
			now := time.Now().Add(ahead)
			time.Sleep(10 * time.Millisecond) // and back
			return now, nil
		})
		read := func() time.Duration {
			now, err := c.now(t.Context())
			require.NoError(t, err)
			return time.Until(now)
		}
		require.Equal(t, time.Hour, read(), "half of the way is the server's age")
		time.Sleep(999 * time.Millisecond)
		require.Equal(t, time.Hour, read())
		require.Equal(t, 1, asked)
		time.Sleep(time.Millisecond)
		ahead = -time.Hour // the server's clock was set back
		require.Equal(t, -time.Hour, read())
		require.Equal(t, 2, asked)
	})
}

func TestALookAtTheClockCountsUntil(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name       string
		mono, wall time.Duration
		counts     bool
	}{
		{"at once", 0, 0, true},
		{"almost a second", time.Second - 1, time.Second - 1, true},
		{"a second", time.Second, time.Second, false},
		{"the clocks part a little", 500 * time.Millisecond, 550 * time.Millisecond, true},
		{"after a suspend", 500 * time.Millisecond, 551 * time.Millisecond, false},
		{"after an hour of it", 500 * time.Millisecond, time.Hour, false},
		{"the wall clock was set back", 500 * time.Millisecond, -time.Hour, false},
		{"no monotonic clock, and set back", -time.Hour, -time.Hour, false},
	} {
		require.Equal(t, x.counts, counts(x.mono, x.wall), x.name)
	}
}

func TestServerClockThatIsOutOfReach(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	c := newServerClock(time.Now, func(context.Context, func()) (time.Time, error) { return time.Time{}, gone })
	_, err := c.now(t.Context())
	require.ErrorIs(t, err, gone)
	c.turn <- struct{}{} // somebody asks
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.now(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
