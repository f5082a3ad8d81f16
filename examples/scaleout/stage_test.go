package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
)

func TestWishes(t *testing.T) {
	t.Parallel()
	w := wishes{seed: 7, n: 1000}
	sums, seen := map[string]int64{}, map[string]bool{}
	atOnce := 0
	for i := range w.n {
		r := w.request(i)
		require.Equal(t, r, w.request(i), "a repeat is the same request")
		require.False(t, seen[r.Number], "one number, one wish")
		seen[r.Number] = true
		sums[r.Order] += r.Amount.Minor()
		if i%2 == 1 && w.request(i-1).Order == r.Order {
			atOnce++
		}
	}
	for order, sum := range sums {
		o, err := w.Order(t.Context(), order)
		require.NoError(t, err)
		require.LessOrEqual(t, sum, o.Paid.Minor(), "every wish fits in its order")
	}
	require.Len(t, sums, w.orders())
	require.Equal(t, w.n/2, atOnce, "both nodes refund the same order at the same time")
	require.ElementsMatch(t, append(w.share(1), w.share(2)...), numbers(w.n), "each wish is somebody's")
	_, err := w.Order(t.Context(), orderNumber(w.orders()))
	require.ErrorIs(t, err, bankrail.ErrNotFound)
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestPaceLeavesWorkForTheTimeAfterACut(t *testing.T) {
	t.Parallel()
	p, now := newPace(1000), time.Unix(0, 0)
	require.Equal(t, 100, p.limit(0, now), "a window")
	require.Equal(t, 600, p.limit(500, now))
	p.spread(1000, now, 10*time.Second)
	require.Equal(t, 600, p.limit(600, now), "from where it was")
	require.Equal(t, 800, p.limit(600, now.Add(5*time.Second)))
	require.Equal(t, 800, p.limit(0, now.Add(time.Second)), "it never falls")
	require.Equal(t, 996, p.limit(900, now.Add(9900*time.Millisecond)))
	require.Equal(t, 1000, p.limit(990, now.Add(10*time.Second)), "not beyond the last")
	p.spread(500, now, time.Second)
	require.Equal(t, 1000, p.limit(990, now), "what is allowed stays")
}

func TestRateIsThatOfTheLastSeconds(t *testing.T) {
	t.Parallel()
	var r rate
	at := func(ms int64) time.Time { return time.UnixMilli(1e12 + ms) }
	require.Equal(t, 0, r.per(0, at(0)))
	require.Equal(t, 100, r.per(100, at(1000)))
	require.Equal(t, 200, r.per(300, at(2000)), "the first second is forgotten")
	require.Equal(t, 100, r.per(250, at(2500)), "what came since the second before")
	require.Equal(t, 150, r.per(600, at(4000)))
}

func TestForwarderFindsWhoLives(t *testing.T) {
	t.Parallel()
	f := newForwarder()
	defer f.CloseIdleConnections()
	c := &http.Client{Transport: f}
	post := func() string {
		resp, err := c.Post(notifyURL, "application/json", strings.NewReader("{}"))
		if err != nil {
			return err.Error()
		}
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(b)
	}
	require.Contains(t, post(), errNobody.Error())
	for node := 1; node <= 2; node++ {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, node, r.URL.Path)
		}))
		defer s.Close()
		f.set(node, strings.TrimPrefix(s.URL, "http://"))
	}
	require.ElementsMatch(t, []string{"1/notify/lanhai", "2/notify/lanhai"}, []string{post(), post()}, "by turns")
	f.set(2, "")
	require.Equal(t, []string{"1/notify/lanhai", "1/notify/lanhai"}, []string{post(), post()})
}

func TestHowAnAnswerIsRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		got  *refund.Refund
		err  error
		want kind
	}{
		"no error":          {&refund.Refund{}, nil, isOpen},
		"not confirmed":     {&refund.Refund{Unconfirmed: true}, nil, again},
		"failed":            {nil, fmt.Errorf("x: %w", bankrail.ErrFailed), isFailed},
		"failed by breaker": {nil, fmt.Errorf("%w: %w", bankrail.ErrFailed, client.ErrBreakerOpen), isFailed},
		"breaker":           {nil, client.ErrBreakerOpen, again},
		"no turn":           {nil, client.ErrBusy, again},
		"journal away":      {nil, bankrail.ErrUnavailable, again},
		"over budget":       {nil, bankrail.ErrBudget, refused},
		"anything else":     {nil, errors.New("odd"), refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, kindOf(c.got, c.err))
		})
	}
}

func TestClerksGoNoFurtherThanAllowed(t *testing.T) {
	t.Parallel()
	w := wishes{seed: 1, n: 10}
	c := newClerks(nil, w, w.share(1), io.Discard)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok := c.next(ended)
	require.False(t, ok, "nothing is allowed yet")
	require.NoError(t, c.order("upto 4"))
	for _, want := range []int{1, 3} {
		i, ok := c.next(ended)
		require.True(t, ok)
		require.Equal(t, want, i)
	}
	_, ok = c.next(ended)
	require.False(t, ok)
	require.NoError(t, c.order("also 0"))
	require.Equal(t, 0, <-c.echo)
	for _, bad := range []string{"upto 11", "also 10", "upto x", "upto -1", "dance", ""} {
		require.Error(t, c.order(bad), bad)
	}
}

func TestCreditsFollowTheMoney(t *testing.T) {
	t.Parallel()
	for kind, want := range map[journal.EventType]int64{
		journal.EventProcessing: 0, journal.EventFailed: 0, journal.EventManual: 0,
		journal.EventSucceeded: 5, journal.EventLateSuccess: 5, journal.EventReversed: -5,
	} {
		require.Equal(t, want, credit(journal.Event{Type: kind, Settled: bankrail.CNY(5)}), kind)
	}
}

// The kill is the story's: a node that ends otherwise ends the run.
func TestNodeThatEndsByItselfIsNoticed(t *testing.T) {
	t.Parallel()
	c := newCrew(task{Postgres: "postgres://127.0.0.1:1/x"}, io.Discard, func(int, line) {})
	require.NoError(t, c.start(t.Context(), 1))
	select {
	case err := <-c.fail:
		require.ErrorContains(t, err, "node 1 ended by itself")
	case <-time.After(30 * time.Second):
		require.Fail(t, "nobody noticed")
	}
	c.wait()
}

// TestShortenedSchedule holds the shortened times to what the real ones promise.
func TestShortenedSchedule(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, connectTimeout+readTimeout, callTimeout)
	require.GreaterOrEqual(t, tries()[0], callTimeout, "nobody is asked about a call under way")
	require.Greater(t, bankDelay, readTimeout, "a late answer is a lost one")
	require.Greater(t, visible, bankDelay, "what may still arrive is not sent again")
	require.Greater(t, visible, staleQuery, "nor what the bank does not show yet")
	require.Greater(t, settles, settleMax)
	require.Greater(t, lockLife, callTimeout)
}
