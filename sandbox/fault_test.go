package sandbox_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
)

// A requestFault says what the client sees of a scripted first copy, and what the
// ledger says: at once, and after an hour.
type requestFault struct {
	see        func(t *testing.T, g *rig, s seen)
	accepted   bool // at once
	executions int  // after an hour
}

func nothing(t *testing.T, _ *rig, s seen) { require.Error(t, s.err) }

func signedCode(code string, status int) func(*testing.T, *rig, seen) {
	return func(t *testing.T, _ *rig, s seen) {
		require.NoError(t, s.err)
		require.True(t, s.valid)
		require.Equal(t, code, s.code())
		require.Equal(t, status, s.status)
	}
}

var requestFaults = map[sandbox.Fault]requestFault{
	sandbox.ReplyLost:   {nothing, true, 1},
	sandbox.RequestLost: {nothing, false, 0},
	sandbox.ReplyDelayed: {func(t *testing.T, _ *rig, s seen) {
		require.ErrorIs(t, s.err, context.DeadlineExceeded)
	}, true, 1},
	sandbox.LateArrival: {nothing, false, 1},
	sandbox.SystemError: {signedCode("SYSTEM_ERROR", 500), true, 1},
	sandbox.GatewayPage: {func(t *testing.T, _ *rig, s seen) {
		require.Contains(t, []int{502, 504}, s.status)
		require.Contains(t, string(s.raw), "<html>")
		require.Empty(t, s.header.Get("Sign"))
	}, true, 1},
	sandbox.HTMLOK: {func(t *testing.T, _ *rig, s seen) {
		require.Equal(t, 200, s.status)
		require.Contains(t, string(s.raw), "<html>")
	}, true, 1},
	sandbox.CutReply: {func(t *testing.T, _ *rig, s seen) {
		require.Error(t, s.err)
		require.Equal(t, 200, s.status)
		require.NotEmpty(t, s.raw)
		require.NotContains(t, string(s.raw), "acceptedAt")
	}, true, 1},
	sandbox.WrongSign: {func(t *testing.T, _ *rig, s seen) {
		require.Equal(t, "0000", s.code())
		require.True(t, s.signed)
		require.False(t, s.valid)
	}, true, 1},
	sandbox.AbsentSign: {func(t *testing.T, _ *rig, s seen) {
		require.Equal(t, "0000", s.code())
		require.False(t, s.signed)
	}, true, 1},
	sandbox.UnsignedRefusal: {func(t *testing.T, _ *rig, s seen) {
		require.Equal(t, "REFUND_AMOUNT_EXCEEDED", s.code())
		require.Equal(t, 200, s.status)
		require.False(t, s.signed)
	}, true, 1},
	sandbox.OtherNumber: {func(t *testing.T, g *rig, s seen) {
		require.True(t, s.valid)
		require.Equal(t, "0000", s.code())
		require.NotEqual(t, "R1", s.body["merchantRefundNo"])
		require.NotEqual(t, g.row("R1").BankRefundNo, s.body["bankRefundNo"])
	}, true, 1},
	sandbox.OtherAmount: {func(t *testing.T, g *rig, s seen) {
		require.True(t, s.valid)
		require.NotEqual(t, "1234", s.body["refundAmount"])
		require.EqualValues(t, 1234, g.row("R1").Amount)
	}, true, 1},
	sandbox.SecondCopyRefused: {signedCode("0000", 200), true, 1}, // no effect on a first copy
	sandbox.FrequencyLimited: {func(t *testing.T, g *rig, s seen) {
		signedCode("FREQUENCY_LIMITED", 429)(t, g, s)
		require.Equal(t, "1", s.header.Get("Retry-After"))
	}, false, 0},
	sandbox.BalanceNotEnough: {signedCode("BALANCE_NOT_ENOUGH", 200), false, 0},
	sandbox.IPRefused:        {signedCode("IP_NOT_ALLOWED", 403), false, 0},
	sandbox.EarlyNotice: {func(t *testing.T, g *rig, s seen) {
		require.True(t, s.valid)
		require.Equal(t, "PROCESSING", s.body["status"])
		got := g.hook.all() // before time moved: it came before the answer
		require.Len(t, got, 1)
		require.True(t, got[0].valid)
		require.Equal(t, "SUCCESS", got[0].body["status"])
	}, true, 1},
	sandbox.ConnectionDies: {nothing, true, 1},
}

