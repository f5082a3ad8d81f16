package directed

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// audit compares the bank's books with the journal, the broker and what was told.
func (w *world) audit() {
	ctx := context.Background()
	moved := 0
	for i := 1; i <= maxNumbers; i++ {
		number := numberOf(i)
		executed := w.bank.executed[number]
		moved += executed
		require.LessOrEqual(w.t, executed, 1, "%s was executed twice", number)
		if err := w.told[number]; err != nil {
			require.Zero(w.t, executed, "%s was executed, and the host was told: %v", number, err)
		}
		e, err := w.store.Get(ctx, idOf(number))
		if err != nil {
			require.ErrorIs(w.t, err, bankrail.ErrNotFound)
			require.Zero(w.t, executed, "%s was executed and is not in the journal", number)
			continue
		}
		require.True(w.t, e.Status.Final(), "%s is %s (%s): %s", number, e.Status, e.Cause, e.Message)
		require.Equal(w.t, executed == 1, e.Status == bankrail.Succeeded, "%s is %s", number, e.Status)
		require.LessOrEqual(w.t, e.Sends, journal.MaxSends)
		if w.c.Bank != Failure {
			require.Less(w.t, e.UpdatedAt.Sub(w.struckAt), 116*time.Minute, "%s took too long", number)
		}
		w.history(ctx, e)
	}
	if w.c.Bank == Failure {
		require.Zero(w.t, moved)
	} else {
		require.Equal(w.t, 1, moved, "the intent was executed once")
	}
	h, err := w.store.Health(ctx)
	require.NoError(w.t, err)
	require.Zero(w.t, h.Created+h.Processing+h.Manual+h.Unpublished+h.Pending+h.Anomalies, "%+v", h)
	held, err := w.store.Budget(ctx, channel, "O1")
	require.NoError(w.t, err)
	require.Equal(w.t, int64(moved)*amount.Minor(), held.Held.Minor(), "what the order holds")
	for _, n := range w.acked {
		require.ErrorIs(w.t, w.store.Apply(ctx, journal.Batch{Notice: &n}), journal.ErrSeen, "an acknowledged notice is in the inbox")
	}
}

// history is gapless, and each step of it that has an event was published, in order.
func (w *world) history(ctx context.Context, e journal.Entry) {
	steps, err := w.store.History(ctx, e.ID)
	require.NoError(w.t, err)
	require.Len(w.t, steps, int(e.Version))
	var events []int64
	for i, s := range steps {
		require.EqualValues(w.t, i+1, s.Version)
		if i == 0 || s.From != s.To {
			events = append(events, s.Version)
		}
	}
	var seen []int64
	for _, ev := range w.published {
		if ev.Entry != e.ID {
			continue
		}
		if len(seen) == 0 || ev.Version > seen[len(seen)-1] {
			seen = append(seen, ev.Version)
		}
	}
	require.Equal(w.t, events, seen, "the events of %s", e.ID)
}
