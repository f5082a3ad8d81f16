package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
)

func TestAdmin(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	admin := g.bank.Admin()
	call := func(method, path, body string, out any) int {
		w := httptest.NewRecorder()
		admin.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		if out != nil {
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), out), w.Body.String())
		}
		return w.Code
	}
	require.Equal(t, 204, call("POST", "/trades", `{"tradeNo":"A1","paidAmount":500}`, nil))
	require.Equal(t, 400, call("POST", "/trades", `{"tradeNo":"A1","paidAmount":500}`, nil), "taken")
	require.Equal(t, 400, call("POST", "/trades", `{"tradeNo":"A2","paidAmount":5.5}`, nil))
	require.Equal(t, 400, call("POST", "/trades", `{"tradeNo":"A2","amount":5}`, nil), "unknown field")
	require.Equal(t, 204, call("POST", "/script", `{"number":"R1","request":["system-error"],"query":["stale-query"],"notice":["notice-lost"]}`, nil))
	require.Equal(t, 400, call("POST", "/script", `{"number":"R1","query":["evil"]}`, nil))

	require.Equal(t, "SYSTEM_ERROR", g.refund("R1", "1").code())
	require.Equal(t, "REFUND_NOT_EXIST", g.query("R1").code())
	require.Equal(t, 204, call("POST", "/clock", `{"advance":"10s"}`, nil))
	require.Equal(t, 400, call("POST", "/clock", `{"advance":"soon"}`, nil))
	require.Empty(t, g.hook.all())

	var clock struct{ Now time.Time }
	call("GET", "/clock", "", &clock)
	require.Equal(t, start.Add(10*time.Second), clock.Now)
	var ledger sandbox.Ledger
	call("GET", "/ledger", "", &ledger)
	require.Equal(t, g.bank.Ledger(), ledger)
	require.Len(t, ledger.Trades, 2)
	var keys sandbox.Keys
	call("GET", "/keys", "", &keys)
	require.Equal(t, g.bank.Keys(), keys)
	var notices []sandbox.Notice
	call("GET", "/notifications", "", &notices)
	require.Len(t, notices, 1)
	require.Equal(t, sandbox.NoticeLost, notices[0].Deliveries[0].Fault)

	require.Equal(t, 204, call("PUT", "/faults", `{"query":{"system-error":1000}}`, nil))
	var shares sandbox.Shares
	call("GET", "/faults", "", &shares)
	require.Equal(t, 1000, shares.Query[sandbox.SystemError])
	require.Equal(t, "SYSTEM_ERROR", g.query("R1").code())
	require.Equal(t, 204, call("PUT", "/faults", `{"off":true}`, nil))

	require.Equal(t, 204, call("POST", "/bounce", `{"number":"R1"}`, nil))
	require.Equal(t, 400, call("POST", "/bounce", `{"number":"R1"}`, nil))
	g.refund("R2", "1")
	require.Equal(t, 204, call("POST", "/settle", `{"number":"R2","outcome":"FAIL"}`, nil))
	require.Equal(t, sandbox.Fail, g.row("R2").Status)

	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/clock", strings.NewReader(`{"advance":"1h"}`))
	r.Header.Set("Origin", "https://evil.example")
	admin.ServeHTTP(w, r)
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Equal(t, start.Add(10*time.Second), g.bank.Now())
}

func TestAddTradeIsChecked(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	for name, trade := range map[string]sandbox.Trade{
		"no number":      {PaidAmount: 1},
		"blank":          {TradeNo: "A 1", PaidAmount: 1},
		"nothing paid":   {TradeNo: "A1"},
		"negative":       {TradeNo: "A1", PaidAmount: -1},
		"unknown status": {TradeNo: "A1", PaidAmount: 1, Status: "OPEN"},
		"own sums":       {TradeNo: "A1", PaidAmount: 1, RefundedAmount: 1},
		"taken":          {TradeNo: "T1", PaidAmount: 1},
	} {
		require.Error(t, g.bank.AddTrade(trade), name)
	}
}

// On the real clock everything goes by itself, and Close lets go of held answers.
func TestRealClock(t *testing.T) {
	t.Parallel()
	heard := make(chan string, 10)
	merchant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ MerchantRefundNo, Status string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		_, _ = w.Write([]byte("OK"))
		heard <- body.MerchantRefundNo + " " + body.Status
	}))
	defer merchant.Close()
	g := open(t, func(o *sandbox.Options) {
		o.Clock, o.SettleMin, o.SettleMax = nil, time.Millisecond, time.Millisecond
	})
	order := g.order("R1", "1")
	order["notifyUrl"] = merchant.URL
	require.Equal(t, "0000", g.send(g.build("/refunds", order)).code())
	require.Equal(t, "R1 SUCCESS", <-heard)

	require.NoError(t, g.bank.Script("R2", sandbox.ReplyDelayed))
	held := make(chan seen)
	req := g.build("/refunds", g.order("R2", "1"))
	go func() { held <- g.send(req) }()
	require.Eventually(t, func() bool { _, ok := g.bank.Ledger().Refund("R2"); return ok }, 5*time.Second, time.Millisecond)
	require.NoError(t, g.bank.Close())
	require.ErrorIs(t, (<-held).err, io.EOF, "let go at once, not by the client's patience")
	require.Error(t, g.refund("R3", "1").err, "a closed bank does not answer")
	require.NoError(t, g.bank.Close(), "closing twice is fine")
}
