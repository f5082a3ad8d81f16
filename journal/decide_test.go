package journal_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
)

// start is when every desk opens.
var start = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

// stuck leaves R1 Manual: sent once, not found to the end, at a bank that recognises
// no numbers.
func stuck(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	d.work(130)
	require.Equal(t, bankrail.Manual, d.entry("R1").Status)
	require.Equal(t, journal.CauseTries, d.entry("R1").Cause)
	return d
}

// verdict is a well-formed decision of failure; change makes it another.
func (d *desk) verdict(change ...func(*journal.Decision)) journal.Decision {
	c := journal.Decision{
		Version: d.entry("R1").Version, Status: bankrail.Failed, Proof: journal.ProofRecord,
		Reference: "case 7", By: "alice", Why: "the bank closed it",
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func (d *desk) decide(change ...func(*journal.Decision)) (journal.Entry, error) {
	return d.book.Decide(context.Background(), d, numbered("R1"), d.verdict(change...))
}

func by(who string) func(*journal.Decision) { return func(c *journal.Decision) { c.By = who } }

func succeeded(amount bankrail.Money) func(*journal.Decision) {
	return func(c *journal.Decision) { c.Status, c.Amount = bankrail.Succeeded, amount }
}

func absent(c *journal.Decision) { c.Proof = journal.ProofAbsent }

func through(day time.Time) func(*journal.Decision) {
	return func(c *journal.Decision) { c.Proof, c.CompleteThrough = journal.ProofStatement, day }
}

func (d *desk) last(t *testing.T) journal.Step {
	t.Helper()
	steps, err := d.store.History(t.Context(), numbered("R1"))
	require.NoError(t, err)
	return steps[len(steps)-1]
}

func (d *desk) eventTypes(t *testing.T) (types []journal.EventType) {
	t.Helper()
	for {
		events, err := d.store.TakeEvents(t.Context(), time.Minute, 100)
		require.NoError(t, err)
		if len(events) == 0 {
			return types
		}
		for _, e := range events {
			types = append(types, e.Type)
			require.NoError(t, d.store.Published(t.Context(), e.ID))
		}
	}
}

func TestPersonDecidesFailure(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	c := d.verdict(func(c *journal.Decision) { c.Evidence = [32]byte{7} })
	e, err := d.book.Decide(t.Context(), d, numbered("R1"), c)
	require.NoError(t, err)
	require.Equal(t, bankrail.Failed, e.Status)
	require.Equal(t, journal.CauseDecided, e.Cause)
	require.Equal(t, e, d.entry("R1"))
	require.True(t, d.held().IsZero(), "released")
	step := d.last(t)
	require.Equal(t, journal.SourceOperator, step.Source)
	require.Equal(t, [32]byte{7}, step.Evidence)
	require.Equal(t, `decided failed by alice, on record "case 7": the bank closed it`, step.Note)
	require.Equal(t, []journal.EventType{journal.EventProcessing, journal.EventManual, journal.EventFailed}, d.eventTypes(t))

	again, err := d.book.Decide(t.Context(), d, numbered("R1"), c)
	require.NoError(t, err, "the same decision again")
	require.Equal(t, e, again)
	c.Reference = "case 8"
	_, err = d.book.Decide(t.Context(), d, numbered("R1"), c)
	var refused *journal.DecisionError
	require.ErrorAs(t, err, &refused, "another decision of a final entry")
	require.ErrorIs(t, err, bankrail.ErrForbidden)
	require.Equal(t, e, d.entry("R1"))

	_, err = d.create("R1")
	require.ErrorIs(t, err, bankrail.ErrFailed, "the repeat of the number")
	require.ErrorContains(t, err, "the bank closed it")
	_, err = d.create("R2", func(dr *journal.Draft) { dr.Amount = bankrail.CNY(150) })
	require.NoError(t, err, "the whole order can be refunded again")
}

func TestPersonDecidesSuccess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  []func(*journal.Decision)
		settled int64
		refused string
	}{
		"the amount asked for":            {settled: 100},
		"by a statement":                  {change: []func(*journal.Decision){func(c *journal.Decision) { c.Proof = journal.ProofStatement }}, settled: 100},
		"less, by the bank's record":      {change: []func(*journal.Decision){succeeded(bankrail.CNY(60))}, settled: 60},
		"more than the order, by record":  {change: []func(*journal.Decision){succeeded(bankrail.CNY(999))}, settled: 999},
		"less, by a statement":            {change: []func(*journal.Decision){succeeded(bankrail.CNY(60)), func(c *journal.Decision) { c.Proof = journal.ProofStatement }}, refused: "the bank's own record"},
		"in another currency than budget": {change: []func(*journal.Decision){succeeded(jpy(60))}, refused: "another currency"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := stuck(t)
			before := d.entry("R1")
			e, err := d.decide(append([]func(*journal.Decision){succeeded(bankrail.Money{})}, c.change...)...)
			if c.refused != "" {
				require.ErrorContains(t, err, c.refused)
				require.Equal(t, before, d.entry("R1"))
				return
			}
			require.NoError(t, err)
			require.Equal(t, bankrail.Succeeded, e.Status)
			require.Equal(t, journal.CauseDecided, e.Cause)
			require.Equal(t, bankrail.CNY(c.settled), e.Settled)
			require.Equal(t, bankrail.CNY(100), e.Amount, "what was asked stays on record")
			require.Equal(t, bankrail.CNY(c.settled), d.held(), "charged what moved")
			require.Empty(t, e.Message)
			_, err = d.create("R1")
			require.NoError(t, err)
		})
	}
}

