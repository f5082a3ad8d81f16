package storetest_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/storetest"
)

func change(number string) journal.Change {
	return journal.Change{Entry: journal.Entry{
		ID:     bankrail.ID{Channel: bankrail.Channel{Gateway: "lanhai-test", Merchant: "M1"}, Op: bankrail.OpRefund, Number: number},
		Status: bankrail.Processing,
	}}
}

func TestFaultyInsert(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		fault        storetest.Fault
		notCommitted bool
		recorded     bool
	}{
		"not committed":   {storetest.InsertNotCommitted, true, false},
		"unreachable":     {storetest.Unreachable, true, false},
		"cut, lost":       {storetest.InsertCutLost, false, false},
		"cut, committed":  {storetest.InsertCutCommitted, false, true},
		"cut, lands late": {storetest.InsertCutLandsLater, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inner := memstore.New(memstore.Config{})
			f := storetest.NewFaulty(inner)
			f.Next(x.fault, 1)
			c := change("R1")
			err := f.Insert(t.Context(), c, journal.Hold{})
			require.Error(t, err)
			require.Equal(t, x.notCommitted, errors.Is(err, journal.ErrNotCommitted))
			_, err = inner.Get(t.Context(), c.Entry.ID)
			require.Equal(t, x.recorded, err == nil)
			if x.fault == storetest.InsertCutLandsLater {
				require.NoError(t, f.Land())
				_, err = inner.Get(t.Context(), c.Entry.ID)
				require.NoError(t, err)
			}
			require.Error(t, f.Land(), "nothing waits")
			require.NoError(t, f.Insert(t.Context(), change("R2"), journal.Hold{}), "the fault is used up")
		})
	}
}

func TestFaultyLateInsertMeetsATombstone(t *testing.T) {
	t.Parallel()
	f := storetest.NewFaulty(memstore.New(memstore.Config{}))
	f.Next(storetest.InsertCutLandsLater, 1)
	require.Error(t, f.Insert(t.Context(), change("R1"), journal.Hold{}))
	tomb := change("R1")
	tomb.Entry.Status = bankrail.Failed
	require.NoError(t, f.Insert(t.Context(), tomb, journal.Hold{}))
	require.ErrorIs(t, f.Land(), journal.ErrExists)
}

func TestFaultyFaultsComeInOrder(t *testing.T) {
	t.Parallel()
	f := storetest.NewFaulty(memstore.New(memstore.Config{}))
	id := change("R1").Entry.ID
	f.Next(storetest.ApplyCutCommitted, 1)
	f.Next(storetest.GetFails, 1)
	f.Next(storetest.Unreachable, -1)
	_, err := f.Get(t.Context(), id)
	require.ErrorIs(t, err, bankrail.ErrNotFound, "not yet")
	err = f.Apply(t.Context(), journal.Batch{Changes: []journal.Change{change("R1")}})
	require.Error(t, err)
	require.NotErrorIs(t, err, journal.ErrNotCommitted)
	for range 5 {
		_, err = f.Get(t.Context(), id)
		require.Error(t, err)
		require.NotErrorIs(t, err, bankrail.ErrNotFound)
	}
	_, err = f.Now(t.Context())
	require.Error(t, err)
	f.Heal()
	_, err = f.Get(t.Context(), id)
	require.NoError(t, err, "the cut change had committed")
}