func TestEveryRequestFault(t *testing.T) {
	t.Parallel()
	for _, f := range sandbox.FaultsAt("request") {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			want, ok := requestFaults[f]
			require.True(t, ok, "no test of this fault")
			g := open(t, nil)
			require.NoError(t, g.bank.Script("R1", f))
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			if f == sandbox.ReplyDelayed {
				ctx, cancel = context.WithTimeout(context.Background(), 2*time.Second)
			}
			defer cancel()

			s := g.sendCtx(ctx, g.build("/refunds", g.order("R1", "1234")))

			want.see(t, g, s)
			_, accepted := g.bank.Ledger().Refund("R1")
			require.Equal(t, want.accepted, accepted)
			g.bank.Advance(time.Hour)
			r, _ := g.bank.Ledger().Refund("R1")
			require.Equal(t, want.executions, r.Executions)

			// The script is used up: the next copy is answered calmly, and the first result stands.
			s = g.refund("R1", "1234")
			require.NoError(t, s.err)
			require.Equal(t, "0000", s.code())
			g.bank.Advance(time.Hour)
			require.Equal(t, 1, g.row("R1").Executions)
			require.EqualValues(t, 1234, g.bank.Ledger().Trades[0].RefundedAmount)
		})
	}
}

func TestSecondCopyIsRefusedAlthoughTheFirstExecuted(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	codes := map[string]bool{}
	for _, number := range []string{"R1", "R2", "R3", "R4", "R5", "R6"} {
		require.NoError(t, g.bank.Script(number, sandbox.None, sandbox.SecondCopyRefused))
		require.Equal(t, "0000", g.refund(number, "1").code())
		s := g.refund(number, "1")
		require.True(t, s.valid)
		codes[s.code()] = true
		g.bank.Advance(time.Minute)
		require.Equal(t, 1, g.row(number).Executions)
		require.Equal(t, 2, g.row(number).Copies)
	}
	require.Equal(t, map[string]bool{"REFUND_AMOUNT_EXCEEDED": true, "NO_CONFLICT": true}, codes)
}

func TestDelayedReplyComesOnceTheDelayHasPassed(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	require.NoError(t, g.bank.Script("R1", sandbox.ReplyDelayed))
	answer := make(chan seen)
	req := g.build("/refunds", g.order("R1", "1"))
	go func() { answer <- g.send(req) }()
	require.Eventually(t, func() bool { _, ok := g.bank.Ledger().Refund("R1"); return ok }, 5*time.Second, time.Millisecond)
	var s seen
	for done := false; !done; { // the answer is held a moment after the books are written
		g.bank.Advance(15 * time.Second)
		select {
		case s = <-answer:
			done = true
		case <-time.After(time.Millisecond):
		}
	}
	require.True(t, s.valid)
	require.Equal(t, "PROCESSING", s.body["status"]) // what was true when it was written
}