func jpy(minor int64) bankrail.Money {
	m, err := bankrail.NewMoney(minor, "JPY")
	if err != nil {
		panic(err)
	}
	return m
}

// TestAbsenceCountsOnlyWhenAskedLateEnough: a copy may live, and be invisible, until
// the send-by time, the call's deadline and Rules.Visible are over.
func TestAbsenceCountsOnlyWhenAskedLateEnough(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{Visible: 5 * time.Hour})
	_, err := d.create("R1")
	require.NoError(t, err)
	d.work(130)
	e := d.entry("R1")
	require.Equal(t, bankrail.Manual, e.Status)
	require.False(t, e.AbsentAt.IsZero())
	counts := start.Add(10*time.Second + 20*time.Second + 5*time.Hour)

	_, err = d.decide(absent)
	var refused *journal.DecisionError
	require.ErrorAs(t, err, &refused)
	require.True(t, counts.Equal(refused.From), refused.From)
	require.ErrorContains(t, err, "too early")

	d.clock.Advance(counts.Sub(d.clock.Now()) - time.Millisecond)
	_, err = d.book.Ask(t.Context(), d, numbered("R1"))
	require.NoError(t, err)
	_, err = d.decide(absent)
	require.ErrorAs(t, err, &refused, "one millisecond too early")

	d.clock.Advance(time.Hour)
	_, err = d.decide(absent)
	require.ErrorAs(t, err, &refused, "time passed, but nobody asked since")

	e, err = d.book.Ask(t.Context(), d, numbered("R1"))
	require.NoError(t, err)
	require.Equal(t, bankrail.Manual, e.Status)
	require.Equal(t, d.clock.Now(), e.AbsentAt)
	require.Len(t, d.sends, 1, "asking sends nothing")
	e, err = d.decide(absent)
	require.NoError(t, err)
	require.Equal(t, bankrail.Failed, e.Status)
}

