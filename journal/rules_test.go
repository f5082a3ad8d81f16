package journal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/storetest"
)

// desk is a book over a memory store with a driver that says what the test wants.
type desk struct {
	t     *testing.T
	clock *sandbox.ManualClock
	store *memstore.Store
	book  *journal.Book

	mu     sync.Mutex
	rules  journal.Rules
	sends  []string
	asks   int
	send   func(n int) (bankrail.Receipt, error)
	query  func(n int) (bankrail.Receipt, error)
	alarms []journal.Alarm
	notice int
}

var (
	_        journal.Driver = (*desk)(nil)
	testCh                  = bankrail.Channel{Gateway: "bank", Merchant: "M1"}
	errAway                 = errors.New("no answer")
	notFound                = &bankrail.Error{Code: "REFUND_NOT_EXIST", Err: bankrail.ErrNotFound}
	refused                 = &bankrail.Error{Code: "NO", Effect: bankrail.Refused}
)

func newDesk(t *testing.T, rules journal.Rules) *desk {
	t.Helper()
	d := &desk{t: t, rules: rules, clock: sandbox.NewClock(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC))}
	d.store = memstore.New(memstore.Config{Now: d.clock.Now})
	d.book = journal.New(d.store, journal.Config{
		Now: d.clock.Now, AllowVolatile: true,
		Alarm: func(_ context.Context, a journal.Alarm) { d.alarms = append(d.alarms, a) },
	})
	d.send = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, errAway }
	d.query = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, notFound }
	return d
}

func (d *desk) Op() bankrail.Op           { return bankrail.OpRefund }
func (d *desk) Channel() bankrail.Channel { return testCh }
func (d *desk) Rules(context.Context, bankrail.Channel) (journal.Rules, error) {
	return d.rules, nil
}

func (d *desk) Send(_ context.Context, e journal.Entry, secrets []byte) (journal.Answer, error) {
	d.mu.Lock()
	d.sends = append(d.sends, string(e.Data)+string(secrets))
	n := len(d.sends)
	d.mu.Unlock()
	r, err := d.send(n)
	return journal.Answer{Receipt: r}, err
}

func (d *desk) Query(context.Context, journal.Entry) (bankrail.Receipt, error) {
	d.mu.Lock()
	d.asks++
	n := d.asks
	d.mu.Unlock()
	return d.query(n)
}

func numbered(n string) bankrail.ID {
	return bankrail.ID{Channel: testCh, Op: bankrail.OpRefund, Number: n}
}

func (d *desk) create(n string, change ...func(*journal.Draft)) (journal.Entry, error) {
	draft := journal.Draft{
		Order: "O1", Amount: bankrail.CNY(100), Data: []byte(`{"n":"` + n + `"}`),
		Hold: journal.Hold{Limit: bankrail.CNY(150)},
	}
	for _, f := range change {
		f(&draft)
	}
	return d.book.Create(context.Background(), numbered(n), journal.NewFingerprint(n), d, func(context.Context) (journal.Draft, error) {
		return draft, nil
	})
}

func (d *desk) entry(n string) journal.Entry {
	e, err := d.book.Get(context.Background(), numbered(n))
	require.NoError(d.t, err)
	return e
}

func said(s bankrail.Status, fen int64) bankrail.Receipt {
	r := bankrail.Receipt{Number: "R1", Status: s}
	if fen != 0 {
		r.Amount = bankrail.CNY(fen)
	}
	return r
}

// hear delivers a notice of its own number.
func (d *desk) hear(r bankrail.Receipt, change ...func(*journal.Notice)) {
	d.notice++
	n := journal.Notice{
		Channel: testCh, ID: fmt.Sprintf("N%d", d.notice), Digest: [32]byte{byte(d.notice)}, At: d.clock.Now(),
		News: []journal.News{{Op: bankrail.OpRefund, Receipt: r}},
	}
	for _, f := range change {
		f(&n)
	}
	require.NoError(d.t, d.book.Receive(context.Background(), n))
}

