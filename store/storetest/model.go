package storetest

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// model is a store as simple as it can be written: what the suite's random
// sequences are compared with.
type model struct {
	entries map[string]*journal.Entry
	order   []string
	early   map[string]int
	held    int64
	events  []modelEvent
}

type modelEvent struct {
	number  string
	version int64
	leased  time.Time
}

const modelLimit = 500

// checkModel runs random sequences against the model: as many as the environment
// variable BANKRAIL_TEST_CHECKS says, otherwise 100, and 30 where the store is durable
// and so takes longer. -rapid.steps says how long they are.
func checkModel(t *testing.T, open func(t *testing.T, now func() time.Time) journal.Store) {
	want, done, failing := 1, 0, false
	for done < want {
		rapid.Check(t, func(r *rapid.T) {
			if done >= want && !failing {
				return // rapid counts by its flag; while it looks for a shorter failure it goes on
			}
			ended := false
			defer func() { failing = failing || !ended }()
			s := newBox(t, open)
			want = sequences(t, s)
			compareWithModel(r, s)
			ended = true
			done++
		})
	}
}

// sequences is how many random sequences to run.
func sequences(t *testing.T, s *box) int {
	if asked := os.Getenv("BANKRAIL_TEST_CHECKS"); asked != "" {
		n, err := strconv.Atoi(asked)
		require.NoError(t, err, "BANKRAIL_TEST_CHECKS")
		return max(n, 1)
	}
	if s.Durable() {
		return 30
	}
	return 100
}

func compareWithModel(r *rapid.T, s *box) {
	if c, ok := s.Store.(io.Closer); ok {
		defer func() { _ = c.Close() }()
	}
	m := &model{entries: map[string]*journal.Entry{}, early: map[string]int{}}
	number := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	r.Repeat(map[string]func(*rapid.T){
		"insert":    func(r *rapid.T) { m.insert(r, s, number.Draw(r, "number")) },
		"change":    func(r *rapid.T) { m.change(r, s, number.Draw(r, "number")) },
		"pending":   func(r *rapid.T) { m.pend(r, s, number.Draw(r, "number")) },
		"claim":     func(r *rapid.T) { m.claim(r, s) },
		"take":      func(r *rapid.T) { m.take(r, s) },
		"published": func(r *rapid.T) { m.published(r, s) },
		"pass":      func(r *rapid.T) { s.pass(time.Duration(rapid.IntRange(1, 90).Draw(r, "seconds")) * time.Second) },
		"history":   func(r *rapid.T) { m.history(r, s, number.Draw(r, "number")) },
		"":          func(r *rapid.T) { m.compare(r, s) },
	})
}

func modelNow(s *box) time.Time { return s.now().UTC().Truncate(time.Millisecond) }

func (m *model) insert(r *rapid.T, s *box, number string) {
	e := draft(number)
	e.Amount = bankrail.CNY(int64(rapid.IntRange(1, 300).Draw(r, "fen")))
	e.Status = rapid.SampledFrom([]bankrail.Status{bankrail.Created, bankrail.Processing, bankrail.Manual}).Draw(r, "status")
	e.NextAt = modelNow(s)
	err := s.Insert(s.ctx, to(e, e.Status), journal.Hold{Limit: bankrail.CNY(modelLimit)})
	switch {
	case m.entries[number] != nil:
		require.ErrorIs(r, err, journal.ErrExists)
	case m.early[number] > 0 && e.Status != bankrail.Manual:
		require.ErrorIs(r, err, journal.ErrEarly)
	case m.held+e.Amount.Minor() > modelLimit:
		require.ErrorIs(r, err, bankrail.ErrBudget)
	default:
		require.NoError(r, err)
		e.Version = 1
		m.held += e.Amount.Minor()
		m.entries[number] = &e
		m.order = append(m.order, number)
		m.events = append(m.events, modelEvent{number: number, version: 1})
	}
}

