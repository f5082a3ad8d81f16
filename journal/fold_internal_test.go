package journal

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
)

// Every state against every fact: what no combination may ever do. The cases are
// enumerated, not sampled.

var (
	testNow = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	testID  = bankrail.ID{Channel: bankrail.Channel{Gateway: "g", Merchant: "m"}, Op: bankrail.OpRefund, Number: "R1"}
	// testUpdated is when the entries were changed last.
	testUpdated = testNow.Add(-14*time.Minute - time.Second)
	asked100    = bankrail.CNY(100)
	other       = bankrail.CNY(99)
	testRules   = []Rules{{}, {Dedupe: DedupeSucceeded, Horizon: time.Hour}, {Dedupe: DedupeAll, Horizon: time.Hour}, {Dedupe: DedupeAll}}
)

func entries() []Entry {
	var es []Entry
	for _, status := range []bankrail.Status{bankrail.Created, bankrail.Processing, bankrail.Manual, bankrail.Succeeded, bankrail.Failed, bankrail.Reversed} {
		for _, cause := range causesOf(status) {
			for copies := range 4 {
				for _, accepted := range []time.Time{{}, testNow.Add(-time.Hour), testNow.Add(-100 * time.Hour)} {
					for _, tries := range []int{0, 4} {
						for _, wait := range []time.Time{{}, testNow.Add(time.Hour)} {
							e := Entry{
								ID: testID, Version: 3, Status: status, Cause: cause, Amount: asked100, Held: asked100, Order: "O1",
								Sends: copies, Copies: copies, FirstSend: testNow.Add(-20 * time.Minute), LastSendBy: testNow.Add(-15 * time.Minute),
								AcceptedAt: accepted, Tries: tries, SendUntil: wait, NextAt: testNow, UpdatedAt: testUpdated,
							}
							if status == bankrail.Manual && tries > 0 {
								e.AbsentAt, e.Proposal = testNow.Add(-5*time.Minute), Proposal{By: "alice", Status: bankrail.Failed}
							}
							switch status {
							case bankrail.Succeeded:
								e.Settled, e.NextAt = asked100, time.Time{}
							case bankrail.Failed, bankrail.Reversed:
								e.Held, e.NextAt = bankrail.Money{}, time.Time{}
							case bankrail.Created:
								if copies > 0 {
									continue
								}
							}
							es = append(es, e)
						}
					}
				}
			}
		}
	}
	return es
}

func causesOf(s bankrail.Status) []Cause {
	switch s {
	case bankrail.Manual:
		return []Cause{CauseTries, CauseOverdue, CauseContradiction, CauseEarly}
	case bankrail.Processing:
		return []Cause{CauseNone, CauseRefused}
	case bankrail.Failed:
		return []Cause{CauseNeverSent, CauseRefused, CauseFailed}
	}
	return []Cause{CauseNone}
}

func facts() []fact {
	var fs []fact
	for _, status := range []bankrail.Status{0, bankrail.Processing, bankrail.Succeeded, bankrail.Failed, bankrail.Reversed} {
		for _, amount := range []bankrail.Money{{}, asked100, other} {
			for _, source := range []Source{SourceAnswer, SourceNotification, SourceQuery} {
				r := bankrail.Receipt{Number: "R1", Status: status, Amount: amount}
				fs = append(fs, fact{kind: factReceipt, receipt: r, source: source, asked: testNow})
				if source == SourceQuery {
					fs = append(fs, fact{kind: factReceipt, receipt: r, source: source, asked: testNow.Add(-14 * time.Minute)})
				}
			}
		}
	}
	refused := &bankrail.Error{Code: "NO", Effect: bankrail.Refused}
	later := &bankrail.Error{Code: "LATER", Effect: bankrail.Refused, Deferred: true, RetryAfter: time.Minute}
	return append(fs,
		fact{kind: factNotFound, source: SourceQuery, asked: testNow},
		fact{kind: factNotFound, source: SourceQuery, asked: testUpdated.Add(-time.Minute)},
		fact{kind: factNotFound, source: SourceQuery, asked: testNow.Add(-14 * time.Minute)},
		sent(Answer{}, refused), sent(Answer{}, later),
		sent(Answer{}, &bankrail.Error{Effect: bankrail.NotSent}), sent(Answer{}, errors.New("timeout")),
		asked(bankrail.Receipt{}, errors.New("timeout"), testNow),
		asked(bankrail.Receipt{}, refused, testNow), // a query refuses nothing
	)
}