// TestAbsenceProvesNothingOfANumberTheBankKnew: its record is needed.
func TestAbsenceProvesNothingOfANumberTheBankKnew(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*desk){
		"it accepted it": func(d *desk) {
			d.hear(said(bankrail.Processing, 100))
		},
		"it named no amount": func(d *desk) {
			d.hear(said(bankrail.Succeeded, 0))
		},
		"it named another amount": func(d *desk) {
			d.hear(said(bankrail.Succeeded, 99))
		},
		"it failed one of several copies": func(d *desk) {
			d.rules.Dedupe, d.rules.Horizon = journal.DedupeSucceeded, 24*time.Hour
			d.work(30)
			require.Greater(d.t, len(d.sends), 1)
			d.hear(said(bankrail.Failed, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, journal.Rules{})
			_, err := d.create("R1")
			require.NoError(t, err)
			prepare(d)
			d.work(5 * 24 * 60)
			require.Equal(t, bankrail.Manual, d.entry("R1").Status)
			_, err = d.book.Ask(t.Context(), d, numbered("R1"))
			require.NoError(t, err)
			_, err = d.decide(absent)
			var refused *journal.DecisionError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, "has known the number")
			require.Zero(t, refused.From, "time does not help")
			_, err = d.decide()
			require.NoError(t, err, "its record does")
		})
	}
}

// TestAbsenceInStatements: the last copy may be booked until the gateway's settlement
// time is over, and the statements must cover that day and the one after it.
func TestAbsenceInStatements(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("CST", 8*3600)
	d := stuck(t)
	day := func(d int) time.Time { return time.Date(2026, 11, d, 12, 0, 0, 0, zone) }
	// Sent on the 21st at 16:00 in China, settled within 72 hours: booked until the 24th.
	d.clock.Advance(3 * 24 * time.Hour)
	var refused *journal.DecisionError
	_, err := d.decide(through(day(25)))
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "is not over")
	require.True(t, time.Date(2026, 11, 26, 0, 0, 0, 0, zone).Equal(refused.From))
	d.clock.Advance(3 * 24 * time.Hour)
	_, err = d.decide(through(day(24)))
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "complete through 2026-11-25")
	_, err = d.decide(through(day(25)), func(c *journal.Decision) { c.CompleteThrough = c.CompleteThrough.In(time.Local) })
	require.ErrorIs(t, err, bankrail.ErrInvalid, "whose midnight?")
	e, err := d.decide(through(day(25)))
	require.NoError(t, err)
	require.Equal(t, bankrail.Failed, e.Status)
	require.Contains(t, d.last(t).Note, "complete through 2026-11-25 +08:00")
}

// TestStatementsOfANumberSomebodyElseSent: the journal never sent it, so the last day
// counts from the news of it; asking again does not put it off.
func TestStatementsOfANumberSomebodyElseSent(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	d.hear(said(bankrail.Succeeded, 100))
	_, err := d.create("R1")
	require.NoError(t, err)
	require.Equal(t, journal.CauseEarly, d.entry("R1").Cause)
	d.clock.Advance(10 * 24 * time.Hour)
	_, err = d.book.Ask(t.Context(), d, numbered("R1"))
	require.NoError(t, err)
	_, err = d.decide(absent)
	require.ErrorContains(t, err, "has known the number")
	_, err = d.decide(through(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)))
	require.ErrorContains(t, err, "complete through 2026-11-25")
	_, err = d.decide(through(time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)))
	require.NoError(t, err)
	require.Equal(t, bankrail.Failed, d.entry("R1").Status)
	require.True(t, d.held().IsZero())
}

func TestOfferThatNeverEndsNeedsARecord(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*journal.Decision){
		"absence": absent, "statements": through(time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, journal.Rules{})
			_, err := d.create("R1", func(dr *journal.Draft) { dr.Offer, dr.Expires = true, start.Add(time.Hour) })
			require.NoError(t, err)
			d.query = func(int) (bankrail.Receipt, error) { return said(0, 0), nil }
			d.work(200)
			d.query = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, notFound }
			require.Equal(t, bankrail.Manual, d.entry("R1").Status)
			d.clock.Advance(60 * 24 * time.Hour)
			_, err = d.book.Ask(t.Context(), d, numbered("R1"))
			require.NoError(t, err)
			_, err = d.decide(change)
			require.ErrorContains(t, err, "closed record")
			d.rules.Expiry = true
			_, err = d.decide(change)
			require.NoError(t, err)
		})
	}
}

