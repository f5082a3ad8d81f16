// Package storetest holds every journal store to what the comments of
// journal.Store say, and breaks stores for tests of what uses them.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T, now func() time.Time) journal.Store {
//			return memstore.New(memstore.Config{Now: now})
//		})
//	}
//
// [Run] is the suite. [Faulty] is a store behind a bad connection.
package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// Run holds a store to the contract of journal.Store. Each test opens an empty
// store whose clock is now, and open closes it in t.Cleanup.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) journal.Store) {
	groups := []struct {
		name  string
		tests []test
	}{
		{"Entry", entryTests},
		{"Insert", insertTests},
		{"Budget", budgetTests},
		{"Apply", applyTests},
		{"Inbox", inboxTests},
		{"Queue", queueTests},
		{"Outbox", outboxTests},
		{"Reader", readerTests},
		{"Controls", controlsTests},
		{"Health", healthTests},
		{"Decisions", decisionsTests},
		{"Context", contextTests},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			for _, x := range g.tests {
				t.Run(x.name, func(t *testing.T) {
					t.Parallel()
					x.run(t, newBox(t, open))
				})
			}
		})
	}
	t.Run("Model", func(t *testing.T) {
		t.Parallel()
		checkModel(t, open)
	})
}

type test struct {
	name string
	run  func(t *testing.T, s *box)
}

// box is the store under test with its clock.
type box struct {
	journal.Store
	*clock
	ctx context.Context
}

// Now is the store's, not the clock's.
func (s *box) Now(ctx context.Context) (time.Time, error) { return s.Store.Now(ctx) }

// clock is the injected time. It starts off the millisecond, as real ones do.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

var start = time.Date(2026, 3, 4, 5, 6, 7, 891_234_567, time.FixedZone("UTC+8", 8*60*60))

// begun is start as a store keeps it.
var begun = start.UTC().Truncate(time.Millisecond)

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newBox(t *testing.T, open func(t *testing.T, now func() time.Time) journal.Store) *box {
	c := &clock{t: start}
	return &box{Store: open(t, c.now), clock: c, ctx: t.Context()}
}

var (
	shop  = bankrail.Channel{Gateway: "lanhai-test", Merchant: "M1"}
	order = "O1"
)

func idOf(number string) bankrail.ID {
	return bankrail.ID{Channel: shop, Op: bankrail.OpRefund, Number: number}
}

// draft is an entry that was sent: 1.00 CNY of order O1.
func draft(number string) journal.Entry {
	return journal.Entry{
		ID: idOf(number), Status: bankrail.Processing, Order: order,
		Amount: bankrail.CNY(100), Held: bankrail.CNY(100), CreatedAt: begun, UpdatedAt: begun,
	}
}

// to is the change of e into status, as it is now.
func to(e journal.Entry, status bankrail.Status) journal.Change {
	c := journal.Change{Entry: e, From: e.Status, Source: journal.SourceHost, At: begun, Event: journal.EventType(status.String())}
	if e.Version == 0 {
		c.From = 0
	}
	c.Entry.Status = status
	return c
}

// insert records draft(number) without a Hold.
func (s *box) insert(t *testing.T, e journal.Entry) journal.Entry {
	t.Helper()
	require.NoError(t, s.Insert(s.ctx, to(e, e.Status), journal.Hold{}))
	return s.get(t, e.ID)
}

func (s *box) get(t *testing.T, id bankrail.ID) journal.Entry {
	t.Helper()
	e, err := s.Get(s.ctx, id)
	require.NoError(t, err)
	return e
}

func (s *box) apply(t *testing.T, b journal.Batch) {
	t.Helper()
	require.NoError(t, s.Apply(s.ctx, b))
}

func (s *box) budget(t *testing.T) journal.Budget {
	t.Helper()
	b, err := s.Budget(s.ctx, shop, order)
	require.NoError(t, err)
	return b
}

// news is pending news of a number.
func news(number string, at time.Time) journal.Pending {
	return journal.Pending{
		ID:     idOf(number),
		News:   journal.News{Op: bankrail.OpRefund, Receipt: bankrail.Receipt{Number: number, Status: bankrail.Succeeded}},
		Digest: digest(number), At: at,
	}
}

func digest(s string) [32]byte { return journal.NewFingerprint(s) }

// everything is all that can be seen of a store.
type everything struct {
	Entries   []journal.Entry
	Steps     map[bankrail.ID][]journal.Step
	Budgets   map[string]journal.Budget
	Events    []journal.Event
	Pending   []journal.Pending
	Anomalies []journal.Anomaly
}

func (s *box) all(t *testing.T) everything {
	t.Helper()
	x := everything{Steps: map[bankrail.ID][]journal.Step{}, Budgets: map[string]journal.Budget{}}
	var err error
	x.Entries, _, err = s.List(s.ctx, journal.ListQuery{Limit: 10_000})
	require.NoError(t, err)
	for _, e := range x.Entries {
		x.Steps[e.ID], err = s.History(s.ctx, e.ID)
		require.NoError(t, err)
	}
	for _, o := range []string{order, "O2", "O3"} {
		if b, err := s.Budget(s.ctx, shop, o); err == nil {
			x.Budgets[o] = b
		} else {
			require.ErrorIs(t, err, bankrail.ErrNotFound)
		}
	}
	x.Events, err = s.TakeEvents(s.ctx, 0, 10_000) // a lease of 0 has ended at once
	require.NoError(t, err)
	x.Pending, err = s.Pending(s.ctx, journal.PendingQuery{Limit: 10_000})
	require.NoError(t, err)
	x.Anomalies, _, err = s.Anomalies(s.ctx, "", 10_000)
	require.NoError(t, err)
	return x
}

// together runs f n times at once and returns the answers.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	ready := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-ready
			errs[i] = f(i)
		})
	}
	close(ready)
	wg.Wait()
	return errs
}