func TestScriptedSettlements(t *testing.T) {
	t.Parallel()
	type at struct {
		after      time.Duration
		status     sandbox.Status
		executions int
	}
	tests := map[sandbox.Fault][]at{
		sandbox.FinalFail:         {{9 * time.Second, sandbox.Processing, 0}, {time.Second, sandbox.Fail, 0}, {100 * time.Hour, sandbox.Fail, 0}},
		sandbox.LateSuccess:       {{10 * time.Second, sandbox.Fail, 0}, {2 * time.Hour, sandbox.Success, 1}},
		sandbox.ProcessingForever: {{1000 * time.Hour, sandbox.Processing, 0}},
		sandbox.LateBounce:        {{10 * time.Second, sandbox.Success, 1}, {59 * time.Minute, sandbox.Success, 1}, {3 * time.Hour, sandbox.Reversed, 1}},
	}
	for _, f := range sandbox.FaultsAt("settle") {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			g := open(t, nil)
			require.NoError(t, g.bank.Script("R1", f))
			require.Equal(t, "PROCESSING", g.refund("R1", "1234").body["status"])
			require.NotEmpty(t, tests[f], "no test of this fault")
			for _, step := range tests[f] {
				g.bank.Advance(step.after)
				require.Equal(t, step.status, g.row("R1").Status)
				require.Equal(t, step.executions, g.row("R1").Executions)
				require.Equal(t, string(step.status), g.query("R1").body["status"])
			}
			last := tests[f][len(tests[f])-1].status
			got := g.hook.all()
			if last == sandbox.Processing {
				require.Empty(t, got)
				require.NoError(t, g.bank.Settle("R1", sandbox.Success))
				require.Equal(t, sandbox.Success, g.row("R1").Status)
				last, got = sandbox.Success, g.hook.all()
			}
			require.Equal(t, string(last), got[len(got)-1].body["status"])
		})
	}
}

func TestEveryQueryFault(t *testing.T) {
	t.Parallel()
	for _, f := range sandbox.FaultsAt("query") {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			g := open(t, nil)
			require.Equal(t, "0000", g.refund("R1", "1234").code())
			require.NoError(t, g.bank.ScriptQuery("R1", f))
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			if f == sandbox.ReplyDelayed {
				ctx, cancel = context.WithTimeout(context.Background(), 2*time.Second)
			}
			defer cancel()
			s := g.sendCtx(ctx, g.build("/refunds/query", map[string]string{"merchantRefundNo": "R1"}))
			if f == sandbox.StaleQuery || f == sandbox.DeniedQuery {
				signedCode("REFUND_NOT_EXIST", 404)(t, g, s)
			} else {
				requestFaults[f].see(t, g, s)
			}
			s = g.query("R1")
			require.True(t, s.valid)
			require.Equal(t, "PROCESSING", s.body["status"])
		})
	}
}

func TestStaleQueryEndsWithTheWindow(t *testing.T) {
	t.Parallel()
	g := open(t, func(o *sandbox.Options) {
		o.Faults = sandbox.Shares{Query: map[sandbox.Fault]int{sandbox.StaleQuery: 1000}}
		o.StaleQuery = 20 * time.Second
	})
	require.Equal(t, "0000", g.refund("R1", "1").code())
	g.bank.Advance(19 * time.Second)
	require.Equal(t, "REFUND_NOT_EXIST", g.query("R1").code())
	require.Equal(t, 1, g.row("R1").Executions)
	g.bank.Advance(time.Second)
	require.Equal(t, "SUCCESS", g.query("R1").body["status"])
}

func TestDeniedQueryKnowsNoWindow(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	require.Equal(t, "0000", g.refund("R1", "1").code())
	require.NoError(t, g.bank.ScriptQuery("R1", sandbox.DeniedQuery))
	g.bank.Advance(time.Hour)
	require.Equal(t, sandbox.Success, g.row("R1").Status)
	require.Equal(t, "REFUND_NOT_EXIST", g.query("R1").code())
	require.Equal(t, "SUCCESS", g.query("R1").body["status"])
}

func TestSettleAndBounceByHand(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	require.Error(t, g.bank.Settle("R1", sandbox.Success), "nothing there")
	g.refund("R1", "1000")
	require.Error(t, g.bank.Bounce("R1"), "still open")
	require.Error(t, g.bank.Settle("R1", sandbox.Processing))
	require.NoError(t, g.bank.Settle("R1", sandbox.Fail))
	require.Zero(t, g.bank.Ledger().Trades[0].OpenAmount)
	require.NoError(t, g.bank.Settle("R1", sandbox.Success)) // breaks its word
	require.Error(t, g.bank.Settle("R1", sandbox.Fail))
	require.NoError(t, g.bank.Bounce("R1"))
	require.Error(t, g.bank.Bounce("R1"))
	g.bank.Advance(time.Hour) // the settlement planned at first does not happen any more
	r := g.row("R1")
	require.Equal(t, sandbox.Reversed, r.Status)
	require.Equal(t, 1, r.Executions)
	var told []string
	for _, n := range g.hook.all() {
		require.True(t, n.valid)
		told = append(told, n.body["status"])
	}
	require.Equal(t, []string{"FAIL", "SUCCESS", "REVERSED"}, told)
	require.Zero(t, g.bank.Ledger().Trades[0].RefundedAmount)
}

