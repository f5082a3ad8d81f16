package journal_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/store/storetest"
)

// The promise table: what Create returns at the first call, at a repeat and at a
// repeat with other content, and what the bank did, fault by fault.
//
// Words: a status is a nil error with that status; "failed", "unavailable" and
// "conflict" are errors. bank is how often money moved once everything is settled,
// end the status the record ends in.
var promises = []struct {
	fault  string
	cfg    worldConfig
	set    func(w *world, n string)
	later  func(w *world, n string) // between the calls and the settling
	first  string
	repeat string
	other  string
	bank   int
	end    bankrail.Status
}{
	{
		fault: "none",
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "answer lost after the bank executed", set: script(sandbox.ReplyLost),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "request lost before the bank had it", set: script(sandbox.RequestLost),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "answer later than the read timeout", set: script(sandbox.ReplyDelayed),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "request arrives after the call was given up", set: script(sandbox.LateArrival),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "signed SYSTEM_ERROR after the bank executed", set: script(sandbox.SystemError),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "HTML page with 502", set: script(sandbox.GatewayPage),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "HTML page with 200", set: script(sandbox.HTMLOK),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "answer cut in the middle", set: script(sandbox.CutReply),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "answer signed over another text", set: script(sandbox.WrongSign),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "unsigned success", set: script(sandbox.AbsentSign),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "unsigned refusal although the bank executed", set: script(sandbox.UnsignedRefusal),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "signed answer about another number", set: script(sandbox.OtherNumber),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "success for another amount", set: script(sandbox.OtherAmount),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "success for another amount, in an answer that settles at once",
		cfg:   worldConfig{atOnce: true}, set: script(sandbox.OtherAmount),
		later: func(w *world, _ string) {
			require.Contains(w.t, w.alarmKinds(), journal.AlarmKind(journal.AnomalyAmount))
		},
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "a reused connection dies after the bank executed",
		set: func(w *world, n string) {
			_, err := w.create("WARM", 1) // leaves an idle connection behind
			require.NoError(w.t, err)
			script(sandbox.ConnectionDies)(w, n)
		},
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "news before the answer", set: script(sandbox.EarlyNotice),
		first: "succeeded", repeat: "succeeded", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "final refusal of the only copy", set: script(sandbox.IPRefused),
		first: "failed", repeat: "failed", other: "conflict", bank: 0, end: bankrail.Failed,
	},
	{
		fault: "refused for now, and the host does not wait", set: script(sandbox.FrequencyLimited),
		first: "failed", repeat: "failed", other: "conflict", bank: 0, end: bankrail.Failed,
	},
	{
		fault: "refused for now, and the host waits", cfg: worldConfig{sendWithin: time.Hour}, set: script(sandbox.BalanceNotEnough),
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "refusal of the second copy after the first was executed",
		set: func(w *world, n string) {
			// The bank executes and its answer is lost; its query replica lags past
			// everything that was promised, so a second copy goes out, and is refused.
			script(sandbox.ReplyLost, sandbox.SecondCopyRefused)(w, n)
			require.NoError(w.t, w.bank.ScriptNotify(n, sandbox.NoticeLost))
			for range 3 {
				require.NoError(w.t, w.bank.ScriptQuery(n, sandbox.StaleQuery, sandbox.StaleQuery))
			}
		},
		cfg: worldConfig{seed: 2, rules: &journal.Rules{Dedupe: journal.DedupeAll, Horizon: time.Hour, Visible: time.Minute}},
		later: func(w *world, n string) {
			w.deaf = true
			w.work(8 * time.Minute)
			require.Equal(w.t, 2, w.entry(n).Sends)
			require.Contains(w.t, w.story(n), "refused (REFUND_AMOUNT_EXCEEDED), which may be the echo")
		},
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "not sent at a first send", set: func(w *world, _ string) { w.line.down() },
		later: func(w *world, _ string) { w.line.up() },
		first: "failed", repeat: "failed", other: "conflict", bank: 0, end: bankrail.Failed,
	},
	{
		fault: "not sent at a first send, and the host waits", cfg: worldConfig{sendWithin: time.Hour},
		set:   func(w *world, _ string) { w.line.down() },
		later: func(w *world, n string) { require.Zero(w.t, w.entry(n).Sends); w.line.up() },
		first: "created", repeat: "created", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "not sent at a second send",
		set:   script(sandbox.RequestLost),
		later: func(w *world, n string) {
			// The bank is reachable for the queries only: the line is cut as the second
			// copy is counted.
			for w.entry(n).Sends < 2 {
				w.work(time.Minute)
				if e := w.entry(n); e.Tries == 2 && e.Sends == 1 {
					w.bankDown(n)
				}
			}
			e := w.entry(n)
			require.Equal(w.t, bankrail.Processing, e.Status, "a copy that did not leave proves nothing about the first")
			require.Equal(w.t, 1, e.Copies)
			w.line.down()
			w.line.up()
		},
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "a sender stalled past its send-by time",
		set:   func(w *world, _ string) { w.afterInsert = func() { w.clock.Advance(time.Minute) } },
		later: func(w *world, n string) { require.Zero(w.t, w.copies(n), "nothing left") },
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "commit of the record unknown: lost", set: func(w *world, _ string) { w.store.Next(storetest.InsertCutLost, 1) },
		first: "failed", repeat: "failed", other: "conflict", bank: 0, end: bankrail.Failed,
	},
	{
		fault: "commit of the record unknown: it lands later", set: func(w *world, _ string) { w.store.Next(storetest.InsertCutLandsLater, 1) },
		later: func(w *world, _ string) {
			require.ErrorIs(w.t, w.store.Land(), journal.ErrExists, "the tombstone stands")
		},
		first: "failed", repeat: "failed", other: "conflict", bank: 0, end: bankrail.Failed,
	},
	{
		fault: "commit of the record unknown: committed", set: func(w *world, _ string) { w.store.Next(storetest.InsertCutCommitted, 1) },
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "commit of the record unknown, and the store away until the host asks again",
		set: func(w *world, _ string) {
			w.store.Next(storetest.InsertCutCommitted, 1)
			w.store.Next(storetest.Unreachable, 3)
		},
		first: "unconfirmed", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "commit of the record unknown and lost, and the store away until the host asks again",
		set: func(w *world, _ string) {
			w.store.Next(storetest.InsertCutLost, 1)
			w.store.Next(storetest.Unreachable, 3)
		},
		first: "unconfirmed", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "journal unreadable at the look-up", set: func(w *world, _ string) { w.store.Next(storetest.GetFails, 2) },
		first: "unavailable", repeat: "unavailable", other: "processing", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "record certainly not committed", set: func(w *world, _ string) { w.store.Next(storetest.InsertNotCommitted, 1) },
		first: "unavailable", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "store lost after sending: nothing of the answer recorded", set: func(w *world, _ string) { w.store.Next(storetest.ApplyCutLost, 1) },
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "refusal whose record is cut but committed",
		set: func(w *world, n string) {
			script(sandbox.IPRefused)(w, n)
			w.store.Next(storetest.ApplyCutCommitted, 1)
		},
		first: "failed", repeat: "failed", other: "conflict", bank: 0, end: bankrail.Failed,
	},
	{
		fault: "refusal whose record is lost",
		set: func(w *world, n string) {
			script(sandbox.IPRefused)(w, n)
			w.store.Next(storetest.ApplyCutLost, 1)
		},
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Succeeded,
	},
	{
		fault: "accepted, then failed", set: settle(sandbox.FinalFail),
		first: "processing", repeat: "processing", other: "conflict", bank: 0, end: bankrail.Failed,
	},
	{
		fault: "bounce after the success", set: settle(sandbox.LateBounce),
		later: func(w *world, _ string) { w.work(30 * time.Hour) },
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Reversed,
	},
	{
		fault: "a bounce before the success",
		set:   func(w *world, _ string) { w.deaf = true },
		later: func(w *world, n string) {
			w.clock.Advance(settles)
			require.Equal(w.t, 1, w.executions(n))
			require.Equal(w.t, bankrail.Processing, w.entry(n).Status, "the success was not heard")
			w.deaf = false
			require.NoError(w.t, w.bank.Bounce(n))
			w.clock.Advance(time.Second)
		},
		first: "processing", repeat: "processing", other: "conflict", bank: 1, end: bankrail.Reversed,
	},
	{
		fault: "accepted and never settled", set: settle(sandbox.ProcessingForever),
		cfg:   worldConfig{rules: &journal.Rules{Dedupe: journal.DedupeAll, Horizon: time.Hour, Settles: 2 * time.Hour}},
		first: "processing", repeat: "processing", other: "conflict", bank: 0, end: bankrail.Manual,
	},
	{
		fault: "request lost at a bank that does not recognise numbers",
		cfg:   worldConfig{dedupe: sandbox.DedupeNone, rules: &journal.Rules{}}, set: script(sandbox.RequestLost),
		first: "processing", repeat: "processing", other: "conflict", bank: 0, end: bankrail.Manual,
	},
	{
		fault: "refusal at a bank that does not recognise numbers",
		cfg:   worldConfig{dedupe: sandbox.DedupeNone, rules: &journal.Rules{}}, set: script(sandbox.IPRefused),
		first: "processing", repeat: "processing", other: "conflict", bank: 0, end: bankrail.Failed,
	},
}