func (m *model) change(r *rapid.T, s *box, number string) {
	e := draft(number)
	old := m.entries[number]
	if old != nil {
		e = *old
	}
	stale := rapid.IntRange(0, 3).Draw(r, "stale") == 0
	if stale || old == nil {
		e.Version += int64(rapid.IntRange(1, 2).Draw(r, "ahead"))
	}
	e.NextAt = modelNow(s).Add(time.Duration(rapid.IntRange(-60, 60).Draw(r, "due")) * time.Second)
	status := rapid.SampledFrom([]bankrail.Status{bankrail.Processing, bankrail.Manual, bankrail.Failed}).Draw(r, "to")
	c := to(e, status)
	c.Charge = bankrail.CNY(int64(rapid.IntRange(-20, 20).Draw(r, "charge")))
	err := s.Apply(s.ctx, journal.Batch{Changes: []journal.Change{c}})
	if stale || old == nil {
		require.ErrorIs(r, err, journal.ErrLost)
		return
	}
	require.NoError(r, err)
	e.Status = status
	e.Version++
	m.entries[number] = &e
	m.held += c.Charge.Minor()
	m.events = append(m.events, modelEvent{number: number, version: e.Version})
}

func (m *model) pend(r *rapid.T, s *box, number string) {
	err := s.Apply(s.ctx, journal.Batch{Pending: []journal.Pending{news(number, modelNow(s))}})
	if m.entries[number] != nil {
		require.ErrorIs(r, err, journal.ErrLost)
		return
	}
	require.NoError(r, err)
	m.early[number]++
}

func (m *model) claim(r *rapid.T, s *box) {
	limit := rapid.IntRange(1, 3).Draw(r, "limit")
	var want []journal.Entry
	for _, n := range m.order {
		if !m.entries[n].NextAt.After(modelNow(s)) {
			want = append(want, *m.entries[n])
		}
	}
	slices.SortStableFunc(want, func(a, b journal.Entry) int { return a.NextAt.Compare(b.NextAt) })
	want = want[:min(limit, len(want))]
	for i := range want {
		want[i].NextAt = modelNow(s).Add(time.Minute)
		m.entries[want[i].Number].NextAt = want[i].NextAt
	}
	got, err := s.Claim(s.ctx, refunds(limit))
	require.NoError(r, err)
	require.Equal(r, fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got))
}

func (m *model) take(r *rapid.T, s *box) {
	var want []string
	first := map[string]bool{}
	for i := range m.events {
		e := &m.events[i]
		if !first[e.number] && !e.leased.After(modelNow(s)) {
			e.leased = modelNow(s).Add(time.Minute)
			want = append(want, eventID(e.number, int(e.version)))
		}
		first[e.number] = true
	}
	got, err := s.TakeEvents(s.ctx, time.Minute, 100)
	require.NoError(r, err)
	var ids []string
	for _, e := range got {
		ids = append(ids, e.ID)
	}
	require.Equal(r, want, ids)
}

func (m *model) published(r *rapid.T, s *box) {
	if len(m.events) == 0 {
		r.Skip("no event")
	}
	i := rapid.IntRange(0, len(m.events)-1).Draw(r, "event")
	require.NoError(r, s.Published(s.ctx, eventID(m.events[i].number, int(m.events[i].version))))
	m.events = slices.Delete(m.events, i, i+1)
}

func (m *model) history(r *rapid.T, s *box, number string) {
	steps, err := s.History(s.ctx, idOf(number))
	require.NoError(r, err)
	if e := m.entries[number]; e == nil {
		require.Empty(r, steps)
	} else {
		require.Len(r, steps, int(e.Version))
	}
}

func (m *model) compare(r *rapid.T, s *box) {
	es, _, err := s.List(s.ctx, journal.ListQuery{})
	require.NoError(r, err)
	require.Len(r, es, len(m.order))
	for i, n := range m.order {
		require.Equal(r, *m.entries[n], es[i])
	}
	b, err := s.Budget(s.ctx, shop, order)
	if err == nil {
		require.Equal(r, m.held, b.Held.Minor())
	} else {
		require.Zero(r, m.held)
	}
}