// work moves the clock by whole minutes and looks at each.
func (d *desk) work(minutes int) {
	for range minutes {
		d.clock.Advance(time.Minute)
		_, err := d.book.Work(context.Background(), d, 100, 1)
		require.NoError(d.t, err)
	}
}

func (d *desk) held() bankrail.Money {
	b, err := d.store.Budget(context.Background(), testCh, "O1")
	require.NoError(d.t, err)
	return b.Held
}

func (d *desk) anomalies() []journal.AnomalyKind {
	as, _, err := d.store.Anomalies(context.Background(), "", 100)
	require.NoError(d.t, err)
	var ks []journal.AnomalyKind
	for _, a := range as {
		ks = append(ks, a.Kind)
	}
	return ks
}

func TestNewsOfANumberNeverSentStopsIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.hear(said(bankrail.Succeeded, 100))
	e, err := d.create("R1")
	require.NoError(t, err, "open: somebody moved money under this number")
	require.Equal(t, bankrail.Manual, e.Status)
	require.Equal(t, journal.CauseEarly, e.Cause)
	require.Empty(t, d.sends)
	require.Equal(t, bankrail.CNY(100), d.held(), "the amount stays reserved")
	require.Len(t, d.alarms, 1)

	require.NoError(t, d.book.Sweep(context.Background()))
	d.hear(said(bankrail.Succeeded, 100))
	d.work(60)
	require.Equal(t, bankrail.Manual, d.entry("R1").Status, "only a person ends it")
	require.Empty(t, d.sends)
	ps, err := d.store.Pending(context.Background(), journal.PendingQuery{})
	require.NoError(t, err)
	require.Empty(t, ps, "the news is matched")
}

// Whatever keeps such a number from being recorded, no error may say that nothing
// moved under it.
func TestNewsOfANumberThatIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.hear(said(bankrail.Succeeded, 100))
	d.hear(bankrail.Receipt{Number: "R2", Status: bankrail.Succeeded, Amount: bankrail.CNY(100)})
	_, err := d.create("R1", func(r *journal.Draft) { r.Amount = bankrail.CNY(0) })
	require.ErrorIs(t, err, bankrail.ErrUnavailable, "do not take another number")
	require.ErrorIs(t, err, bankrail.ErrInvalid)

	_, err = d.create("R1")
	require.NoError(t, err)
	e, err := d.create("R2")
	require.NoError(t, err, "over budget, and yet the money moved")
	require.Equal(t, bankrail.Manual, e.Status)
	require.Equal(t, bankrail.CNY(200), d.held(), "of 150 paid")
	require.Empty(t, d.sends)
}

func TestNewsOfAQueuedNumberStopsIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1", func(r *journal.Draft) { r.Queue = true })
	require.NoError(t, err)
	d.hear(said(bankrail.Processing, 100))
	d.work(5)
	require.Equal(t, bankrail.Manual, d.entry("R1").Status)
	require.Empty(t, d.sends)
	require.Contains(t, d.anomalies(), journal.AnomalyEarly)
}

func TestUnmatchedNewsIsAnAnomalyAfterADayOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.hear(said(bankrail.Succeeded, 100))
	d.clock.Advance(23 * time.Hour)
	require.NoError(t, d.book.Sweep(context.Background()))
	require.Empty(t, d.anomalies())
	d.clock.Advance(2 * time.Hour)
	for range 3 {
		require.NoError(t, d.book.Sweep(context.Background()))
	}
	require.Equal(t, []journal.AnomalyKind{journal.AnomalyUnmatched}, d.anomalies())
	require.Len(t, d.alarms, 1)
	e, err := d.create("R1")
	require.NoError(t, err)
	require.Equal(t, bankrail.Manual, e.Status, "reported news still stops the number")
}

