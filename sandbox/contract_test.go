package sandbox_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
)

func TestEveryCode(t *testing.T) {
	t.Parallel()
	with := func(o map[string]string, name, value string) map[string]string {
		o[name] = value
		return o
	}
	tests := []struct {
		name   string
		code   string
		status int
		ask    func(g *rig) seen
		signed bool
	}{
		{"accepted", "0000", 200, func(g *rig) seen { return g.refund("R1", "1") }, true},
		{"the whole trade", "0000", 200, func(g *rig) seen { return g.refund("R1", "10000") }, true},
		{"one fen too much", "REFUND_AMOUNT_EXCEEDED", 200, func(g *rig) seen { return g.refund("R1", "10001") }, true},
		{"too much with what is open", "REFUND_AMOUNT_EXCEEDED", 200, func(g *rig) seen {
			g.refund("R1", "6000")
			return g.refund("R2", "4001")
		}, true},
		{"the rest", "0000", 200, func(g *rig) seen {
			g.refund("R1", "6000")
			return g.refund("R2", "4000")
		}, true},
		{"same number, other amount", "NO_CONFLICT", 200, func(g *rig) seen {
			g.refund("R1", "6000")
			return g.refund("R1", "6001")
		}, true},
		{"same number, other trade", "NO_CONFLICT", 200, func(g *rig) seen {
			g.refund("R1", "1")
			return g.send(g.build("/refunds", with(g.order("R1", "1"), "originalTradeNo", "T2")))
		}, true},
		{"same number, other reason", "0000", 200, func(g *rig) seen {
			g.refund("R1", "1")
			return g.send(g.build("/refunds", with(g.order("R1", "1"), "reason", "")))
		}, true},
		{"no such trade", "TRADE_NOT_EXIST", 404, func(g *rig) seen {
			return g.send(g.build("/refunds", with(g.order("R1", "1"), "originalTradeNo", "T9")))
		}, true},
		{"closed trade", "TRADE_STATUS_INVALID", 200, func(g *rig) seen {
			return g.send(g.build("/refunds", with(g.order("R1", "1"), "originalTradeNo", "C1")))
		}, true},
		{"refunded trade", "TRADE_STATUS_INVALID", 200, func(g *rig) seen {
			g.refund("R1", "10000")
			g.bank.Advance(time.Minute)
			return g.refund("R2", "1")
		}, true},
		{"repeat on a refunded trade", "0000", 200, func(g *rig) seen {
			g.refund("R1", "10000")
			g.bank.Advance(time.Minute)
			return g.refund("R1", "10000")
		}, true},
		{"query of nothing", "REFUND_NOT_EXIST", 404, func(g *rig) seen { return g.query("R1") }, true},
		{"query of two different refunds", "REFUND_NOT_EXIST", 404, func(g *rig) seen {
			s := g.refund("R1", "1")
			return g.send(g.build("/refunds/query", map[string]string{"merchantRefundNo": "R2", "bankRefundNo": s.body["bankRefundNo"]}))
		}, true},
		{"query by the bank's number", "0000", 200, func(g *rig) seen {
			s := g.refund("R1", "1")
			return g.send(g.build("/refunds/query", map[string]string{"bankRefundNo": s.body["bankRefundNo"]}))
		}, true},
		{"query without a number", "PARAM_ERROR", 400, func(g *rig) seen { return g.send(g.build("/refunds/query", map[string]string{})) }, true},
		{"trade query of nothing", "TRADE_NOT_EXIST", 404, func(g *rig) seen {
			return g.send(g.build("/trades/query", map[string]string{"originalTradeNo": "T9"}))
		}, true},
		{"trade query without a number", "PARAM_ERROR", 400, func(g *rig) seen { return g.send(g.build("/trades/query", map[string]string{})) }, true},
		{"foreign merchant", "MERCHANT_NOT_EXIST", 403, func(g *rig) seen {
			r := g.build("/refunds", g.order("R1", "1"))
			r.header.Set("X-Merchant-Id", "M9")
			return g.send(r)
		}, false},
	}
	for name, value := range map[string]string{
		"merchantRefundNo": "R 1", "originalTradeNo": strings.Repeat("9", 65), "refundAmount": "1.00", "currency": "USD",
		"reason": strings.Repeat("退", 81), "notifyUrl": "https://example.com/n?x=1",
	} {
		tests = append(tests, struct {
			name   string
			code   string
			status int
			ask    func(g *rig) seen
			signed bool
		}{"bad " + name, "PARAM_ERROR", 400, func(g *rig) seen {
			return g.send(g.build("/refunds", with(g.order("R1", "1"), name, value)))
		}, true})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := open(t, func(o *sandbox.Options) {
				o.Trades = append(o.Trades, sandbox.Trade{TradeNo: "T2", PaidAmount: 5}, sandbox.Trade{TradeNo: "C1", PaidAmount: 5, Status: sandbox.Closed})
			})
			s := tt.ask(g)
			require.NoError(t, s.err)
			require.Equal(t, tt.code, s.code(), s.body["message"])
			require.Equal(t, tt.status, s.status)
			require.Equal(t, tt.signed, s.signed)
			require.Equal(t, tt.signed, s.valid)
		})
	}
}

