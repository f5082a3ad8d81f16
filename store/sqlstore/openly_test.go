package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// openly opens a database without a hook: its inserts share a transaction without
// savepoints.
func openly(t *testing.T) (*sqlstore.DB, chan struct{}) {
	t.Helper()
	return open(t, file(t), sqlstore.Config{}), make(chan struct{})
}

func dollars(t *testing.T, cents int64) bankrail.Money {
	t.Helper()
	m, err := bankrail.NewMoney(cents, "USD")
	require.NoError(t, err)
	return m
}

// A refusal leaves nothing behind for the others, and the others' work where it is.
func TestGroupWithoutSavepointsRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := openly(t)
		news := journal.Pending{ID: idOf("early"), At: refund("").At, News: journal.News{Op: bankrail.OpRefund}}
		require.NoError(t, db.Apply(t.Context(), journal.Batch{Pending: []journal.Pending{news}}))
		runs := 0
		counted := point.With(t.Context(), func(context.Context, point.Point, string) { runs++ })
		settled := func(version int64) journal.Change {
			c := refund("R1")
			c.From, c.Entry.Status, c.Entry.Version, c.Event = bankrail.Processing, bankrail.Succeeded, version, journal.EventSucceeded
			return c
		}
		apply := func(c journal.Change) func() error {
			return func() error { return db.Apply(t.Context(), journal.Batch{Changes: []journal.Change{c}}) }
		}
		errs, first := behind(t, db, gate,
			func() error { return db.Insert(counted, refund("R1"), paid) },
			insert(t, db, "R1"),
			insert(t, db, "early"),
			func() error { return db.Insert(t.Context(), refund("R2"), journal.Hold{Limit: bankrail.CNY(250)}) },
			func() error { return db.Insert(t.Context(), refund("R2"), journal.Hold{Limit: bankrail.CNY(99)}) },
			apply(settled(7)),
			apply(settled(1)),
			insert(t, db, "R3"))
		require.NoError(t, first)
		require.NoError(t, errs[0])
		require.ErrorIs(t, errs[1], journal.ErrExists)
		require.ErrorIs(t, errs[2], journal.ErrEarly)
		require.ErrorIs(t, errs[3], bankrail.ErrBudget)
		require.ErrorIs(t, errs[4], bankrail.ErrBudget)
		require.ErrorIs(t, errs[5], journal.ErrLost)
		require.NoError(t, errs[6])
		require.NoError(t, errs[7])
		require.Equal(t, 2, runs, "before and after the one commit: nobody began anew")
		b, err := db.Budget(t.Context(), channel, "O1")
		require.NoError(t, err)
		require.Equal(t, bankrail.CNY(300), b.Held)
		_, err = db.Get(t.Context(), idOf("R2"))
		require.ErrorIs(t, err, bankrail.ErrNotFound)
		es, _, err := db.List(t.Context(), journal.ListQuery{})
		require.NoError(t, err)
		require.Len(t, es, 3)
	})
}

// What fails half way takes nobody along: the others begin anew.
func TestGroupWithoutSavepointsBeginsAnew(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string]func(t *testing.T, db *sqlstore.DB){
		"after a row the database does not take": func(t *testing.T, db *sqlstore.DB) {
			nonsense := refund("bad")
			nonsense.Entry.Sends = -1 // refused by a CHECK
			require.ErrorIs(t, db.Insert(t.Context(), nonsense, paid), journal.ErrNotCommitted)
		},
		"after a charge that is refused behind the row": func(t *testing.T, db *sqlstore.DB) {
			foreign := refund("bad")
			foreign.Charge = dollars(t, 1)
			err := db.Insert(t.Context(), foreign, paid)
			require.ErrorIs(t, err, journal.ErrNotCommitted)
			require.ErrorAs(t, err, new(*bankrail.FieldError))
		},
		"after a caller that dies": func(t *testing.T, db *sqlstore.DB) {
			dying := point.With(t.Context(), func(_ context.Context, p point.Point, _ string) {
				if p == point.Inserting {
					panic("died")
				}
			})
			require.PanicsWithValue(t, "died", func() { _ = db.Insert(dying, refund("bad"), paid) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				db, gate := openly(t)
				errs, first := behind(t, db, gate,
					insert(t, db, "R1"),
					func() error { failing(t, db); return nil },
					insert(t, db, "R1"),
					insert(t, db, "R2"),
					func() error { failing(t, db); return nil })
				require.NoError(t, first)
				repeated := 0
				for _, i := range []int{0, 2} { // who began anew may come in another order
					if errors.Is(errs[i], journal.ErrExists) {
						repeated++
						errs[i] = nil
					}
				}
				require.Equal(t, 1, repeated)
				require.NoError(t, errors.Join(errs...))
				es, _, err := db.List(t.Context(), journal.ListQuery{})
				require.NoError(t, err)
				require.Len(t, es, 3, "the gate, R1 and R2")
				b, err := db.Budget(t.Context(), channel, "O1")
				require.NoError(t, err)
				require.Equal(t, bankrail.CNY(300), b.Held)
				for _, n := range []string{"gate", "R1", "R2"} {
					steps, err := db.History(t.Context(), idOf(n))
					require.NoError(t, err)
					require.Len(t, steps, 1)
				}
			})
		})
	}
}