func TestCancel(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	ctx := context.Background()
	_, err := d.book.Cancel(ctx, numbered("R0"), "ann", "typo")
	require.ErrorIs(t, err, bankrail.ErrNotFound)
	_, err = d.create("R1", func(r *journal.Draft) { r.Queue = true })
	require.NoError(t, err)
	e, err := d.book.Cancel(ctx, numbered("R1"), "ann", "typo")
	require.NoError(t, err)
	require.Equal(t, bankrail.Failed, e.Status)
	require.True(t, d.held().IsZero())
	_, err = d.book.Cancel(ctx, numbered("R1"), "ann", "typo")
	require.NoError(t, err, "cancelling again changes nothing")
	d.work(10)
	require.Empty(t, d.sends)
	_, err = d.create("R1")
	require.ErrorIs(t, err, bankrail.ErrFailed)
	require.Equal(t, bankrail.NotSent, bankrail.EffectOf(err))

	_, err = d.create("R2")
	require.NoError(t, err)
	_, err = d.book.Cancel(ctx, numbered("R2"), "ann", "typo")
	require.ErrorIs(t, err, journal.ErrSent)
}

func TestStaleNewsAsksInsteadOfConcluding(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	d.hear(said(bankrail.Succeeded, 100), func(n *journal.Notice) { n.Stale = true })
	require.Equal(t, bankrail.Processing, d.entry("R1").Status)
	_, err = d.book.Work(context.Background(), d, 10, 1)
	require.NoError(t, err)
	require.Equal(t, 1, d.asks, "asked at once, without waiting for the schedule")
}

func TestAcceptanceAfterARefusalIsAContradiction(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll})
	d.send = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, refused }
	_, err := d.create("R1")
	require.ErrorIs(t, err, bankrail.ErrFailed)
	d.hear(said(bankrail.Processing, 100))
	require.Equal(t, bankrail.Failed, d.entry("R1").Status)
	require.Equal(t, []journal.AnomalyKind{journal.AnomalyContradiction}, d.anomalies())
}

func TestStaleNewsOfAFinalEntryNeedsAPerson(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.send = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 100), nil }
	_, err := d.create("R1")
	require.NoError(t, err)
	stale := func(n *journal.Notice) { n.Stale = true }
	d.hear(said(bankrail.Succeeded, 100), stale)
	require.Empty(t, d.anomalies(), "it says what is known")
	d.hear(said(bankrail.Reversed, 100), stale)
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status, "perhaps a recording")
	require.Equal(t, []journal.AnomalyKind{journal.AnomalyStale}, d.anomalies())
	require.Len(t, d.alarms, 1)
	d.hear(said(bankrail.Reversed, 100))
	require.Equal(t, bankrail.Reversed, d.entry("R1").Status)
}

func TestRepeatedNoticeChangesNothingAndReusedOneAsks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	same := func(n *journal.Notice) { n.ID, n.Digest = "N", [32]byte{1} }
	d.hear(said(bankrail.Processing, 100), same)
	before := d.entry("R1")
	d.hear(said(bankrail.Processing, 100), same)
	require.Equal(t, before, d.entry("R1"))
	d.hear(said(bankrail.Succeeded, 100), same, func(n *journal.Notice) { n.Digest = [32]byte{2} })
	require.Equal(t, bankrail.Processing, d.entry("R1").Status, "one number for two contents concludes nothing")
	require.Contains(t, d.anomalies(), journal.AnomalyReused)
	require.Equal(t, d.clock.Now(), d.entry("R1").NextAt)
}

func TestUnknownOutcomeIsAskedFiveTimesThenManual(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll, Horizon: time.Hour, Visible: 24 * time.Hour})
	_, err := d.create("R1")
	require.NoError(t, err)
	start := d.clock.Now()
	var at []int
	d.query = func(int) (bankrail.Receipt, error) {
		at = append(at, int(d.clock.Now().Sub(start).Minutes()))
		return bankrail.Receipt{}, notFound
	}
	d.work(116)
	require.Equal(t, []int{1, 6, 21, 51, 111}, at)
	require.Equal(t, bankrail.Manual, d.entry("R1").Status)
	require.Equal(t, journal.CauseTries, d.entry("R1").Cause)
	require.Equal(t, journal.AlarmManual, d.alarms[0].Kind)
	require.Equal(t, bankrail.CNY(100), d.held())
	d.work(600)
	require.Len(t, at, 5, "a Manual entry is left alone")

	d.hear(said(bankrail.Succeeded, 100))
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status, "verified news ends a Manual that no word contradicts")
}