func TestFieldLimits(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	tests := []struct {
		name, value string
		ok          bool
	}{
		{"reason", strings.Repeat("退", 80), true},
		{"reason", "a=1&b=2 ", true},
		{"merchantRefundNo", strings.Repeat("r", 64), true},
		{"merchantRefundNo", strings.Repeat("r", 65), false},
		{"merchantRefundNo", "", false},
		{"refundAmount", "0", false},
		{"refundAmount", "-1", false},
		{"refundAmount", "01", false},
		{"refundAmount", "+1", false},
		{"refundAmount", "99999999999999999999", false},
		{"notifyUrl", "https://example.com/" + strings.Repeat("n", 236), true},
		{"notifyUrl", "https://example.com/" + strings.Repeat("n", 237), false},
		{"notifyUrl", "http://example.com/n", false},
		{"notifyUrl", "http://[::1]:8080/n", true},
		{"notifyUrl", "http://localhost/n", true},
		{"notifyUrl", "http://127.0.0.1.example.com/n", false},
		{"notifyUrl", "https://user@example.com/n", false},
		{"notifyUrl", "https://example.com/n#x", false},
		{"notifyUrl", "ftp://127.0.0.1/n", false},
		{"currency", "", false},
	}
	for i, tt := range tests {
		o := g.order("L"+string(rune('a'+i)), "1")
		o[tt.name] = tt.value
		want := "0000"
		if !tt.ok {
			want = "PARAM_ERROR"
		}
		require.Equal(t, want, g.send(g.build("/refunds", o)).code(), "%s=%s", tt.name, tt.value)
	}
}

func TestTradeQueryFollowsTheRefunds(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	trade := func() [2]string {
		s := g.send(g.build("/trades/query", map[string]string{"originalTradeNo": "T1"}))
		require.True(t, s.valid)
		require.Equal(t, "10000", s.body["paidAmount"])
		require.Equal(t, "CNY", s.body["currency"])
		return [2]string{s.body["tradeStatus"], s.body["refundedAmount"]}
	}
	require.Equal(t, [2]string{"PAID", "0"}, trade())
	g.refund("R1", "6000")
	require.Equal(t, [2]string{"PAID", "0"}, trade(), "open is not refunded")
	g.bank.Advance(time.Minute)
	require.Equal(t, [2]string{"PART_REFUNDED", "6000"}, trade())
	g.refund("R2", "4000")
	g.bank.Advance(time.Minute)
	require.Equal(t, [2]string{"REFUNDED", "10000"}, trade())
	require.NoError(t, g.bank.Bounce("R1"))
	require.Equal(t, [2]string{"PART_REFUNDED", "4000"}, trade())
}

func TestDedupe(t *testing.T) {
	t.Parallel()
	tests := []struct {
		dedupe        sandbox.Dedupe
		afterFail     int // executions after a failed number was sent again
		afterSuccess  int // executions after a succeeded number was sent again
		failedRepeats string
	}{
		{sandbox.DedupeAll, 0, 1, "FAIL"},
		{sandbox.DedupeSucceeded, 1, 1, "PROCESSING"},
		{sandbox.DedupeNone, 1, 2, "PROCESSING"},
	}
	for _, tt := range tests {
		g := open(t, func(o *sandbox.Options) { o.Dedupe = tt.dedupe })
		require.NoError(t, g.bank.Script("F", sandbox.FinalFail))
		g.refund("F", "100")
		g.refund("S", "100")
		g.bank.Advance(time.Minute)
		require.Equal(t, tt.failedRepeats, g.refund("F", "100").body["status"])
		g.refund("S", "100")
		g.bank.Advance(time.Minute)
		require.Equal(t, tt.afterFail, g.row("F").Executions)
		require.Equal(t, tt.afterSuccess, g.row("S").Executions)
		require.EqualValues(t, 100*tt.afterSuccess, g.row("S").Moved)
		require.Equal(t, 2, g.row("S").Copies)
		require.EqualValues(t, 100*(tt.afterFail+tt.afterSuccess), g.bank.Ledger().Trades[0].RefundedAmount)
	}
}

func TestSynchronousSettlement(t *testing.T) {
	t.Parallel()
	g := open(t, func(o *sandbox.Options) { o.SettleMin, o.SettleMax = 0, -1 })
	require.Equal(t, "SUCCESS", g.refund("R1", "1").body["status"])
	require.NoError(t, g.bank.Bounce("R1"))
	require.Equal(t, "SUCCESS", g.refund("R1", "1").body["status"], "the first result again")
	require.Equal(t, "REVERSED", g.query("R1").body["status"])

	g = open(t, func(o *sandbox.Options) { o.SettleMin, o.SettleMax = 0, 0 }) // the default
	statuses := map[string]int{}
	for _, n := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
		statuses[g.refund(n, "1").body["status"]]++
	}
	require.Positive(t, statuses["SUCCESS"])
	require.Greater(t, statuses["PROCESSING"], statuses["SUCCESS"])
	g.bank.Advance(30 * time.Second)
	require.EqualValues(t, 26, g.bank.Ledger().Trades[0].RefundedAmount)
}

func TestAddressList(t *testing.T) {
	t.Parallel()
	for prefix, code := range map[string]string{"10.0.0.0/8": "IP_NOT_ALLOWED", "127.0.0.0/8": "0000"} {
		g := open(t, func(o *sandbox.Options) { o.AllowIP = []netip.Prefix{netip.MustParsePrefix(prefix)} })
		s := g.refund("R1", "1")
		require.Equal(t, code, s.code())
		require.True(t, s.valid)
	}
}

func TestConcurrentCopiesExecuteOnce(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	var reqs []request
	for range 16 {
		reqs = append(reqs, g.build("/refunds", g.order("R1", "700")))
	}
	codes := make(chan string)
	for _, r := range reqs {
		go func() { codes <- g.send(r).code() }()
	}
	for range reqs {
		require.Equal(t, "0000", <-codes)
	}
	g.bank.Advance(time.Minute)
	require.Equal(t, 1, g.row("R1").Executions)
	require.Equal(t, 16, g.row("R1").Copies)
}