func TestDecisionIsOfWhatWasSeen(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	c := d.verdict()
	d.hear(said(bankrail.Succeeded, 0)) // concludes nothing, but the person has not seen it
	_, err := d.book.Decide(t.Context(), d, numbered("R1"), c)
	require.ErrorIs(t, err, journal.ErrLost)
	require.Equal(t, bankrail.Manual, d.entry("R1").Status)

	d = stuck(t)
	c = d.verdict()
	d.hear(said(bankrail.Succeeded, 100))
	_, err = d.book.Decide(t.Context(), d, numbered("R1"), c)
	require.ErrorContains(t, err, "succeeded already")
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)
}

// TestNewsOfWhatWaitsForAPersonIsSeen: it concludes nothing, but nobody decides
// without it, and a worker asks once.
func TestNewsOfWhatWaitsForAPersonIsSeen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 99), nil }
	d.work(130)
	require.Equal(t, journal.CauseContradiction, d.entry("R1").Cause)
	c := d.verdict()
	d.hear(said(bankrail.Succeeded, 100))
	_, err = d.book.Decide(t.Context(), d, numbered("R1"), c)
	require.ErrorIs(t, err, journal.ErrLost)

	d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 100), nil }
	d.hear(said(bankrail.Succeeded, 100), func(n *journal.Notice) { n.Stale = true }) // wakes it
	asks := d.asks
	d.work(30)
	require.Equal(t, asks+1, d.asks)
	_, err = d.decide(succeeded(bankrail.Money{}))
	require.NoError(t, err)
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)
}

func TestNewsAgainstADecision(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	_, err := d.decide()
	require.NoError(t, err)
	d.hear(said(bankrail.Failed, 0))
	require.Empty(t, d.anomalies(), "the bank agrees")
	d.hear(said(bankrail.Succeeded, 100))
	require.Equal(t, []journal.AnomalyKind{journal.AnomalyLateSuccess}, d.anomalies())
	require.Equal(t, bankrail.Failed, d.entry("R1").Status)
	require.Equal(t, bankrail.CNY(100), d.held(), "the correction holds it")
	late, err := d.create("R1")
	require.NoError(t, err, "an error would say that no money moved")
	require.True(t, late.Op.IsCorrection())

	d = stuck(t)
	_, err = d.decide(succeeded(bankrail.Money{}))
	require.NoError(t, err)
	d.hear(said(bankrail.Failed, 0))
	require.Equal(t, []journal.AnomalyKind{journal.AnomalyContradiction}, d.anomalies())
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)
	d.hear(said(bankrail.Reversed, 100))
	require.Equal(t, bankrail.Reversed, d.entry("R1").Status)
	require.True(t, d.held().IsZero())
}