func TestUnansweredQueriesSpendNoTry(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	d.query = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, errAway }
	d.work(600)
	require.Equal(t, bankrail.Processing, d.entry("R1").Status)
	require.Zero(t, d.entry("R1").Tries)
	require.InDelta(t, 120, d.asks, 15, "every five minutes, no hot loop")
	require.Len(t, d.alarms, 1, "and a person hears of it after an hour")
	require.Equal(t, journal.AlarmUnanswered, d.alarms[0].Kind)
}

func TestAcceptedIsAskedUntilTheSettlementTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Settles: 48 * time.Hour})
	d.send = func(int) (bankrail.Receipt, error) { return said(bankrail.Processing, 100), nil }
	d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Processing, 100), nil }
	_, err := d.create("R1")
	require.NoError(t, err)
	for range 47 {
		d.work(60)
		d.hear(said(bankrail.Processing, 100)) // does not restart anything
	}
	require.Equal(t, bankrail.Processing, d.entry("R1").Status)
	require.Zero(t, d.entry("R1").Tries)
	require.Less(t, d.asks, 60)
	d.work(62)
	require.Equal(t, bankrail.Manual, d.entry("R1").Status)
	require.Equal(t, journal.CauseOverdue, d.entry("R1").Cause)
}

func TestSendsAgainWithTheSameContentAtMostSixTimes(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll, Horizon: 1000 * time.Hour})
	tries := make([]time.Duration, 20)
	for i := range tries {
		tries[i] = 15 * time.Minute
	}
	d.book = journal.New(d.store, journal.Config{Now: d.clock.Now, AllowVolatile: true, Tries: tries, Alarm: func(context.Context, journal.Alarm) {}})
	_, err := d.create("R1")
	require.NoError(t, err)
	d.work(15 * 25)
	require.Len(t, d.sends, journal.MaxSends)
	for _, s := range d.sends {
		require.Equal(t, d.sends[0], s)
	}
	require.Equal(t, bankrail.Manual, d.entry("R1").Status)
}

func TestDoesNotSendAgainBeyondTheHorizonOrAfterAcceptance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules journal.Rules
		send  func(int) (bankrail.Receipt, error)
	}{
		"horizon over":           {rules: journal.Rules{Dedupe: journal.DedupeAll, Horizon: 5 * time.Minute}},
		"no horizon declared":    {rules: journal.Rules{Dedupe: journal.DedupeAll}},
		"numbers not recognised": {rules: journal.Rules{Horizon: 1000 * time.Hour}},
		"accepted before": {
			rules: journal.Rules{Dedupe: journal.DedupeAll, Horizon: 1000 * time.Hour},
			send:  func(int) (bankrail.Receipt, error) { return said(bankrail.Processing, 100), nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, c.rules)
			if c.send != nil {
				d.send = c.send
			}
			_, err := d.create("R1")
			require.NoError(t, err)
			d.work(200)
			require.Len(t, d.sends, 1)
			require.Equal(t, bankrail.Manual, d.entry("R1").Status)
		})
	}
}

func TestFailureNewsAfterTwoCopies(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeSucceeded, Horizon: time.Hour})
	_, err := d.create("R1")
	require.NoError(t, err)
	d.work(21)
	require.Len(t, d.sends, 2)
	d.hear(said(bankrail.Failed, 0))
	require.Equal(t, bankrail.Processing, d.entry("R1").Status, "the second copy may be executed anew")
	d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Failed, 0), nil }
	d.work(1)
	require.Equal(t, bankrail.Processing, d.entry("R1").Status, "asked while a copy may live")
	d.work(60)
	require.Equal(t, bankrail.Failed, d.entry("R1").Status, "asked when none could")
	require.True(t, d.held().IsZero())
}