// Whatever single field a change writes, it is there afterwards.
func TestChangeOfOneField(t *testing.T) {
	t.Parallel()
	db := open(t, file(t), sqlstore.Config{})
	at := refund("").At
	for i, set := range []func(e *journal.Entry){
		func(e *journal.Entry) { e.Status = bankrail.Manual },
		func(e *journal.Entry) { e.Cause = journal.CauseTries },
		func(e *journal.Entry) { e.Order = "O2" },
		func(e *journal.Entry) { e.Amount = bankrail.CNY(7) },
		func(e *journal.Entry) { e.Amount = dollars(t, 100) },
		func(e *journal.Entry) { e.Settled = bankrail.CNY(7) },
		func(e *journal.Entry) { e.Held = bankrail.Money{} },
		func(e *journal.Entry) { e.AnyAmount = true },
		func(e *journal.Entry) { e.Offer = true },
		func(e *journal.Entry) { e.Fingerprint[31] = 1 },
		func(e *journal.Entry) { e.Data = []byte(`{}`) },
		func(e *journal.Entry) { e.Data = nil },
		func(e *journal.Entry) { e.Reply = []byte(`{}`) },
		func(e *journal.Entry) { e.Sealed = []byte{1} },
		func(e *journal.Entry) { e.Operator = "Ann" },
		func(e *journal.Entry) { e.GatewayNumber = "G1" },
		func(e *journal.Entry) { e.Code = "C" },
		func(e *journal.Entry) { e.Message = "M" },
		func(e *journal.Entry) { e.Of = idOf("R0") },
		func(e *journal.Entry) { e.Attempt = "A" },
		func(e *journal.Entry) { e.Sends = 2 },
		func(e *journal.Entry) { e.Copies = 2 },
		func(e *journal.Entry) { e.FirstSend = at },
		func(e *journal.Entry) { e.LastSendBy = at },
		func(e *journal.Entry) { e.SendUntil = at },
		func(e *journal.Entry) { e.Postponed = true },
		func(e *journal.Entry) { e.AcceptedAt = at },
		func(e *journal.Entry) { e.Tries = 1 },
		func(e *journal.Entry) { e.Asks = 1 },
		func(e *journal.Entry) { e.NextAt = at.AddDate(1, 0, 0) },
		func(e *journal.Entry) { e.Expires = at },
		func(e *journal.Entry) { e.AbsentAt = at },
		func(e *journal.Entry) { e.Proposal.By = "Bob" },
		func(e *journal.Entry) { e.CreatedAt = at.AddDate(1, 0, 0) },
		func(e *journal.Entry) { e.CreatedAt = at.AddDate(-200, 0, 0) },
		func(e *journal.Entry) { e.UpdatedAt = at.AddDate(1, 0, 0) },
	} {
		c := refund(fmt.Sprint("R", i))
		require.NoError(t, db.Insert(t.Context(), c, paid))
		before, err := db.Get(t.Context(), c.Entry.ID)
		require.NoError(t, err)
		want := before
		set(&want)
		require.NotEqual(t, before, want)
		require.NoError(t, db.Apply(t.Context(), journal.Batch{Changes: []journal.Change{{Entry: want, From: before.Status, At: at}}}))
		want.Version++
		got, err := db.Get(t.Context(), c.Entry.ID)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// A refusal changes nothing, not even that the order was ever heard of.
func TestGroupWithoutSavepointsLeavesNoBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := openly(t)
		c := refund("R2")
		c.Entry.Order = "O2"
		errs, first := behind(t, db, gate, func() error {
			return db.Insert(t.Context(), c, journal.Hold{Limit: bankrail.CNY(99)})
		})
		require.NoError(t, first)
		require.ErrorIs(t, errs[0], bankrail.ErrBudget)
		_, err := db.Budget(t.Context(), channel, "O2")
		require.ErrorIs(t, err, bankrail.ErrNotFound)
	})
}

// Nobody goes on in a transaction that SQLite has ended.
func TestGroupWithoutSavepointsAfterAFailedRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, gate := openly(t)
		errs, first := behind(t, db, gate,
			func() error { return sqlstore.FailLikeADisk(t.Context(), db) },
			insert(t, db, "R1"))
		require.NoError(t, first)
		require.ErrorIs(t, errs[0], journal.ErrNotCommitted)
		require.ErrorContains(t, errs[0], "disk I/O error")
		require.NoError(t, errs[1])
		b, err := db.Budget(t.Context(), channel, "O1")
		require.NoError(t, err)
		require.Equal(t, bankrail.CNY(200), b.Held)
	})
}