func script(faults ...sandbox.Fault) func(*world, string) {
	return func(w *world, n string) { require.NoError(w.t, w.bank.Script(n, faults...)) }
}

// settle scripts what becomes of an accepted number.
func settle(f sandbox.Fault) func(*world, string) { return script(f) }

func TestPromise(t *testing.T) {
	t.Parallel()
	require.GreaterOrEqual(t, len(promises), 15)
	for _, p := range promises {
		t.Run(p.fault, func(t *testing.T) {
			t.Parallel()
			const n = "R1"
			w := newWorld(t, p.cfg)
			if p.set != nil {
				p.set(w, n)
			}
			told := []string{w.told(n, 12_34), w.told(n, 12_34), w.told(n, 43_21)}
			require.Equal(t, []string{p.first, p.repeat, p.other}, told, "first call, repeat, other content")
			if p.later != nil {
				p.later(w, n)
			}
			e := w.finish(n)
			require.Equal(t, p.end, e.Status, "end; history:\n%s", w.story(n))
			require.Equal(t, p.bank, w.executions(n), "executions; history:\n%s", w.story(n))
			for _, s := range told {
				if s == "failed" {
					require.Zero(t, w.executions(n), "an error was told, and money moved")
				}
			}
			w.checkHistory(n)
		})
	}
}