func TestMalformedDecisionNamesItsField(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	before := d.entry("R1")
	for field, change := range map[string]func(*journal.Decision){
		"Version":         func(c *journal.Decision) { c.Version = 0 },
		"Status":          func(c *journal.Decision) { c.Status = bankrail.Reversed },
		"Proof":           func(c *journal.Decision) { c.Proof = "hearsay" },
		"Proof ":          func(c *journal.Decision) { c.Status, c.Proof = bankrail.Succeeded, journal.ProofAbsent },
		"Amount":          func(c *journal.Decision) { c.Amount = bankrail.CNY(1) },
		"Amount ":         succeeded(bankrail.CNY(-1)),
		"CompleteThrough": func(c *journal.Decision) { c.Proof = journal.ProofStatement },
		"Reference":       func(c *journal.Decision) { c.Reference = "" },
		"Reference ":      func(c *journal.Decision) { c.Reference = strings.Repeat("银", 101) },
		"By":              by(" "),
		"By ":             by("alice\n"),
		"By  ":            by("al\u202eice"),
		"Why":             func(c *journal.Decision) { c.Why = "" },
		"Why ":            func(c *journal.Decision) { c.Why = "\xff" },
	} {
		_, err := d.decide(change)
		var bad *bankrail.FieldError
		require.ErrorAs(t, err, &bad, field)
		require.Equal(t, "Decision."+strings.TrimSpace(field), bad.Field)
		require.ErrorIs(t, err, bankrail.ErrInvalid)
	}
	_, err := d.book.Decide(t.Context(), elsewhere{d}, numbered("R1"), d.verdict())
	require.ErrorIs(t, err, bankrail.ErrInvalid, "a driver of another channel")
	_, err = d.book.Decide(t.Context(), d, numbered("R9"), d.verdict())
	require.ErrorIs(t, err, bankrail.ErrNotFound)
	_, err = d.decide(func(c *journal.Decision) { c.Reference = strings.Repeat("银", 100) })
	require.NoError(t, err, "the longest, in characters")
	require.NotEqual(t, before, d.entry("R1"))
}

func TestOnlyManualWaitsForAPerson(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	_, err := d.create("R1")
	require.NoError(t, err)
	_, err = d.decide()
	var refused *journal.DecisionError
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "it is processing")
}

// twoPersons is a desk whose decisions take two.
func twoPersons(t *testing.T) *desk {
	return twoPersonsOf(stuck(t))
}

func twoPersonsOf(d *desk) *desk {
	d.book = journal.New(d.store, journal.Config{
		Now: d.clock.Now, AllowVolatile: true,
		TwoPersons: func(e journal.Entry) bool { return e.Amount.Minor() >= 100 },
	})
	return d
}

func TestTwoPersons(t *testing.T) {
	t.Parallel()
	d := twoPersons(t)
	first := d.verdict()
	e, err := d.book.Decide(t.Context(), d, numbered("R1"), first)
	require.NoError(t, err)
	require.Equal(t, bankrail.Manual, e.Status)
	require.Equal(t, e, d.entry("R1"))
	require.Equal(t, "alice", e.Proposal.By)
	require.Equal(t, first.Version+1, e.Version)
	require.Equal(t, bankrail.CNY(100), d.held(), "still reserved")
	require.Equal(t, journal.SourceOperator, d.last(t).Source)

	again, err := d.book.Decide(t.Context(), d, numbered("R1"), first)
	require.NoError(t, err, "the same call again is not a second person")
	require.Equal(t, e, again)
	for _, who := range []string{"alice", "ALICE"} {
		_, err = d.decide(by(who))
		require.ErrorContains(t, err, "another person has to agree")
	}
	stale := first
	stale.By = "bob"
	_, err = d.book.Decide(t.Context(), d, numbered("R1"), stale)
	require.ErrorIs(t, err, journal.ErrLost, "bob has not seen the proposal")

	second := d.verdict(by("bob"))
	done, err := d.book.Decide(t.Context(), d, numbered("R1"), second)
	require.NoError(t, err)
	require.Equal(t, bankrail.Failed, done.Status)
	require.Zero(t, done.Proposal)
	require.True(t, d.held().IsZero())
	for _, c := range []journal.Decision{first, second} {
		again, err = d.book.Decide(t.Context(), d, numbered("R1"), c)
		require.NoError(t, err, "repeated by %s", c.By)
		require.Equal(t, done, again)
	}
}

