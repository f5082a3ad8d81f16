package broker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
)

// driver is a gateway that accepts, and then answers every query with success.
type driver struct{ ch bankrail.Channel }

var _ journal.Driver = driver{}

func (d driver) Op() bankrail.Op           { return bankrail.OpRefund }
func (d driver) Channel() bankrail.Channel { return d.ch }

func (driver) Rules(context.Context, bankrail.Channel) (journal.Rules, error) {
	return journal.Rules{Dedupe: journal.DedupeAll, Horizon: time.Hour}, nil
}

func (driver) Send(_ context.Context, e journal.Entry, _ []byte) (journal.Answer, error) {
	return journal.Answer{Receipt: bankrail.Receipt{Number: e.Number, Status: bankrail.Processing}}, nil
}

func (driver) Query(_ context.Context, e journal.Entry) (bankrail.Receipt, error) {
	return bankrail.Receipt{Number: e.Number, Status: bankrail.Succeeded, Amount: e.Amount}, nil
}

// host is a journal with events to tell.
type host struct {
	book   *journal.Book
	now    time.Time
	driver driver
}

func newHost(merchant string) *host {
	h := &host{now: at, driver: driver{bankrail.Channel{Gateway: "test-sandbox", Merchant: merchant}}}
	clock := func() time.Time { return h.now }
	h.book = journal.New(memstore.New(memstore.Config{Now: clock}), journal.Config{
		AllowVolatile: true, Now: clock, Alarm: func(context.Context, journal.Alarm) {},
	})
	return h
}

// refunds carries n refunds out: two events or more for each.
func (h *host) refunds(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		id := bankrail.ID{Channel: h.driver.ch, Op: bankrail.OpRefund, Number: fmt.Sprintf("R%d", i)}
		_, err := h.book.Create(t.Context(), id, journal.NewFingerprint(id.Number), h.driver, func(context.Context) (journal.Draft, error) {
			return journal.Draft{Order: "O77", Amount: bankrail.CNY(100), Data: []byte(`{}`)}, nil
		})
		require.NoError(t, err)
	}
	h.now = h.now.Add(2 * time.Hour)
	_, err := h.book.Work(t.Context(), h.driver, n, 1)
	require.NoError(t, err)
}

// errLost is the acknowledgement that got lost.
var errLost = errors.New("acknowledgement lost")

// forgetful publishes and then loses the acknowledgement of every third event, once.
func forgetful(p journal.Publisher) journal.Publisher {
	seen, lost := 0, map[string]bool{}
	return publisher(func(ctx context.Context, e journal.Event) error {
		if err := p.Publish(ctx, e); err != nil {
			return err
		}
		if seen++; seen%3 == 0 && !lost[e.ID] {
			lost[e.ID] = true
			return errLost
		}
		return nil
	})
}

type publisher func(context.Context, journal.Event) error

func (p publisher) Publish(ctx context.Context, e journal.Event) error { return p(ctx, e) }

// relay publishes until nothing is left, past the leases of what failed.
func (h *host) relay(t *testing.T, p journal.Publisher) (published int) {
	t.Helper()
	for {
		n, err := h.book.Relay(t.Context(), p, 100)
		if err != nil {
			require.ErrorIs(t, err, errLost)
		}
		if n == 0 && err == nil {
			return published
		}
		published += n
		h.now = h.now.Add(time.Hour)
	}
}

// complete requires what consumers saw of n refunds: the first copies of each entry's
// events in version order, up to success, and none missing.
func (h *host) complete(t *testing.T, n, published int, seen []journal.Event) {
	t.Helper()
	first := map[string]bool{}
	last := map[bankrail.ID]journal.Event{}
	for _, e := range seen {
		if first[e.ID] {
			continue
		}
		first[e.ID] = true
		require.Greater(t, e.Version, last[e.Entry].Version, "%s", e.ID)
		last[e.Entry] = e
	}
	require.Len(t, first, published)
	require.Len(t, last, n)
	for id, e := range last {
		require.Equal(t, bankrail.Succeeded, e.Status, "%s", id)
		require.Equal(t, bankrail.CNY(100), e.Settled)
	}
}