// told calls Create and puts what it returned into a word.
func (w *world) told(n string, fen int64) string {
	s, err := w.create(n, fen)
	switch {
	case errors.Is(err, bankrail.ErrConflict):
		return "conflict"
	case errors.Is(err, bankrail.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, bankrail.ErrFailed):
		return "failed"
	case err != nil:
		return err.Error()
	}
	if w.unconfirmed(n) {
		return "unconfirmed"
	}
	return s.String()
}

// unconfirmed reports whether the last create of a number may have left no record.
func (w *world) unconfirmed(n string) bool { return w.lastUnconfirmed[n] }

// copies is how many copies reached the bank's books.
func (w *world) copies(n string) int {
	r, _ := w.bank.Ledger().Refund(n)
	return r.Copies
}

func (w *world) story(n string) string {
	var b strings.Builder
	for _, s := range w.history(n) {
		fmt.Fprintf(&b, "  %d %s→%s %s: %s\n", s.Version, s.From, s.To, s.Source, s.Note)
	}
	return b.String()
}

// checkHistory holds every step to the state machine.
func (w *world) checkHistory(n string) {
	for i, s := range w.history(n) {
		require.EqualValues(w.t, i+1, s.Version, "gapless")
		if i > 0 && s.From != s.To {
			require.True(w.t, s.From.MayBecome(s.To), "%s→%s", s.From, s.To)
		}
	}
}