// TestProposalLeavesTheProofs: what the first person decided by counts for the second.
func TestProposalLeavesTheProofs(t *testing.T) {
	t.Parallel()
	d := twoPersons(t)
	before := d.entry("R1").AbsentAt
	e, err := d.decide(absent)
	require.NoError(t, err)
	require.Equal(t, before, e.AbsentAt)
	e, err = d.decide(absent, by("bob"))
	require.NoError(t, err)
	require.Equal(t, bankrail.Failed, e.Status)

	d = twoPersonsOf(newDesk(t, journal.Rules{}))
	d.hear(said(bankrail.Succeeded, 100))
	_, err = d.create("R1") // never sent
	require.NoError(t, err)
	d.clock.Advance(10 * 24 * time.Hour)
	covered := through(time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))
	evidence := func(c *journal.Decision) { c.Evidence = [32]byte{9} }
	_, err = d.decide(covered, evidence)
	require.NoError(t, err)
	e, err = d.decide(covered, evidence, by("bob"))
	require.NoError(t, err, "the proposal is no news that puts the last day off")
	require.Equal(t, bankrail.Failed, e.Status)
}

func TestProposalIsVoidOrReplaced(t *testing.T) {
	t.Parallel()
	t.Run("news voids it", func(t *testing.T) {
		t.Parallel()
		d := twoPersons(t)
		first := d.verdict()
		_, err := d.book.Decide(t.Context(), d, numbered("R1"), first)
		require.NoError(t, err)
		d.hear(said(bankrail.Processing, 100))
		require.Zero(t, d.entry("R1").Proposal)
		e, err := d.decide(by("bob"))
		require.NoError(t, err)
		require.Equal(t, bankrail.Manual, e.Status, "bob is the first again")
		require.Equal(t, "bob", e.Proposal.By)
		_, err = d.book.Decide(t.Context(), d, numbered("R1"), first)
		require.ErrorIs(t, err, journal.ErrLost, "alice's repeat is not told that hers still stands")
	})
	t.Run("so does a question", func(t *testing.T) {
		t.Parallel()
		d := twoPersons(t)
		_, err := d.decide()
		require.NoError(t, err)
		d.clock.Advance(time.Minute)
		e, err := d.book.Ask(t.Context(), d, numbered("R1"))
		require.NoError(t, err)
		require.Zero(t, e.Proposal)
	})
	t.Run("another decision replaces it", func(t *testing.T) {
		t.Parallel()
		d := twoPersons(t)
		_, err := d.decide()
		require.NoError(t, err)
		e, err := d.decide(by("bob"), succeeded(bankrail.Money{}))
		require.NoError(t, err)
		require.Equal(t, bankrail.Manual, e.Status)
		require.Equal(t, bankrail.Succeeded, e.Proposal.Status)
		e, err = d.decide(succeeded(bankrail.CNY(99)))
		require.NoError(t, err)
		require.Equal(t, bankrail.Manual, e.Status, "another amount is another decision")
		e, err = d.decide(by("carol"), succeeded(bankrail.CNY(99)))
		require.NoError(t, err)
		require.Equal(t, bankrail.Succeeded, e.Status)
		require.Equal(t, bankrail.CNY(99), d.held())
	})
	t.Run("below the amount one is enough", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t, journal.Rules{})
		_, err := d.create("R1", func(dr *journal.Draft) { dr.Amount = bankrail.CNY(99) })
		require.NoError(t, err)
		d.work(130)
		d.book = journal.New(d.store, journal.Config{Now: d.clock.Now, AllowVolatile: true, TwoPersons: func(e journal.Entry) bool { return e.Amount.Minor() >= 100 }})
		e, err := d.decide()
		require.NoError(t, err)
		require.Equal(t, bankrail.Failed, e.Status)
	})
}