func TestContradictionsAreAnomaliesAndChangeNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.send = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 100), nil }
	e, err := d.create("R1")
	require.NoError(t, err)
	require.Equal(t, bankrail.Succeeded, e.Status)
	d.hear(said(bankrail.Failed, 0))
	require.Equal(t, []journal.AnomalyKind{journal.AnomalyContradiction}, d.anomalies())
	d.hear(said(bankrail.Succeeded, 99))
	require.Contains(t, d.anomalies(), journal.AnomalyAmount)
	d.hear(said(bankrail.Processing, 100))
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)

	d.hear(said(bankrail.Reversed, 0))
	require.Equal(t, bankrail.Reversed, d.entry("R1").Status)
	require.True(t, d.held().IsZero(), "released once")
	d.hear(said(bankrail.Succeeded, 100))
	require.Equal(t, bankrail.Reversed, d.entry("R1").Status, "a late redelivery of the success")
	require.True(t, d.held().IsZero())
	_, err = d.create("R1")
	require.NoError(t, err, "Reversed is no error: money moved and came back")
}

func TestSuccessWithoutAnAmountOnlyAsks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.send = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 0), nil }
	e, err := d.create("R1")
	require.NoError(t, err)
	require.Equal(t, bankrail.Processing, e.Status)
	d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 100), nil }
	_, err = d.book.Work(context.Background(), d, 10, 1)
	require.NoError(t, err)
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)
}

func TestAnotherAmountToTheEndIsAContradiction(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.send = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 99), nil }
	d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 99), nil }
	e, err := d.create("R1")
	require.NoError(t, err)
	require.Equal(t, bankrail.Processing, e.Status, "open")
	d.work(200)
	require.Equal(t, journal.CauseContradiction, d.entry("R1").Cause)
	d.hear(said(bankrail.Succeeded, 100))
	require.Equal(t, bankrail.Manual, d.entry("R1").Status, "only a person ends a contradiction")
}

func TestBudgetIsReleasedOnceAndHoldsConcurrentRefunds(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll})
	_, err := d.create("R1")
	require.NoError(t, err)
	_, err = d.create("R2")
	require.ErrorIs(t, err, bankrail.ErrBudget)
	d.hear(said(bankrail.Failed, 0))
	require.True(t, d.held().IsZero())
	_, err = d.create("R2")
	require.ErrorIs(t, err, bankrail.ErrFailed, "an error was told for it: never under this number")
	_, err = d.create("R3")
	require.NoError(t, err)
	require.Equal(t, bankrail.CNY(100), d.held())
}

func TestTwoServicesOverOneStoreKeepTheirOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	d.clock.Advance(time.Hour)
	stranger := &elsewhere{desk: newDesk(t, journal.Rules{})}
	n, err := d.book.Work(context.Background(), stranger, 10, 1)
	require.NoError(t, err)
	require.Zero(t, n)
}

type elsewhere struct{ *desk }

func (elsewhere) Channel() bankrail.Channel { return bankrail.Channel{Gateway: "bank", Merchant: "M2"} }

func TestSecretsAreSealedAndBoundToTheirEntry(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	secret := func(r *journal.Draft) { r.Secrets = []byte("pw") }
	_, err := d.create("R1", secret)
	require.ErrorIs(t, err, bankrail.ErrInvalid, "no Sealer, no record")
	d.book = journal.New(d.store, journal.Config{Now: d.clock.Now, AllowVolatile: true, Sealer: xor{}})
	_, err = d.create("R1", secret)
	require.NoError(t, err)
	require.NotContains(t, string(d.entry("R1").Sealed), "pw")
	require.Equal(t, `{"n":"R1"}pw`, d.sends[0])
}

func TestNodeWithoutTheSealerLeavesSecretsToAnother(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	able := journal.New(d.store, journal.Config{Now: d.clock.Now, AllowVolatile: true, Sealer: xor{}})
	unable := d.book
	d.book = able
	_, err := d.create("R1", func(r *journal.Draft) { r.Secrets, r.Queue = []byte("pw"), true })
	require.NoError(t, err)
	d.book = unable
	d.work(5)
	require.Equal(t, bankrail.Created, d.entry("R1").Status)
	require.Empty(t, d.sends)
	d.book = able
	d.work(5)
	require.Equal(t, []string{`{"n":"R1"}pw`}, d.sends)
}

// xor is no cipher; it shows what a Sealer is given.
type xor struct{}

