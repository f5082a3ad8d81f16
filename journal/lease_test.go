package journal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// What a slow bank left no time for belongs to whoever claims it next: asked by both, it
// would spend two tries at once.
func TestWorkLeavesWhatItsLeaseDoesNotCover(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	for _, n := range []string{"R1", "R2", "R3", "R4"} {
		_, err := d.create(n, func(r *journal.Draft) { r.Order = n })
		require.NoError(t, err)
	}
	d.query = func(int) (bankrail.Receipt, error) {
		d.clock.Advance(25 * time.Second)
		return bankrail.Receipt{}, notFound
	}
	d.clock.Advance(time.Minute)
	n, err := d.book.Work(t.Context(), d, 100, 1)
	require.NoError(t, err)
	require.Equal(t, 4, n)
	require.Equal(t, 3, d.asks, "the lease is 60 s")
	n, err = d.book.Work(t.Context(), d, 100, 1)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, 1, d.entry("R4").Tries)
}

// slowly publishes, or lets another node be faster.
type slowly func(journal.Event) error

func (f slowly) Publish(_ context.Context, e journal.Event) error { return f(e) }

// A relay that the broker kept waiting past its lease must not follow others with an
// older version.
func TestRelayStopsAtItsLease(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R0", func(r *journal.Draft) { r.Order = "O0" })
	require.NoError(t, err)
	_, err = d.create("R1")
	require.NoError(t, err)
	d.hear(said(bankrail.Succeeded, 100))
	var versions []int64
	heard := func(e journal.Event) error {
		if e.Entry.Number == "R1" {
			versions = append(versions, e.Version)
		}
		return nil
	}
	other := journal.New(d.store, journal.Config{Now: d.clock.Now, AllowVolatile: true})
	_, err = d.book.Relay(t.Context(), slowly(func(e journal.Event) error {
		if e.Entry.Number != "R0" {
			return heard(e)
		}
		d.clock.Advance(2 * time.Minute)
		for range 2 {
			_, err := other.Relay(t.Context(), slowly(heard), 10)
			require.NoError(t, err)
		}
		return errors.New("the broker did not say in time")
	}), 10)
	require.Error(t, err)
	require.Equal(t, []int64{1, 3}, versions, "2 changed no status")
}
