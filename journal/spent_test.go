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

// cutting loses the connection of the first insert, which the database carries out
// when land is called, and answers what comes after as it is told.
type cutting struct {
	journal.Store
	cut    bool
	land   func() error
	tombs  error
	tombed int
}

var errGone = errors.New("connection cut")

func (s *cutting) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	switch {
	case !s.cut:
		s.cut = true
		s.land = func() error { return s.Store.Insert(context.Background(), c, h) }
		panic(errGone) // and the node with it
	case c.Entry.Status == bankrail.Failed:
		s.tombed++
		if s.tombs != nil {
			return s.tombs
		}
	}
	return s.Store.Insert(ctx, c, h)
}

// A node dies with its insert on the wire; the repeat of the number on another is over
// budget; the budget gets room; the insert lands. It must not: an error was told.
func TestInsertThatLandsAfterItsNumberWasRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tombs error
		want  error
		lands bool
	}{
		"the key is taken":                {want: bankrail.ErrBudget},
		"the key's commit is not known":   {tombs: errGone, want: bankrail.ErrUnavailable, lands: true},
		"the key certainly was not taken": {tombs: journal.ErrNotCommitted, want: bankrail.ErrUnavailable, lands: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll, Horizon: time.Hour})
			s := &cutting{Store: d.store, tombs: c.tombs}
			open := func() { d.book = journal.New(s, journal.Config{Now: d.clock.Now, AllowVolatile: true}) }
			open()
			require.PanicsWithValue(t, errGone, func() { _, _ = d.create("R1") })
			open() // another node
			_, err := d.create("R2")
			require.NoError(t, err)
			_, err = d.create("R1")
			require.ErrorIs(t, err, c.want)
			require.ErrorIs(t, err, bankrail.ErrBudget, "why, whatever else")
			require.Equal(t, c.lands, errors.Is(err, bankrail.ErrUnavailable), "only then the host repeats the number")
			require.Equal(t, 1, s.tombed)
			require.Equal(t, bankrail.CNY(100), d.held(), "of R2: the tombstone holds nothing")

			d.hear(bankrail.Receipt{Number: "R2", Status: bankrail.Failed})
			if err := s.land(); c.lands {
				require.NoError(t, err)
				return
			} else {
				require.ErrorIs(t, err, journal.ErrExists)
			}
			_, err = d.create("R1")
			require.EqualError(t, err, "bank: refund: not enough left of the order: failed")
			d.work(60)
			require.Len(t, d.sends, 1, "R2 alone")
		})
	}
}

// snapshot is a transaction that sees the journal as it was when it began.
type snapshot struct{ journal.Tx }

func (snapshot) Get(context.Context, bankrail.ID) (journal.Entry, error) {
	return journal.Entry{}, bankrail.ErrNotFound
}

func TestCreateTxThatSeesThePast(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	e, err := d.book.CreateTx(t.Context(), snapshot{d.store}, numbered("R1"), journal.NewFingerprint("R1"), func(context.Context) (journal.Draft, error) {
		return journal.Draft{}, errHost
	})
	require.NoError(t, err, "its money may move, so the check's error must not be told")
	require.Equal(t, bankrail.Processing, e.Status)
	_, err = d.book.CreateTx(t.Context(), snapshot{d.store}, numbered("R2"), journal.NewFingerprint("R2"), func(context.Context) (journal.Draft, error) {
		return journal.Draft{}, errHost
	})
	require.ErrorIs(t, err, errHost)
}

func TestLockRequiredWithoutALocker(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.book = journal.New(d.store, journal.Config{Now: d.clock.Now, AllowVolatile: true, LockRequired: true})
	_, err := d.create("R1")
	var field *bankrail.FieldError
	require.ErrorAs(t, err, &field)
	require.Equal(t, "journal.Config.Locker", field.Field)
	require.Empty(t, d.sends)
}

// The refusal of a second copy may be the echo of the first, which the bank then has.
func TestAbsenceAfterAnEchoedRefusal(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeSucceeded, Horizon: time.Hour})
	d.send = func(n int) (bankrail.Receipt, error) {
		if n == 1 {
			return bankrail.Receipt{}, errAway
		}
		return bankrail.Receipt{}, &bankrail.Error{Code: "DUPLICATE", Effect: bankrail.Refused}
	}
	_, err := d.create("R1")
	require.NoError(t, err)
	d.work(300)
	require.Equal(t, bankrail.Manual, d.entry("R1").Status)
	require.Greater(t, d.entry("R1").Copies, 1)
	d.clock.Advance(time.Hour)
	_, err = d.book.Ask(t.Context(), d, numbered("R1"))
	require.NoError(t, err)
	_, err = d.decide(absent)
	require.ErrorContains(t, err, "the bank has known the number")
	_, err = d.decide()
	require.NoError(t, err, "by the bank's own record")
}

// The bank's record of a failure is of one copy; another may be on its way.
func TestRecordOfAFailureWhileACopyMayBeAlive(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dedupe journal.Dedupe
		early  bool
	}{
		"a failed number may be executed anew": {journal.DedupeSucceeded, true},
		"failed numbers are recognised":        {journal.DedupeAll, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, journal.Rules{Dedupe: c.dedupe, Horizon: 24 * time.Hour})
			d.book = journal.New(d.store, journal.Config{
				Now: d.clock.Now, AllowVolatile: true, Alarm: func(context.Context, journal.Alarm) {},
				Tries: []time.Duration{20 * time.Minute, time.Minute},
			})
			_, err := d.create("R1")
			require.NoError(t, err)
			d.work(22)
			require.Len(t, d.sends, 2)
			require.Equal(t, bankrail.Manual, d.entry("R1").Status)
			_, err = d.decide()
			if !c.early {
				require.NoError(t, err)
				return
			}
			var cannot *journal.DecisionError
			require.ErrorAs(t, err, &cannot)
			require.False(t, cannot.From.IsZero())
			d.clock.Advance(cannot.From.Sub(d.clock.Now()))
			_, err = d.decide()
			require.NoError(t, err)
		})
	}
}