func (xor) Seal(plain, aad []byte) ([]byte, error) {
	out := append([]byte(nil), plain...)
	for i := range out {
		out[i] ^= aad[i%len(aad)]
	}
	return out, nil
}
func (x xor) Open(sealed, aad []byte) ([]byte, error) { return x.Seal(sealed, aad) }

func TestVolatileStoreIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.book = journal.New(d.store, journal.Config{Now: d.clock.Now})
	_, err := d.create("R1")
	require.ErrorIs(t, err, bankrail.ErrInvalid)
	require.Empty(t, d.sends)
}

func TestAmountMustBePositive(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	for _, m := range []bankrail.Money{{}, bankrail.CNY(0), bankrail.CNY(-1)} {
		_, err := d.create("R1", func(r *journal.Draft) { r.Amount = m })
		var fe *bankrail.FieldError
		require.ErrorAs(t, err, &fe)
		require.Equal(t, "amount", fe.Field)
	}
}

func TestLostScheduleIsFoundBySweep(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	e := d.entry("R1")
	e.NextAt = d.clock.Now().Add(1000 * time.Hour) // the store's clock was a month ahead
	require.NoError(t, d.store.Apply(context.Background(), journal.Batch{Changes: []journal.Change{{Entry: e, From: e.Status, At: d.clock.Now()}}}))
	d.work(10)
	require.Zero(t, d.asks)
	require.NoError(t, d.book.Sweep(context.Background()))
	d.work(1)
	require.Equal(t, 1, d.asks)
}

func TestLateSuccessInAnotherCurrencyIsShownAndAcknowledged(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll})
	d.send = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, refused }
	_, err := d.create("R1")
	require.ErrorIs(t, err, bankrail.ErrFailed)
	usd, err := bankrail.NewMoney(100, "USD")
	require.NoError(t, err)
	d.hear(bankrail.Receipt{Number: "R1", Status: bankrail.Succeeded, Amount: usd})
	require.Equal(t, []journal.AnomalyKind{journal.AnomalyLateSuccess}, d.anomalies())
	require.True(t, d.held().IsZero())
}

func TestRefusalAfterAcceptanceDecidesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll})
	d.send = func(int) (bankrail.Receipt, error) {
		d.hear(said(bankrail.Processing, 100)) // before the answer
		return bankrail.Receipt{}, refused
	}
	e, err := d.create("R1")
	require.NoError(t, err)
	require.Equal(t, bankrail.Processing, e.Status)
	require.Contains(t, d.anomalies(), journal.AnomalyContradiction)
}

// Only an insert or a won compare-and-swap may send.
func TestNothingLeavesWithoutAWonCompareAndSwap(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]storetest.Fault{
		"not committed": storetest.ApplyNotCommitted, "cut and lost": storetest.ApplyCutLost, "cut and committed": storetest.ApplyCutCommitted,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, journal.Rules{})
			_, err := d.create("R1", func(r *journal.Draft) { r.Queue = true })
			require.NoError(t, err)
			cut := storetest.NewFaulty(d.store)
			cut.Next(fault, 1)
			d.book = journal.New(cut, journal.Config{Now: d.clock.Now, AllowVolatile: true})
			d.clock.Advance(time.Second)
			_, err = d.book.Work(context.Background(), d, 10, 1)
			require.NoError(t, err)
			require.Empty(t, d.sends)
		})
	}
}

// A gateway that says "later" and then cannot be reached for long must not use up the
// copies that may ever leave.
func TestCopiesThatDidNotLeaveAreNotCounted(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll, Horizon: 24 * time.Hour})
	d.send = func(n int) (bankrail.Receipt, error) {
		switch {
		case n == 1:
			return bankrail.Receipt{}, &bankrail.Error{Code: "BUSY", Effect: bankrail.Refused, Deferred: true}
		case n < 20:
			return bankrail.Receipt{}, &bankrail.Error{Effect: bankrail.NotSent, Err: errAway}
		}
		return said(bankrail.Succeeded, 100), nil
	}
	_, err := d.create("R1", func(r *journal.Draft) { r.SendWithin = time.Hour })
	require.NoError(t, err)
	for range 30 {
		d.work(1)
		require.LessOrEqual(t, d.entry("R1").Sends, journal.MaxSends)
	}
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)
	require.Equal(t, 2, d.entry("R1").Sends)
}

