package sandbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
)

// world drives a hostile bank through one sequence and returns what happened.
func world(t *testing.T, seed uint64) (sandbox.Ledger, []sandbox.Notice) {
	shares := sandbox.Hostile() // but without what a client has to wait for
	delete(shares.Request, sandbox.ReplyDelayed)
	delete(shares.Query, sandbox.ReplyDelayed)
	g := open(t, func(o *sandbox.Options) {
		o.Seed, o.Faults, o.SettleMin, o.SettleMax = seed, shares, 0, 0
		o.Trades = []sandbox.Trade{{TradeNo: "T1", PaidAmount: 1000}}
		o.NotifySchedule = []time.Duration{0, 15 * time.Second, time.Minute}
	})
	for i := range 40 {
		number := fmt.Sprintf("R%d", i%25) // some of them twice
		g.refund(number, fmt.Sprint(10+i%25))
		g.query(number)
		g.bank.Advance(7 * time.Second)
	}
	g.bank.Advance(100 * time.Hour)
	notices := g.bank.Notices()
	for i := range notices {
		notices[i].URL = "" // the port is new each time
	}
	return g.bank.Ledger(), notices
}

func TestSameSeedSameLedger(t *testing.T) {
	t.Parallel()
	ledger, notices := world(t, 11)
	again, noticesAgain := world(t, 11)
	require.Equal(t, ledger, again)
	require.Equal(t, notices, noticesAgain)
	other, _ := world(t, 12)
	require.NotEqual(t, ledger, other)
	require.Greater(t, len(ledger.Refunds), 15)
	for _, r := range ledger.Refunds {
		require.LessOrEqual(t, r.Executions, 1, "the default bank never executes a number twice")
	}
}

func TestHostileShares(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"request", "query", "notice", "settle"} {
		drawn := map[sandbox.Fault]int{}
		for i := range 20000 {
			drawn[sandbox.Drawn(sandbox.Shares{}, 3, where, fmt.Sprintf("R%d", i/2), i%2)]++
		}
		disturbed := 20000 - drawn[sandbox.None]
		switch where {
		case "request", "notice":
			require.InDelta(t, 8000, disturbed, 1000, where)
		default:
			require.Greater(t, disturbed, 1000, where)
		}
		shares := map[string]map[sandbox.Fault]int{
			"request": sandbox.Hostile().Request, "query": sandbox.Hostile().Query,
			"notice": sandbox.Hostile().Notice, "settle": sandbox.Hostile().Settle,
		}[where]
		for _, f := range sandbox.FaultsAt(where) {
			require.InDelta(t, 20*shares[f], drawn[f], 6*float64(4+shares[f]), "%s %s", where, f)
		}
		require.Equal(t, sandbox.None, sandbox.Drawn(sandbox.Calm, 3, where, "R1", 0))
	}
	a, b := 0, 0 // neither the number nor the counter is left out of account
	for i := range 1000 {
		if sandbox.Drawn(sandbox.Shares{}, 3, "request", "R1", 0) != sandbox.Drawn(sandbox.Shares{}, 3, "request", "R1", i) {
			a++
		}
		if sandbox.Drawn(sandbox.Shares{}, 3, "request", fmt.Sprint(i), 0) != sandbox.Drawn(sandbox.Shares{}, 4, "request", fmt.Sprint(i), 0) {
			b++
		}
	}
	require.Greater(t, a, 300)
	require.Greater(t, b, 300)
	require.Zero(t, sandbox.Hostile().Settle[sandbox.ProcessingForever])
	require.Zero(t, sandbox.Hostile().Settle[sandbox.LateSuccess])
}

func TestSharesAreChecked(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]sandbox.Shares{
		"unknown":     {Request: map[sandbox.Fault]int{"evil": 1}},
		"wrong place": {Request: map[sandbox.Fault]int{sandbox.NoticeLost: 1}},
		"negative":    {Query: map[sandbox.Fault]int{sandbox.CutReply: -1}},
		"above all":   {Notice: map[sandbox.Fault]int{sandbox.NoticeLost: 600, sandbox.NoticeForged: 401}},
	} {
		_, err := sandbox.New(sandbox.Options{Faults: s})
		require.Error(t, err, name)
	}
	g := open(t, nil)
	require.Error(t, g.bank.Script("R1", sandbox.NoticeLost))
	require.Error(t, g.bank.ScriptQuery("R1", sandbox.FinalFail))
	require.Error(t, g.bank.ScriptNotify("R1", sandbox.ReplyLost))
	require.NoError(t, g.bank.SetFaults(sandbox.Shares{Request: map[sandbox.Fault]int{sandbox.IPRefused: 1000}}))
	require.Equal(t, "IP_NOT_ALLOWED", g.refund("R1", "1").code())
	require.NoError(t, g.bank.SetFaults(sandbox.Calm))
	require.Equal(t, "0000", g.refund("R1", "1").code())
}
