package client

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sink takes what is written and counts it.
type sink struct {
	net.Conn
	bytes int
}

func (s *sink) Write(p []byte) (int, error) { s.bytes += len(p); return len(p), nil }
func (s *sink) Close() error                { return nil }

// TestTheGate goes through what net/http does only in races.
func TestTheGate(t *testing.T) {
	t.Parallel()
	start := func() (*attempt, *conn, *sink) {
		var c call
		c.begin(t.Context(), &Config{CallTimeout: time.Minute, ReadTimeout: time.Minute})
		t.Cleanup(c.end)
		c.first.call = &c
		s := &sink{}
		return &c.first, &conn{Conn: s}, s
	}
	refused := func(c *conn, s *sink, want error) {
		t.Helper()
		before := s.bytes
		_, err := c.Write([]byte("x"))
		require.ErrorIs(t, err, want)
		require.Equal(t, before, s.bytes)
	}

	a, c, s := start()
	refused(c, s, errOver) // no attempt was given the connection
	c.attempt.Store(a)
	a.end()
	refused(c, s, errOver) // late, after the outcome was told
	require.False(t, a.sent())

	a, c, s = start()
	c.attempt.Store(a)
	require.NoError(t, c.Close())
	refused(c, s, net.ErrClosed)
	require.False(t, a.sent())

	a, c, s = start()
	c.attempt.Store(a)
	a.deadline = time.Now().Add(-time.Millisecond) // and the timer has a minute to go
	refused(c, s, context.DeadlineExceeded)
	require.False(t, a.sent())
	require.ErrorIs(t, context.Cause(a.ctx), errCallTimeout)

	a, c, s = start()
	c.attempt.Store(a)
	for range 2 {
		_, err := c.Write([]byte("xy"))
		require.NoError(t, err)
	}
	require.True(t, a.sent())
	again := &conn{Conn: &sink{}}
	again.attempt.Store(a)
	refused(again, again.Conn.(*sink), errReplay)
	refused(c, s, errOver) // nor is the first one finished
	require.Equal(t, 4, s.bytes)
	require.True(t, a.sent())
}

// TestDeadlinesOfBothClocks: a suspended machine stops the monotonic clock.
func TestDeadlinesOfBothClocks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	require.False(t, past(now, now.Add(time.Second)))
	require.True(t, past(now, now))
	require.True(t, past(now, now.Add(-time.Second)))
	require.True(t, past(now, now.Add(-time.Second).Round(0)))
	require.False(t, past(now, now.Add(time.Second).Round(0)))
}
