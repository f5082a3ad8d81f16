package journal_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// createTx records in a transaction, which for the memory store is the store itself.
func (d *desk) createTx(tx journal.Tx, n string, change ...func(*journal.Draft)) (journal.Entry, error) {
	draft := journal.Draft{
		Order: "O1", Amount: bankrail.CNY(100), Data: []byte(`{"n":"` + n + `"}`),
		Hold: journal.Hold{Limit: bankrail.CNY(150)},
	}
	for _, f := range change {
		f(&draft)
	}
	return d.book.CreateTx(context.Background(), tx, numbered(n), journal.NewFingerprint(n), func(context.Context) (journal.Draft, error) {
		return draft, nil
	})
}

func TestCreateTx(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.send = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 100), nil }
	e, err := d.createTx(d.store, "R1")
	require.NoError(t, err)
	require.Equal(t, bankrail.Created, e.Status)
	require.Empty(t, d.sends, "the worker sends it, after the commit")

	again, err := d.createTx(d.store, "R1")
	require.NoError(t, err, "answered from the record, although the budget would refuse it now")
	require.Equal(t, e.Attempt, again.Attempt)
	_, err = d.createTx(d.store, "R2")
	require.ErrorIs(t, err, bankrail.ErrBudget)
	_, err = d.book.CreateTx(t.Context(), d.store, numbered("R1"), journal.NewFingerprint("other"), nil)
	require.ErrorIs(t, err, bankrail.ErrConflict)

	d.work(1)
	require.Len(t, d.sends, 1)
	again, err = d.createTx(d.store, "R1")
	require.NoError(t, err)
	require.Equal(t, bankrail.Succeeded, again.Status)
}

// Another caller may record the number while the host still checks its own.
func TestCreateTxThatIsOvertaken(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	e, err := d.book.CreateTx(t.Context(), d.store, numbered("R1"), journal.NewFingerprint("R1"), func(context.Context) (journal.Draft, error) {
		_, err := d.create("R1")
		require.NoError(t, err)
		return journal.Draft{}, errHost
	})
	require.NoError(t, err, "its money may move, so the check's error must not be told")
	require.Equal(t, bankrail.Processing, e.Status)
	require.Len(t, d.sends, 1)
}

func TestCreateTxOfAFailedNumber(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll})
	d.send = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, refused }
	_, err := d.createTx(d.store, "R1")
	require.NoError(t, err)
	d.work(1)
	_, err = d.createTx(d.store, "R1")
	require.ErrorIs(t, err, bankrail.ErrFailed)
	require.Len(t, d.sends, 1)
}

func TestCreateTxAfterNews(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.hear(said(bankrail.Succeeded, 100))
	_, err := d.createTx(d.store, "R1", func(r *journal.Draft) { r.Amount = bankrail.CNY(0) })
	require.ErrorIs(t, err, bankrail.ErrUnavailable, "do not take another number")
	e, err := d.createTx(d.store, "R1")
	require.NoError(t, err)
	require.Equal(t, journal.CauseEarly, e.Cause)
	require.Equal(t, bankrail.CNY(100), d.held())
	d.work(2)
	require.Empty(t, d.sends)
}

// brokenTx is a transaction that fails, or does not see what others committed.
type brokenTx struct {
	journal.Tx
	get, insert error
}

func (b brokenTx) Get(ctx context.Context, id bankrail.ID) (journal.Entry, error) {
	if b.get != nil {
		return journal.Entry{}, b.get
	}
	return b.Tx.Get(ctx, id)
}

func (b brokenTx) Insert(context.Context, journal.Change, journal.Hold) error { return b.insert }

func TestCreateTxWhereTheTransactionFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for name, c := range map[string]struct {
		tx   brokenTx
		want []error
	}{
		"cannot read":                     {brokenTx{get: broken}, []error{bankrail.ErrUnavailable, broken}},
		"cannot insert":                   {brokenTx{insert: broken}, []error{bankrail.ErrUnavailable, broken}},
		"refused by the host's hook":      {brokenTx{insert: &journal.HookError{Err: errHost}}, []error{journal.ErrHook, errHost}},
		"recorded where it cannot see it": {brokenTx{insert: journal.ErrExists}, []error{bankrail.ErrUnavailable, journal.ErrExists}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, journal.Rules{})
			c.tx.Tx = d.store
			_, err := d.createTx(c.tx, "R1")
			for _, want := range c.want {
				require.ErrorIs(t, err, want)
			}
			d.work(2)
			require.Empty(t, d.sends)
		})
	}
}
