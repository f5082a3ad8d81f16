package storetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// take leases events and names them "number#version".
func (s *box) take(t *testing.T, lease time.Duration, limit int) []string {
	t.Helper()
	es, err := s.TakeEvents(s.ctx, lease, limit)
	require.NoError(t, err)
	var names []string
	for _, e := range es {
		names = append(names, strings.TrimPrefix(e.ID, "lanhai-test/M1/refund/"))
	}
	return names
}

func eventID(number string, version int) string {
	return fmt.Sprintf("%s#%d", idOf(number), version)
}

// step changes an entry and writes one more event.
func (s *box) step(t *testing.T, number string) {
	t.Helper()
	e := s.get(t, idOf(number))
	s.apply(t, journal.Batch{Changes: []journal.Change{to(e, bankrail.Processing)}})
}

var outboxTests = []test{
	{"events are taken oldest first, up to the limit", func(t *testing.T, s *box) {
		for _, n := range []string{"c", "a", "b"} {
			s.insert(t, draft(n))
		}
		require.Empty(t, s.take(t, time.Minute, 0))
		require.Equal(t, []string{"c#1", "a#1"}, s.take(t, time.Minute, 2))
		require.Equal(t, []string{"b#1"}, s.take(t, time.Minute, 10))
		require.Empty(t, s.take(t, time.Minute, 10))
	}},
	{"an event waits until the lower versions of its entry are published", func(t *testing.T, s *box) {
		s.insert(t, draft("a"))
		s.step(t, "a")
		s.step(t, "a")
		s.insert(t, draft("b"))
		require.Equal(t, []string{"a#1", "b#1"}, s.take(t, time.Minute, 10), "other entries are not held up")
		require.Empty(t, s.take(t, time.Minute, 10), "leased is not published")
		s.pass(time.Minute)
		require.Equal(t, []string{"a#1", "b#1"}, s.take(t, time.Minute, 10))
		require.NoError(t, s.Published(s.ctx, eventID("a", 1)))
		require.Equal(t, []string{"a#2"}, s.take(t, time.Minute, 10))
		require.NoError(t, s.Published(s.ctx, eventID("a", 2), eventID("b", 1)))
		require.Equal(t, []string{"a#3"}, s.take(t, time.Minute, 10))
	}},
	{"a version without an event holds nothing up", func(t *testing.T, s *box) {
		e := s.insert(t, draft("a"))
		c := to(e, bankrail.Processing)
		c.Event = ""
		s.apply(t, journal.Batch{Changes: []journal.Change{c}})
		s.step(t, "a")
		require.NoError(t, s.Published(s.ctx, eventID("a", 1)))
		require.Equal(t, []string{"a#3"}, s.take(t, time.Minute, 10))
	}},
	{"a full page of waiting events does not hide the rest", func(t *testing.T, s *box) {
		s.insert(t, draft("a"))
		for range 5 {
			s.step(t, "a")
		}
		s.insert(t, draft("b"))
		require.Equal(t, []string{"a#1", "b#1"}, s.take(t, time.Minute, 2))
	}},
	{"an event comes back when its lease has ended, not before", func(t *testing.T, s *box) {
		s.insert(t, draft("a"))
		require.Equal(t, []string{"a#1"}, s.take(t, time.Minute, 1))
		s.pass(time.Minute - time.Millisecond)
		require.Empty(t, s.take(t, time.Minute, 1))
		s.pass(time.Millisecond)
		require.Equal(t, []string{"a#1"}, s.take(t, time.Minute, 1))
	}},
	{"marking twice, or what is unknown, changes nothing", func(t *testing.T, s *box) {
		s.insert(t, draft("a"))
		s.insert(t, draft("b"))
		require.NoError(t, s.Published(s.ctx))
		require.NoError(t, s.Published(s.ctx, eventID("a", 1), eventID("a", 1), "unknown"))
		require.NoError(t, s.Published(s.ctx, eventID("a", 1)))
		require.Equal(t, []string{"b#1"}, s.take(t, time.Minute, 10))
	}},
	{"no two callers take one event", func(t *testing.T, s *box) {
		const entries = 40
		for i := range entries {
			s.insert(t, draft(fmt.Sprint(i)))
		}
		var mu sync.Mutex
		seen := map[string]int{}
		for _, err := range together(8, func(int) error {
			for range entries { // a store that hands out for ever must not hang the test
				es, err := s.TakeEvents(s.ctx, time.Minute, 3)
				if err != nil || len(es) == 0 {
					return err
				}
				mu.Lock()
				for _, e := range es {
					seen[e.ID]++
				}
				mu.Unlock()
			}
			return nil
		}) {
			require.NoError(t, err)
		}
		require.Len(t, seen, entries)
		for id, times := range seen {
			require.Equal(t, 1, times, id)
		}
	}},
}
