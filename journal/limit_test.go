package journal_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/storetest"
)

func (d *desk) limit(change ...func(*journal.Limit)) error {
	l := journal.Limit{Channel: testCh, Op: bankrail.OpRefund, By: "alice", Why: "the bank asked"}
	for _, f := range change {
		f(&l)
	}
	return d.book.SetLimit(context.Background(), l)
}

func stopped(l *journal.Limit) { l.Stopped = true }

func capped(m bankrail.Money) func(*journal.Limit) { return func(l *journal.Limit) { l.Max = m } }

func queued(dr *journal.Draft) { dr.Queue = true }

// absentFrom makes sure that a refused request left nothing behind.
func (d *desk) absentFrom(t *testing.T, number string) {
	t.Helper()
	_, err := d.book.Get(t.Context(), numbered(number))
	require.ErrorIs(t, err, bankrail.ErrNotFound)
	_, err = d.store.Budget(t.Context(), testCh, "O1")
	require.ErrorIs(t, err, bankrail.ErrNotFound)
	require.Empty(t, d.sends)
}

func TestStopRefusesBeforeTheRecord(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	require.NoError(t, d.limit(stopped))
	_, err := d.create("R1")
	var limited *journal.LimitError
	require.ErrorAs(t, err, &limited)
	require.ErrorIs(t, err, bankrail.ErrForbidden)
	require.ErrorContains(t, err, "stopped by alice: the bank asked")
	require.Equal(t, numbered("R1"), limited.Entry)
	require.True(t, limited.Limit.At.Equal(start), "the store's clock")
	d.absentFrom(t, "R1")

	require.NoError(t, d.limit())
	in, err := d.book.Limits(t.Context())
	require.NoError(t, err)
	require.Empty(t, in, "lifted")
	_, err = d.create("R1")
	require.NoError(t, err, "at once on the node that lifted it")
	require.NoError(t, d.limit(stopped))
	e, err := d.create("R1")
	require.NoError(t, err, "a repeat is answered from the record")
	require.Equal(t, bankrail.Processing, e.Status)
}

func TestLimitIsOfWhatItNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*journal.Limit)
		refused bool
	}{
		"this merchant and operation": {stopped, true},
		"every merchant":              {func(l *journal.Limit) { l.Stopped, l.Merchant = true, "" }, true},
		"every operation":             {func(l *journal.Limit) { l.Stopped, l.Op = true, "" }, true},
		"the whole gateway":           {func(l *journal.Limit) { l.Stopped, l.Merchant, l.Op = true, "", "" }, true},
		"another merchant":            {func(l *journal.Limit) { l.Stopped, l.Merchant = true, "M2" }, false},
		"another operation":           {func(l *journal.Limit) { l.Stopped, l.Op = true, "payment" }, false},
		"a gateway of a longer name":  {func(l *journal.Limit) { l.Stopped, l.Gateway = true, "bank2" }, false},
		"a cap below":                 {capped(bankrail.CNY(99)), true},
		"a cap that is met":           {capped(bankrail.CNY(100)), false},
		"a cap of another currency":   {capped(jpy(1000)), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, journal.Rules{})
			require.NoError(t, d.limit(c.change))
			_, err := d.create("R1")
			if !c.refused {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, bankrail.ErrForbidden)
			d.absentFrom(t, "R1")
		})
	}
}

func TestStopKeepsBackWhatWaits(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	for _, n := range []string{"R1", "R2"} {
		_, err := d.create(n, queued, func(dr *journal.Draft) { dr.Amount = bankrail.CNY(50) })
		require.NoError(t, err)
	}
	require.NoError(t, d.limit(stopped))
	d.work(20)
	require.Empty(t, d.sends)
	require.Equal(t, bankrail.Created, d.entry("R1").Status)
	require.Equal(t, int64(1), d.entry("R2").Version, "waiting leaves no trace")
	require.Len(t, d.alarms, 1, "one alarm for the limit, not one for each look at each entry")
	require.Equal(t, journal.AlarmLimited, d.alarms[0].Kind)

	require.NoError(t, d.limit(capped(bankrail.CNY(49))))
	d.work(5)
	require.Empty(t, d.sends)
	require.Len(t, d.alarms, 2, "another limit")

	require.NoError(t, d.limit())
	d.work(3)
	require.Len(t, d.sends, 2)
}