func TestFoldKeepsTheRules(t *testing.T) {
	t.Parallel()
	b := New(nil, Config{Now: func() time.Time { return testNow }})
	seen := map[string]bool{}
	n := 0
	for _, e := range entries() {
		for _, f := range facts() {
			for _, r := range testRules {
				v := b.fold(e, nil, f, r, testNow)
				if problem := broken(b, e, f, r, v); problem != "" {
					t.Fatalf("%s\nentry %+v\nfact %+v\nrules %+v\nverdict %+v", problem, e, f, r, v)
				}
				seen[fmt.Sprint(e.Status, "→", v.entry.Status)] = true
				n++
			}
		}
	}
	for _, edge := range []string{
		"created→manual", "processing→created", "processing→succeeded", "processing→failed", "processing→manual",
		"processing→reversed", "manual→succeeded", "manual→failed", "succeeded→reversed",
	} {
		require.True(t, seen[edge], "no case takes %s: the cases are too few", edge)
	}
	require.Greater(t, n, 100_000)
}

// broken names the rule that a verdict breaks.
func broken(b *Book, e Entry, f fact, r Rules, v verdict) string {
	state, version := e.Status, e.Version
	var charged int64
	for _, c := range v.batch.Changes {
		if c.Entry.Op.IsCorrection() {
			if e.Status != bankrail.Failed || f.receipt.Status != bankrail.Succeeded && f.receipt.Status != bankrail.Reversed {
				return "a correction without a late success"
			}
			continue
		}
		to := c.Entry.Status
		if c.From != state || c.Entry.Version != version {
			return "a change does not follow from the one before"
		}
		if to != state && !state.MayBecome(to) {
			return fmt.Sprintf("%s→%s is no edge", state, to)
		}
		state, version = to, version+1
		charged += c.Charge.Minor()
	}
	to := v.entry
	if to.Status != state {
		return "the verdict's entry is not what its changes make"
	}
	if to.Held.Minor() != e.Held.Minor()+charged || to.Status.Reserves() != (to.Held.Minor() > 0) {
		return "held and charged disagree"
	}
	if to.Sends > e.Sends || to.Copies > e.Copies {
		return "a fold counted a copy; only a compare-and-swap before a send may"
	}
	if to.Status.Final() && !to.NextAt.IsZero() && to.Status != e.Status {
		return "a final entry is due"
	}
	if (to.Status == bankrail.Created || to.Status == bankrail.Processing) && len(v.batch.Changes) > 0 && to.NextAt.IsZero() {
		return "an open entry is never due"
	}
	if problem := brokenForPersons(e, f, v); problem != "" {
		return problem
	}
	failed := to.Status == bankrail.Failed && e.Status != bankrail.Failed
	moved := f.kind == factReceipt && (f.receipt.Status == bankrail.Succeeded || f.receipt.Status == bankrail.Reversed)
	lateEnough := f.source == SourceQuery && !f.asked.Before(b.grace(e, r))
	switch {
	case failed && moved:
		return "a success failed the entry"
	case failed && f.kind == factNothing:
		return "silence failed the entry"
	case failed && e.Cause.needsPerson():
		return "news ended what waits for a person"
	case failed && f.kind == factNotFound && (e.Cause != CauseRefused || e.Copies > 1 || !lateEnough):
		return "not found failed the entry"
	case failed && (f.kind == factRefused || f.kind == factDeferred || f.kind == factNotSent) && e.Copies > 1:
		return "the answer to one copy failed an entry with several"
	case failed && (f.kind == factRefused || f.kind == factDeferred) && r.Dedupe == DedupeNone:
		return "a refusal decided alone where the gateway does not recognise numbers"
	case failed && f.kind != factReceipt && !e.AcceptedAt.IsZero():
		return "an accepted entry failed without failure news"
	case failed && f.kind == factReceipt && e.Copies > 1 && r.Dedupe != DedupeAll && !lateEnough:
		return "failure news decided although another copy may live"
	case to.Status == bankrail.Succeeded && e.Status != bankrail.Succeeded && (!moved || f.receipt.Amount != e.Amount):
		return "succeeded without a success for the amount"
	case v.again && (r.Dedupe == DedupeNone || r.Horizon == 0 || !lateEnough || e.Sends >= MaxSends || !e.AcceptedAt.IsZero() || e.Status != bankrail.Processing):
		return "sent again against the rules"
	case to.Postponed && (to.Copies > 0 || r.Dedupe == DedupeNone && f.kind == factDeferred):
		return "postponed with a copy alive"
	case to.Status == bankrail.Manual && e.Status != bankrail.Manual && len(v.alarms) == 0:
		return "manual without an alarm"
	case f.kind == factReceipt && f.receipt.Status == bankrail.Processing && to.Tries > e.Tries && (f.receipt.Amount == e.Amount || f.receipt.Amount == bankrail.Money{}):
		return "processing spent a try"
	case !e.AcceptedAt.IsZero() && to.AcceptedAt != e.AcceptedAt:
		return "news restarted the settlement time"
	case f.source == SourceNotification && to.Status.Open() && e.Status == bankrail.Processing && to.NextAt.After(e.NextAt):
		return "news put a look off"
	}
	return ""
}

