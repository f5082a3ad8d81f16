package journal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// putOff leaves R1 postponed: the bank refused its only copy for now, and it may wait
// for an hour.
func putOff(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll, Horizon: 24 * time.Hour})
	d.send = func(int) (bankrail.Receipt, error) {
		return bankrail.Receipt{}, &bankrail.Error{Code: "BUSY", Effect: bankrail.Refused, Deferred: true, RetryAfter: 2 * time.Hour}
	}
	_, err := d.create("R1", func(r *journal.Draft) { r.SendWithin = 90 * time.Minute })
	require.NoError(t, err)
	require.True(t, d.entry("R1").Postponed)
	return d
}

// A bank that takes up what it had put off has the copy: nothing is sent again, and
// the end of the wait does not fail it.
func TestPostponedThatTheBankTookUp(t *testing.T) {
	t.Parallel()
	for name, news := range map[string]bankrail.Receipt{
		"accepted":                  said(bankrail.Processing, 0),
		"success without an amount": said(bankrail.Succeeded, 0),
		"success of another amount": said(bankrail.Succeeded, 99),
		"a status that is unknown":  said(0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := putOff(t)
			d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Processing, 0), nil }
			d.hear(news)
			d.work(100)
			require.Len(t, d.sends, 1)
			require.Equal(t, bankrail.Processing, d.entry("R1").Status)
			_, err := d.create("R1")
			require.NoError(t, err, "money may move")
			require.Positive(t, d.asks)
		})
	}
}

// A person who asks about what waits to be sent again learns nothing new by "not found".
func TestPostponedThatAPersonAsksAbout(t *testing.T) {
	t.Parallel()
	d := putOff(t)
	before := d.entry("R1")
	for range 8 {
		d.clock.Advance(2 * time.Minute)
		e, err := d.book.Ask(t.Context(), d, numbered("R1"))
		require.NoError(t, err)
		require.Equal(t, before, e)
	}
	d.query = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, errAway }
	_, err := d.book.Ask(t.Context(), d, numbered("R1"))
	require.ErrorIs(t, err, errAway)
	require.Equal(t, before, d.entry("R1"), "it is due when it was")
}

// A late word about the copy that was put off must not end the one that went since.
func TestFailureOfACopyThatWasPutOff(t *testing.T) {
	t.Parallel()
	d := putOff(t)
	d.rules.Dedupe = journal.DedupeSucceeded
	d.send = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, errAway }
	d.work(60)
	require.Len(t, d.sends, 2)
	d.hear(said(bankrail.Failed, 0))
	require.Equal(t, bankrail.Processing, d.entry("R1").Status, "the second copy may be executed")
	d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Failed, 0), nil }
	d.work(5)
	require.Equal(t, bankrail.Processing, d.entry("R1").Status, "asked before the grace")
	d.work(60)
	require.Equal(t, bankrail.Failed, d.entry("R1").Status, "asked after it")
}

// Whatever the bank said of a number but a failure, it has it: its absence ends nothing.
func TestAbsenceOfWhatTheBankSpokeOf(t *testing.T) {
	t.Parallel()
	offer := func(r *journal.Draft) { r.Offer, r.Expires = true, start.Add(5*time.Minute) }
	for name, c := range map[string]struct {
		rules journal.Rules
		draft func(*journal.Draft)
		send  error
		news  bankrail.Receipt
	}{
		"refused, then another amount":     {news: said(bankrail.Succeeded, 99), send: refused},
		"unknown, then another amount":     {journal.Rules{Dedupe: journal.DedupeSucceeded, Horizon: 24 * time.Hour}, nil, errAway, said(bankrail.Succeeded, 99)},
		"unknown, then no amount":          {journal.Rules{Dedupe: journal.DedupeSucceeded, Horizon: 24 * time.Hour}, nil, errAway, said(bankrail.Succeeded, 0)},
		"an offer that was taken up":       {journal.Rules{Expiry: true}, offer, errAway, said(bankrail.Succeeded, 0)},
		"an offer that is being taken up":  {journal.Rules{Expiry: true}, offer, errAway, said(bankrail.Processing, 0)},
		"an offer, taken up in other coin": {journal.Rules{Expiry: true}, offer, errAway, said(bankrail.Succeeded, 99)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, c.rules)
			d.send = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, c.send }
			if c.draft == nil {
				c.draft = func(*journal.Draft) {}
			}
			_, err := d.create("R1", c.draft)
			require.NoError(t, err)
			d.hear(c.news)
			d.work(400)
			require.Equal(t, bankrail.Manual, d.entry("R1").Status)
			require.Len(t, d.sends, 1)
		})
	}
}

// A copy that would arrive when the bank has forgotten the number does not leave.
func TestNoCopyArrivesPastTheHorizon(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		horizon time.Duration
		sends   int
	}{
		"just enough": {21*time.Minute + 31*time.Second, 2},
		"too late":    {21*time.Minute + 30*time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll, Horizon: c.horizon})
			_, err := d.create("R1")
			require.NoError(t, err)
			d.work(60)
			require.Len(t, d.sends, c.sends)
		})
	}
}