func TestStoppedEntryStillEndsItsWait(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1", queued, func(dr *journal.Draft) { dr.SendWithin = time.Hour })
	require.NoError(t, err)
	require.NoError(t, d.limit(stopped))
	d.work(70)
	e := d.entry("R1")
	require.Equal(t, bankrail.Failed, e.Status)
	require.Equal(t, journal.CauseNeverSent, e.Cause)
	require.True(t, d.held().IsZero())
	require.Empty(t, d.sends)
}

// TestStopKeepsBackResendsButNotQuestions: what is open is asked, and news is taken.
func TestStopKeepsBackResendsButNotQuestions(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll, Horizon: 24 * time.Hour})
	_, err := d.create("R1")
	require.NoError(t, err)
	require.NoError(t, d.limit(stopped))
	d.work(30)
	require.Len(t, d.sends, 1)
	require.GreaterOrEqual(t, d.asks, 3)
	require.NoError(t, d.limit())
	d.work(60)
	require.Greater(t, len(d.sends), 1, "lifted, so it goes again")
	require.NoError(t, d.limit(stopped))
	d.hear(said(bankrail.Succeeded, 100))
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)
}

func TestCorrectionsAreNeverLimited(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	d.hear(said(bankrail.Failed, 0))
	require.NoError(t, d.limit(stopped))
	d.hear(said(bankrail.Succeeded, 100))
	late := numbered("R1")
	late.Op = late.Op.Correction()
	c, err := d.book.Get(t.Context(), late)
	require.NoError(t, err)
	require.Equal(t, bankrail.Succeeded, c.Status)
}

// counting counts how often the limits are read.
type counting struct {
	*storetest.Faulty
	reads int
}

func (c *counting) Limits(ctx context.Context) ([]journal.Limit, error) {
	c.reads++
	return c.Faulty.Limits(ctx)
}

func TestLimitsAreReadOncePerLimitsFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	store := &counting{Faulty: storetest.NewFaulty(d.store)}
	other := d.book
	d.book = journal.New(store, journal.Config{Now: d.clock.Now, AllowVolatile: true, LimitsFor: 2 * time.Second})
	little := func(dr *journal.Draft) { dr.Amount = bankrail.CNY(1) }
	for _, n := range []string{"R1", "R2", "R3"} {
		_, err := d.create(n, little)
		require.NoError(t, err)
	}
	require.Equal(t, 1, store.reads)

	require.NoError(t, other.SetLimit(t.Context(), journal.Limit{Channel: testCh, Stopped: true, By: "bob", Why: "elsewhere"}))
	d.clock.Advance(2*time.Second - time.Millisecond)
	_, err := d.create("R4", little)
	require.NoError(t, err, "another node's limit is heeded within LimitsFor")
	d.clock.Advance(time.Millisecond)
	_, err = d.create("R5", little)
	require.ErrorIs(t, err, bankrail.ErrForbidden)
	require.Equal(t, 2, store.reads)
}

// TestLimitsThatCannotBeReadStopEverything: nobody knows what they say.
func TestLimitsThatCannotBeReadStopEverything(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1", queued)
	require.NoError(t, err)
	d.book = journal.New(blind{d.store}, journal.Config{Now: d.clock.Now, AllowVolatile: true})
	_, err = d.create("R2")
	require.ErrorIs(t, err, bankrail.ErrUnavailable, "the same number may be repeated")
	d.work(5)
	require.Empty(t, d.sends)
	require.Equal(t, bankrail.Created, d.entry("R1").Status)
	_, err = d.book.Limits(t.Context())
	require.ErrorIs(t, err, bankrail.ErrUnavailable)
}

// blind is a store whose limits cannot be read.
type blind struct{ journal.Store }

func (blind) Limits(context.Context) ([]journal.Limit, error) { return nil, errAway }

func TestMalformedLimitNamesItsField(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	for field, change := range map[string]func(*journal.Limit){
		"gateway": func(l *journal.Limit) { l.Gateway = "" },
		"op":      func(l *journal.Limit) { l.Op = bankrail.OpRefund.Correction() },
		"max":     capped(bankrail.CNY(-1)),
		"by":      func(l *journal.Limit) { l.By = "" },
		"why":     func(l *journal.Limit) { l.Why = strings.Repeat("x", 201) },
	} {
		err := d.limit(stopped, change)
		var bad *bankrail.FieldError
		require.ErrorAs(t, err, &bad, field)
		require.Equal(t, field, bad.Field)
	}
	in, err := d.book.Limits(t.Context())
	require.NoError(t, err)
	require.Empty(t, in)
}