// brokenForPersons names the rule that a verdict breaks of what persons decide by.
func brokenForPersons(e Entry, f fact, v verdict) string {
	to, changed := v.entry, v.entry.Version != e.Version
	outcome := f.receipt.Status == bankrail.Succeeded || f.receipt.Status == bankrail.Failed || f.receipt.Status == bankrail.Reversed
	switch {
	case !changed && (to.AbsentAt != e.AbsentAt || to.Proposal != e.Proposal || to.AcceptedAt != e.AcceptedAt):
		return "the verdict's entry differs without a change"
	case changed && to.Proposal != Proposal{}:
		return "a proposal outlived a change that its maker had not seen"
	case f.kind == factReceipt && e.Status.MayAsk() && !to.AbsentAt.IsZero():
		return "absence outlived what the gateway said of the number"
	case f.kind != factNotFound && !to.AbsentAt.IsZero() && to.AbsentAt != e.AbsentAt:
		return "absence without a not-found"
	case f.kind == factNotFound && e.Status.MayAsk() && f.asked.After(e.UpdatedAt) && to.AbsentAt.Before(f.asked):
		return "a not-found was not kept"
	case f.kind == factNotFound && !f.asked.After(e.UpdatedAt) && to.AbsentAt != e.AbsentAt:
		return "a not-found that was asked before the last change counts"
	case f.kind == factReceipt && e.Status == bankrail.Manual && outcome && !changed:
		return "news of a manual entry without a version: a person may decide without having seen it"
	case f.kind == factReceipt && e.Status == bankrail.Manual && f.receipt.Status == bankrail.Processing && to.AcceptedAt.IsZero():
		return "the gateway has the number, and its absence would still count"
	case e.Status == bankrail.Manual && to.Status == bankrail.Manual && f.source == SourceQuery && f.kind != factRefused && changed && !to.NextAt.IsZero():
		return "a manual entry is asked again and again"
	case e.Status == bankrail.Manual && f.kind == factReceipt && f.source == SourceQuery && !changed:
		return "a manual entry was asked and stays due"
	}
	return ""
}