// TestDecisionsAtOnceTakeOneEffect: of many persons with two minds one wins, and the
// budget moves once.
func TestDecisionsAtOnceTakeOneEffect(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	seen := d.verdict()
	errs := make(chan error, 16)
	for i := range cap(errs) {
		c := seen
		if c.By = "alice"; i%2 == 1 {
			c.By, c.Status = "bob", bankrail.Succeeded
		}
		go func() {
			_, err := d.book.Decide(context.Background(), d, numbered("R1"), c)
			errs <- err
		}()
	}
	taken := 0
	for range cap(errs) {
		if err := <-errs; err == nil {
			taken++
		} else {
			require.ErrorIs(t, err, bankrail.ErrForbidden)
		}
	}
	require.Equal(t, cap(errs)/2, taken, "the one that won, and its repeats")
	if d.entry("R1").Status == bankrail.Failed {
		require.True(t, d.held().IsZero())
	} else {
		require.Equal(t, bankrail.CNY(100), d.held())
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	d.query = func(int) (bankrail.Receipt, error) { return bankrail.Receipt{}, errAway }
	before := d.entry("R1").AbsentAt
	d.clock.Advance(time.Hour)
	e, err := d.book.Ask(t.Context(), d, numbered("R1"))
	require.ErrorIs(t, err, errAway)
	require.Equal(t, d.entry("R1"), e)
	require.Equal(t, before, e.AbsentAt, "no answer says nothing")

	ctx, cancel := context.WithCancel(t.Context())
	d.query = func(int) (bankrail.Receipt, error) { cancel(); return bankrail.Receipt{}, errors.New("cut") }
	_, err = d.book.Ask(ctx, d, numbered("R1"))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, e, d.entry("R1"), "a caller that went away has asked nothing")

	d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Succeeded, 100), nil }
	e, err = d.book.Ask(t.Context(), d, numbered("R1"))
	require.NoError(t, err)
	require.Equal(t, bankrail.Succeeded, e.Status)
	asks := d.asks
	again, err := d.book.Ask(t.Context(), d, numbered("R1"))
	require.NoError(t, err)
	require.Equal(t, e, again)
	require.Equal(t, asks, d.asks, "nothing to ask about")
	_, err = d.book.Ask(t.Context(), elsewhere{d}, numbered("R1"))
	require.ErrorIs(t, err, bankrail.ErrInvalid)
}

// TestAskAboutWhatWasNotSent: a worker may still send it; news of it stops that.
func TestAskAboutWhatWasNotSent(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	queued, err := d.create("R1", func(dr *journal.Draft) { dr.Queue = true })
	require.NoError(t, err)
	e, err := d.book.Ask(t.Context(), d, numbered("R1"))
	require.NoError(t, err)
	require.Equal(t, queued, e, "of course the bank does not know it")
	d.query = func(int) (bankrail.Receipt, error) { return said(bankrail.Processing, 100), nil }
	e, err = d.book.Ask(t.Context(), d, numbered("R1"))
	require.NoError(t, err)
	require.Equal(t, journal.CauseEarly, e.Cause)
	d.work(10)
	require.Empty(t, d.sends)
}

func TestDecideWithoutAStore(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	c := d.verdict()
	d.book = journal.New(&broken{Store: d.store}, journal.Config{Now: d.clock.Now, AllowVolatile: true})
	_, err := d.book.Decide(t.Context(), d, numbered("R1"), c)
	require.ErrorIs(t, err, errAway)
	require.Equal(t, c.Version, d.entry("R1").Version)
}

// TestLostDecisionMayBeItsOwn: whoever was faster may have decided the very same.
func TestLostDecisionMayBeItsOwn(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	d.book = journal.New(&twice{Store: d.store}, journal.Config{Now: d.clock.Now, AllowVolatile: true})
	e, err := d.decide()
	require.NoError(t, err)
	require.Equal(t, bankrail.Failed, e.Status)
}

// twice is a store on which every change was made by somebody else a moment ago.
type twice struct{ *memstore.Store }

func (s *twice) Apply(ctx context.Context, b journal.Batch) error {
	_ = s.Store.Apply(ctx, b)
	return s.Store.Apply(ctx, b)
}

// broken is a store that reads and does not write.
type broken struct{ *memstore.Store }

func (*broken) Apply(context.Context, journal.Batch) error { return errAway }