// An entry that is Manual for want of answers, and of which the gateway then says
// another amount, waits for a person because of that.
func TestAnotherAmountOfAManualEntryIsAContradiction(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	d.work(120)
	require.Equal(t, journal.CauseTries, d.entry("R1").Cause)
	d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 50), nil }
	d.hear(said(bankrail.Succeeded, 50))
	require.Equal(t, journal.CauseTries, d.entry("R1").Cause, "one message may be wrong at its source: the gateway is asked")
	d.work(1)
	require.Equal(t, bankrail.Manual, d.entry("R1").Status)
	require.Equal(t, journal.CauseContradiction, d.entry("R1").Cause)
	require.True(t, d.entry("R1").NextAt.IsZero())
}

// slow is a store that takes its time to say that a change was committed.
type slow struct {
	journal.Store
	after func(journal.Batch)
}

func (s *slow) Apply(ctx context.Context, b journal.Batch) error {
	err := s.Store.Apply(ctx, b)
	s.after(b)
	return err
}

// A node that stands still between the answer of a query and the copy it allows must
// not send when the gateway may have forgotten the number.
func TestNothingIsSentAgainPastTheHorizon(t *testing.T) {
	t.Parallel()
	for _, stall := range []time.Duration{0, 10 * time.Minute} {
		d := newDesk(t, journal.Rules{Dedupe: journal.DedupeAll, Horizon: 20 * time.Minute, Visible: time.Minute})
		d.book = journal.New(&slow{d.store, func(b journal.Batch) {
			for _, c := range b.Changes {
				if c.Entry.Tries == 2 && c.Source == journal.SourceQuery {
					d.clock.Advance(stall)
				}
			}
		}}, journal.Config{
			Now: d.clock.Now, AllowVolatile: true, Tries: []time.Duration{time.Minute, 12 * time.Minute, time.Hour, time.Hour},
			Alarm: func(context.Context, journal.Alarm) {},
		})
		_, err := d.create("R1")
		require.NoError(t, err)
		d.work(14)
		want := 2
		if stall > 0 {
			want = 1
		}
		require.Len(t, d.sends, want, "after a stall of %s", stall)
		require.Equal(t, bankrail.Processing, d.entry("R1").Status)
	}
}

// A bounce may come first and name no amount. If the bank later names another than was
// asked for, somebody has to see it, although the money is back.
func TestAmountOfABounceThatNamedNone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	d.hear(said(bankrail.Reversed, 0))
	require.Equal(t, bankrail.Reversed, d.entry("R1").Status)
	before := d.entry("R1")
	d.hear(said(bankrail.Succeeded, 100))
	require.Empty(t, d.anomalies(), "overtaken by the bounce")
	d.hear(said(bankrail.Succeeded, 50))
	require.Equal(t, []journal.AnomalyKind{journal.AnomalyAmount}, d.anomalies())
	require.Equal(t, before, d.entry("R1"))
}

// News that contradicts itself has the gateway asked at once, again and again, while its
// books are behind. That must not use up the tries of what it accepted.
func TestNotFoundOfAnAcceptedEntrySpendsNoTryBeforeTheGrace(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.send = func(int) (bankrail.Receipt, error) { return said(bankrail.Processing, 0), nil }
	_, err := d.create("R1")
	require.NoError(t, err)
	for range 8 {
		d.hear(said(bankrail.Succeeded, 0)) // without an amount: ask
		_, err := d.book.Work(t.Context(), d, 10, 1)
		require.NoError(t, err)
	}
	require.Equal(t, 8, d.asks)
	require.Equal(t, bankrail.Processing, d.entry("R1").Status)
	require.Zero(t, d.entry("R1").Tries)
	d.work(5 * 60)
	require.Equal(t, bankrail.Manual, d.entry("R1").Status, "but not for ever")
}