// Late success after Failed: the bank breaks its word. The error had been told in
// good faith; from then on the money shows.
func TestLateSuccessAfterFailed(t *testing.T) {
	t.Parallel()
	const n = "R1"
	w := newWorld(t, worldConfig{})
	script(sandbox.LateSuccess)(w, n)
	require.Equal(t, "processing", w.told(n, 60_00))
	w.work(2 * time.Minute)
	require.Equal(t, "failed", w.told(n, 60_00), w.story(n))
	w.work(48 * time.Hour)
	require.Equal(t, 1, w.executions(n))
	require.Equal(t, bankrail.Failed, w.entry(n).Status, "a final state never changes")

	late, err := w.book.Get(context.Background(), bankrail.ID{Channel: w.gateway.Channel(), Op: bankrail.OpRefund.Correction(), Number: n})
	require.NoError(t, err)
	require.Equal(t, bankrail.Succeeded, late.Status)
	require.Equal(t, bankrail.CNY(60_00), late.Settled)
	require.Equal(t, w.id(n), late.Of)
	require.Equal(t, "succeeded", w.told(n, 60_00), "an error would say that no money moved")

	budget, err := w.book.Reader().Budget(context.Background(), w.gateway.Channel(), "O1")
	require.NoError(t, err)
	require.Equal(t, bankrail.CNY(60_00), budget.Held)
	require.True(t, budget.Stopped)
	_, err = w.create("R2", 1_00)
	require.ErrorIs(t, err, bankrail.ErrBudget, "no further refund of this order")
	require.Contains(t, w.alarmKinds(), journal.AlarmKind(journal.AnomalyLateSuccess))
}

func (w *world) alarmKinds() []journal.AlarmKind {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ks []journal.AlarmKind
	for _, a := range w.alarms {
		ks = append(ks, a.Kind)
	}
	return ks
}

// Many callers of one number: one execution, and equal answers.
func TestConcurrentCallersOfOneNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			s, err := w.create("R1", 10_00)
			require.NoError(t, err)
			require.Equal(t, bankrail.Processing, s)
		})
	}
	wg.Wait()
	require.Equal(t, bankrail.Succeeded, w.finish("R1").Status)
	require.Equal(t, 1, w.executions("R1"))
	require.Equal(t, 1, w.copies("R1"))
}

// A caller that goes away decides nothing: before the record it is an error and
// nothing happened, after it the number is open.
func TestCancelledCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := w.createWith(gone, "R1", 10_00)
	require.ErrorIs(t, err, bankrail.ErrUnavailable)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, journal.Entry{}, w.entry("R1"))

	leaving, cancel := context.WithCancel(context.Background())
	w.afterInsert = cancel
	_, err = w.createWith(leaving, "R2", 10_00)
	require.ErrorIs(t, err, bankrail.ErrFailed, "recorded, certainly not sent, and ended on record")
	require.Equal(t, bankrail.Failed, w.entry("R2").Status)
	require.Zero(t, w.executions("R2"))

	during, cancel := context.WithCancel(context.Background())
	script(sandbox.ReplyDelayed)(w, "R3")
	w.line.arrived = func(*http.Request) { cancel() }
	s, err := w.createWith(during, "R3", 10_00)
	require.NoError(t, err)
	require.Equal(t, bankrail.Processing, s)
	w.line.arrived = nil
	require.Equal(t, bankrail.Succeeded, w.finish("R3").Status)
}