func TestFaultsThatDependOnTheFirstCopy(t *testing.T) {
	t.Parallel()
	g := open(t, func(o *sandbox.Options) { o.SettleMin, o.SettleMax = 0, -1 })
	require.NoError(t, g.bank.Script("R1", sandbox.None, sandbox.BalanceNotEnough, sandbox.EarlyNotice))
	for range 3 { // an accepted number is not short of funds, and its news is out already
		s := g.refund("R1", "1")
		require.Equal(t, "0000", s.code())
		require.Equal(t, "SUCCESS", s.body["status"])
	}
	require.Equal(t, 3, g.row("R1").Copies)

	require.NoError(t, g.bank.Script("R2", sandbox.FinalFail))
	require.Equal(t, "PROCESSING", g.refund("R2", "1").body["status"], "fails after acceptance, not in the first answer")
	g.bank.Advance(time.Second)
	require.Equal(t, sandbox.Fail, g.row("R2").Status)
}

func TestFaultsOfQueriesForUnknownNumbersPass(t *testing.T) {
	t.Parallel()
	g := open(t, func(o *sandbox.Options) {
		o.Faults = sandbox.Shares{Query: map[sandbox.Fault]int{sandbox.SystemError: 500}}
	})
	trade := map[string]string{"originalTradeNo": "T9"}
	codes := map[string]int{}
	for range 40 {
		codes[g.query("R9").code()]++
		codes[g.send(g.build("/trades/query", trade)).code()]++
	}
	require.Greater(t, codes["REFUND_NOT_EXIST"], 5)
	require.Greater(t, codes["TRADE_NOT_EXIST"], 5)
	require.Greater(t, codes["SYSTEM_ERROR"], 10)
}

// Everything at once, on the real clock: the default bank may lie, but its books
// stay right.
func TestBooksStayRightUnderStress(t *testing.T) {
	t.Parallel()
	const paid = 3000
	g := open(t, func(o *sandbox.Options) {
		o.Clock, o.Faults, o.SettleMin, o.SettleMax = nil, sandbox.Shares{}, 0, 20*time.Millisecond
		o.Delay, o.StaleQuery = 20*time.Millisecond, 10*time.Millisecond
		o.Trades = []sandbox.Trade{{TradeNo: "T1", PaidAmount: paid}}
		o.NotifySchedule = []time.Duration{0, 5 * time.Millisecond, 5 * time.Millisecond}
		o.LedgerFile = t.TempDir() + "/ledger.jsonl"
	})
	done := make(chan struct{})
	for w := range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 40 {
				number := fmt.Sprintf("R%d", (i+w*7)%60)
				g.refund(number, "100")
				g.query(number)
				if l := g.bank.Ledger().Trades[0]; l.RefundedAmount+l.OpenAmount > paid {
					t.Errorf("refunded %d and open %d of %d", l.RefundedAmount, l.OpenAmount, paid)
				}
			}
		}()
	}
	for range 8 {
		<-done
	}
	g.bank.Advance(time.Hour)
	var sum int64
	for _, r := range g.bank.Ledger().Refunds {
		if r.Executions > 1 {
			t.Errorf("%s executed %d times", r.MerchantRefundNo, r.Executions)
		}
		if r.Status == sandbox.Success {
			sum += r.Amount
		}
	}
	require.Equal(t, sum, g.bank.Ledger().Trades[0].RefundedAmount)
	require.Positive(t, sum)
}
