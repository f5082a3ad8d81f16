package lanhai_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sign"
)

// every code of the contract, as a refund and a query read it. Source: the sandbox
// contract; what each means for the number is DESIGN.md section 2, rule 2.
var contract = []struct {
	code     string
	status   int
	effect   bankrail.Effect
	deferred bool
	absent   bool // for a query
}{
	{"SIGN_ERROR", 401, bankrail.Refused, false, false},
	{"PARAM_ERROR", 400, bankrail.Refused, false, false},
	{"MERCHANT_NOT_EXIST", 403, bankrail.Refused, false, false},
	{"IP_NOT_ALLOWED", 403, bankrail.Refused, false, false},
	{"TRADE_NOT_EXIST", 404, bankrail.Refused, false, false},
	{"REFUND_NOT_EXIST", 404, bankrail.Unknown, false, true},
	{"TRADE_STATUS_INVALID", 200, bankrail.Refused, false, false},
	{"REFUND_AMOUNT_EXCEEDED", 200, bankrail.Refused, false, false},
	{"NO_CONFLICT", 200, bankrail.Unknown, false, false},
	{"BALANCE_NOT_ENOUGH", 200, bankrail.Refused, true, false},
	{"FREQUENCY_LIMITED", 429, bankrail.Refused, true, false},
	{"SYSTEM_ERROR", 500, bankrail.Unknown, false, false},
}

func TestEveryCodeHasItsMeaning(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, row := range contract {
		listed = append(listed, row.code)
	}
	require.ElementsMatch(t, lanhai.Codes(), listed, "a code without a row, or a row without a code")
	rows := append(contract[:len(contract):len(contract)], []struct {
		code     string
		status   int
		effect   bankrail.Effect
		deferred bool
		absent   bool
	}{
		{"SOMETHING_NEW", 200, bankrail.Unknown, false, false},
		{"sign_error", 401, bankrail.Unknown, false, false},
		{"PARAM_ERROR ", 400, bankrail.Unknown, false, false},
		{"", 200, bankrail.Unknown, false, false},
		{"0", 200, bankrail.Unknown, false, false},
		{"0000", 500, bankrail.Unknown, false, false},
		{"0000", 202, bankrail.Unknown, false, false},
		{"0000", 404, bankrail.Unknown, false, false},
	}...)
	for _, row := range rows {
		t.Run(row.code+" "+http.StatusText(row.status), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			g := d.answers(func(c call) reply {
				r := coded(c, row.code, "originalTradeNo", "T77", "tradeStatus", "PAID", "paidAmount", "9900", "currency", "CNY")
				if c.path != "/bank/v1/trades/query" {
					r = coded(c, row.code, taken("status", "SUCCESS", "refundAmount", "1234")...)
				}
				r.status = row.status
				return r
			})

			_, err := refunded(g)
			var e *bankrail.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, row.effect, bankrail.EffectOf(err))
			require.Equal(t, row.deferred, e.Deferred)
			require.Equal(t, row.code, e.Code)
			require.Equal(t, row.status, e.HTTPStatus)
			require.Equal(t, answerNonce, e.RequestID)
			require.NotErrorIs(t, err, bankrail.ErrNotFound, "a refund is never told that it is absent")

			_, err = queried(g)
			require.ErrorAs(t, err, &e)
			require.Equal(t, bankrail.Unknown, bankrail.EffectOf(err), "a query refuses nothing")
			require.False(t, e.Deferred)
			require.Equal(t, row.absent, errors.Is(err, bankrail.ErrNotFound))

			_, err = g.Order(context.Background(), "T77")
			require.Error(t, err)
			require.Equal(t, row.code == "TRADE_NOT_EXIST" || row.absent, errors.Is(err, bankrail.ErrNotFound))
			require.Len(t, d.calls, 3, "one exchange each")
		})
	}
}

func TestRetryAfterOnlyDelays(t *testing.T) {
	t.Parallel()
	for value, wait := range map[string]time.Duration{
		"2": 2 * time.Second, " 30 ": 30 * time.Second, "0": 0, "": 0, "-1": 0, "86400": 24 * time.Hour, "86401": 0,
		"99999999999999999999": 0, "1.5": 0, "Sat, 21 Nov 2026 14:00:30 GMT": 0,
	} {
		d := newDesk(t)
		g := d.answers(func(c call) reply {
			r := coded(c, "FREQUENCY_LIMITED")
			r.status, r.edit = 429, func(h http.Header) { h.Set("Retry-After", value) }
			return r
		})
		_, err := refunded(g)
		var e *bankrail.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, wait, e.RetryAfter, value)
	}
}

func TestEveryStatusHasItsMeaning(t *testing.T) {
	t.Parallel()
	states := map[string]bankrail.Status{
		"PROCESSING": bankrail.Processing, "SUCCESS": bankrail.Succeeded, "FAIL": bankrail.Failed, "REVERSED": bankrail.Reversed,
	}
	require.Len(t, lanhai.Statuses(), len(states))
	for _, unlisted := range []string{"success", "SUCCESS ", "OK", "CLOSED", ""} {
		states[unlisted] = 0 // concludes nothing
	}
	for word, status := range states {
		d := newDesk(t)
		g := d.answers(func(c call) reply { return ok(c, taken("status", word, "refundAmount", "1234")...) })
		for _, ask := range []func(*lanhai.Gateway) (bankrail.Receipt, error){refunded, queried} {
			r, err := ask(g)
			require.NoError(t, err, word)
			require.Equal(t, status, r.Status, word)
		}
	}
}

func TestTradeStates(t *testing.T) {
	t.Parallel()
	states := map[string]refund.OrderStatus{
		"PAID": refund.OrderPaid, "PART_REFUNDED": refund.OrderPartlyRefunded,
		"REFUNDED": refund.OrderRefunded, "CLOSED": refund.OrderClosed,
	}
	require.Len(t, lanhai.TradeStatuses(), len(states))
	for word, status := range states {
		d := newDesk(t)
		g := d.answers(func(c call) reply {
			return ok(c, "originalTradeNo", "T77", "tradeStatus", word, "paidAmount", "9900", "currency", "CNY")
		})
		o, err := g.Order(context.Background(), "T77")
		require.NoError(t, err)
		require.Equal(t, refund.Order{Number: "T77", Trade: "T77", Status: status, Paid: bankrail.CNY(9900)}, o)
	}
	for name, members := range map[string][]string{
		"another trade":         {"originalTradeNo", "T78", "tradeStatus", "PAID", "paidAmount", "9900", "currency", "CNY"},
		"no trade":              {"tradeStatus", "PAID", "paidAmount", "9900", "currency", "CNY"},
		"a state of its own":    {"originalTradeNo", "T77", "tradeStatus", "OPEN", "paidAmount", "9900", "currency", "CNY"},
		"no amount":             {"originalTradeNo", "T77", "tradeStatus", "PAID", "currency", "CNY"},
		"no currency":           {"originalTradeNo", "T77", "tradeStatus", "PAID", "paidAmount", "9900"},
		"an amount above int64": {"originalTradeNo", "T77", "tradeStatus", "PAID", "paidAmount", "9223372036854775808", "currency", "CNY"},
	} {
		d := newDesk(t)
		g := d.answers(func(c call) reply { return ok(c, members...) })
		_, err := g.Order(context.Background(), "T77")
		require.Error(t, err, name)
		require.NotErrorIs(t, err, bankrail.ErrNotFound, name)
	}
	d := newDesk(t)
	g := d.open(nil)
	for _, number := range []string{"", "T 7", "T&x=1", strings.Repeat("9", 65), "单号"} {
		_, err := g.Order(context.Background(), number)
		require.ErrorIs(t, err, bankrail.ErrInvalid, number)
	}
	require.Empty(t, d.calls, "what is refused here costs no call")
}

// Whatever is wrong with an answer, the refund may have been executed.
func TestAnswersThatSayNothing(t *testing.T) {
	t.Parallel()
	good := func(c call, change ...string) reply {
		members := map[string]string{}
		order := []string{"merchantRefundNo", "bankRefundNo", "originalTradeNo", "status", "refundAmount", "currency"}
		for i, v := range []string{"R1001", "LH1", "T77", "SUCCESS", "1234", "CNY"} {
			members[order[i]] = v
		}
		for i := 0; i < len(change); i += 2 {
			members[change[i]] = change[i+1]
		}
		var pairs []string
		for _, name := range order {
			pairs = append(pairs, name, members[name])
		}
		return ok(c, pairs...)
	}
	with := func(change ...string) func(*desk, call) reply {
		return func(_ *desk, c call) reply { return good(c, change...) }
	}
	header := func(name, value string) func(*desk, call) reply {
		return func(_ *desk, c call) reply {
			r := good(c)
			r.edit = func(h http.Header) {
				if h.Set(name, value); value == "" {
					h.Del(name)
				}
			}
			return r
		}
	}
	// spliced adds raw members and signs the text a careless reader would build.
	spliced := func(raw string, said map[string]string) func(*desk, call) reply {
		return func(_ *desk, c call) reply {
			r := good(c)
			all := flat(r.body)
			for k, v := range said {
				all[k] = v
			}
			r.text = textOf(all, map[string]string{"merchantId": "M1001", "timestamp": "1795269600", "nonce": answerNonce})
			r.body = strings.TrimSuffix(r.body, "}") + "," + raw + "}"
			return r
		}
	}
	by := func(s func(*desk) sign.Signer) func(*desk, call) reply {
		return func(d *desk, c call) reply { r := good(c); r.signer = s(d); return r }
	}
	tests := []struct {
		name  string
		bad   func(*desk, call) reply
		cause error // sign.ErrSignature, or ErrInvalid for what is authentic and unreadable
	}{
		{"another number", with("merchantRefundNo", "R1002"), bankrail.ErrInvalid},
		{"no number", with("merchantRefundNo", ""), bankrail.ErrInvalid},
		{"another trade", with("originalTradeNo", "T78"), bankrail.ErrInvalid},
		{"an amount above int64", with("refundAmount", "9223372036854775808"), bankrail.ErrInvalid},
		{"an amount of 60 digits", with("refundAmount", strings.Repeat("0", 56)+"1234"), bankrail.ErrInvalid},
		{"an amount with a plus", with("refundAmount", "+1234"), bankrail.ErrInvalid},
		{"a negative amount", with("refundAmount", "-1234"), bankrail.ErrInvalid},
		{"an amount with a space", with("refundAmount", " 1234"), bankrail.ErrInvalid},
		{"an amount with decimals", with("refundAmount", "12.34"), bankrail.ErrInvalid},
		{"an amount with an exponent", with("refundAmount", "1234e0"), bankrail.ErrInvalid},
		{"an amount in other digits", with("refundAmount", "１２３４"), bankrail.ErrInvalid},
		{"a currency nobody knows", with("currency", "XXX"), bankrail.ErrInvalid},
		{"a time that is none", func(_ *desk, c call) reply {
			return ok(c, taken("status", "SUCCESS", "refundAmount", "1234", "refundedAt", "yesterday")...)
		}, bankrail.ErrInvalid},

		{"a member twice, the last signed", spliced(`"refundAmount":"1"`, map[string]string{"refundAmount": "1"}), nil},
		{"a member twice, the first signed", spliced(`"refundAmount":"1"`, nil), nil},
		{"a twin in capitals", spliced(`"REFUNDAMOUNT":"1"`, map[string]string{"REFUNDAMOUNT": "1"}), nil},
		{"a twin with a long s", spliced(`"\u017ftatus":"FAIL"`, map[string]string{"\u017ftatus": "FAIL"}), nil},
		{"a member that was not signed", spliced(`"more":"1"`, nil), sign.ErrSignature},
		{"a number with a fraction", spliced(`"n":1.0`, map[string]string{"n": "1.0"}), nil},
		{"a null", spliced(`"n":null`, nil), nil},
		{"a true", spliced(`"n":true`, map[string]string{"n": "true"}), nil},
		{"an object", spliced(`"n":{}`, nil), nil},
		{"an array", spliced(`"n":[]`, nil), nil},
		{"a body that says the merchant too", spliced(`"merchantId":"M1001"`, nil), sign.ErrSignature},
		{"something behind the object", func(_ *desk, c call) reply { r := good(c); r.text = textOf(flat(r.body)); r.body += "{}"; return r }, nil},
		{"a byte order mark", func(_ *desk, c call) reply { r := good(c); r.body = "\ufeff" + r.body; return r }, nil},
		{"half of the body", func(_ *desk, c call) reply { r := good(c); r.body = r.body[:len(r.body)/2]; return r }, nil},
		{"no body", func(_ *desk, c call) reply { r := good(c); r.body = ""; return r }, nil},
		{"an HTML page", func(*desk, call) reply { return reply{body: "<html><body>Please log in</body></html>"} }, nil},
		{"an HTML page with 502", func(*desk, call) reply { return reply{status: 502, body: "<html></html>"} }, nil},

		{"the answer to an earlier request", func(_ *desk, c call) reply {
			r := good(c)
			r.body = strings.Replace(r.body, c.header.Get("X-Nonce"), strings.Repeat("0", 32), 1)
			return r
		}, sign.ErrSignature},
		{"the answer to no request", func(_ *desk, c call) reply {
			r := good(c)
			r.body = strings.Replace(r.body, `"requestNonce":"`+c.header.Get("X-Nonce")+`",`, "", 1)
			return r
		}, sign.ErrSignature},
		{"no signature", header("Sign", ""), sign.ErrSignature},
		{"a signature in base64url", header("Sign", "__--"), sign.ErrSignature},
		{"junk for a signature", header("Sign", "MEUCIQ=="), sign.ErrSignature},
		{"another key under the bank's serial", by(func(d *desk) sign.Signer { return d.stranger }), sign.ErrSignature},
		{"the merchant's own key", by(func(d *desk) sign.Signer { return d.merchant }), sign.ErrSignature},
		{"the merchant's own key under the bank's serial", func(d *desk, c call) reply {
			r := good(c)
			r.signer, r.edit = d.merchant, func(h http.Header) { h.Set("X-Key-Id", "b-1") }
			return r
		}, sign.ErrSignature},
		{"a serial nobody knows", header("X-Key-Id", "b-2"), sign.ErrSignature},
		{"another merchant", header("X-Merchant-Id", "M1002"), sign.ErrSignature},
		{"no merchant", header("X-Merchant-Id", ""), sign.ErrSignature},
		{"another time", header("X-Timestamp", "1795269601"), sign.ErrSignature},
		{"another nonce", header("X-Nonce", strings.Repeat("0", 32)), sign.ErrSignature},
		{"another body", func(_ *desk, c call) reply {
			r := good(c)
			r.text = textOf(flat(r.body), map[string]string{"merchantId": "M1001", "timestamp": "1795269600", "nonce": answerNonce})
			r.body = strings.Replace(r.body, `"1234"`, `"9999"`, 1)
			return r
		}, sign.ErrSignature},
		{"a signature of the digest", func(_ *desk, c call) reply {
			r := good(c)
			sum := sha256.Sum256([]byte(textOf(flat(r.body), map[string]string{"merchantId": "M1001", "timestamp": "1795269600", "nonce": answerNonce})))
			r.text = hex.EncodeToString(sum[:])
			return r
		}, sign.ErrSignature},
		{"the right refund, for another merchant", func(_ *desk, c call) reply {
			r := good(c)
			r.text = textOf(flat(r.body), map[string]string{"merchantId": "M1002", "timestamp": "1795269600", "nonce": answerNonce})
			r.edit = func(h http.Header) { h.Set("X-Merchant-Id", "M1002") }
			return r
		}, sign.ErrSignature},

		{"an unsigned refusal", func(_ *desk, c call) reply {
			r := coded(c, "REFUND_AMOUNT_EXCEEDED")
			r.edit = func(h http.Header) { h.Del("Sign") }
			return r
		}, sign.ErrSignature},
		{"an unsigned absence", func(_ *desk, c call) reply {
			r := coded(c, "REFUND_NOT_EXIST")
			r.status, r.edit = 404, func(h http.Header) { h.Del("Sign") }
			return r
		}, sign.ErrSignature},
		{"a refusal of another number", func(_ *desk, c call) reply {
			return coded(c, "REFUND_AMOUNT_EXCEEDED", "merchantRefundNo", "R1002")
		}, bankrail.ErrInvalid},
		{"a refusal for another trade", func(_ *desk, c call) reply {
			return coded(c, "TRADE_NOT_EXIST", "originalTradeNo", "T78")
		}, bankrail.ErrInvalid},
		{"the absence of another number", func(_ *desk, c call) reply {
			r := coded(c, "REFUND_NOT_EXIST", "merchantRefundNo", "R1002")
			r.status = 404
			return r
		}, bankrail.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			g := d.answers(func(c call) reply { return tt.bad(d, c) })
			for _, ask := range []func(*lanhai.Gateway) (bankrail.Receipt, error){refunded, queried} {
				r, err := ask(g)
				require.Error(t, err)
				require.Zero(t, r)
				require.Equal(t, bankrail.Unknown, bankrail.EffectOf(err), "%v", err)
				require.NotErrorIs(t, err, bankrail.ErrNotFound)
				if tt.cause != nil {
					require.ErrorIs(t, err, tt.cause)
				}
				var e *bankrail.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, "lanhai-production", e.Gateway)
				require.NotRegexp(t, `\b9999\b`, err.Error(), "an error quotes no body")
			}
			require.Len(t, d.calls, 2, "what may have been executed is not sent again by itself")
		})
	}
	t.Run("the good answer they come from", func(t *testing.T) {
		t.Parallel()
		d := newDesk(t)
		g := d.answers(func(c call) reply { return good(c) })
		r, err := refunded(g)
		require.NoError(t, err)
		require.Equal(t, bankrail.CNY(1234), r.Amount)
	})
}

// What is authentic and merely unexpected is handed on as it was said; the journal
// compares it with its record.
func TestAnswersThatSayLittle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		members []string
		want    bankrail.Receipt
	}{
		{"no amount", taken("status", "SUCCESS"), bankrail.Receipt{Status: bankrail.Succeeded}},
		{"an empty amount", taken("status", "SUCCESS", "refundAmount", ""), bankrail.Receipt{Status: bankrail.Succeeded}},
		{"amount 0", taken("status", "SUCCESS", "refundAmount", "0"), bankrail.Receipt{Status: bankrail.Succeeded, Amount: bankrail.CNY(0)}},
		{"another amount", taken("status", "SUCCESS", "refundAmount", "1"), bankrail.Receipt{Status: bankrail.Succeeded, Amount: bankrail.CNY(1)}},
		{"the largest amount", taken("status", "SUCCESS", "refundAmount", "9223372036854775807"), bankrail.Receipt{Status: bankrail.Succeeded, Amount: bankrail.CNY(1<<63 - 1)}},
		{"another currency", taken("status", "SUCCESS", "refundAmount", "1234", "currency", "USD"), bankrail.Receipt{Status: bankrail.Succeeded, Amount: usd(t, 1234)}},
		{"a member nobody knows", taken("status", "SUCCESS", "channelNo", "C&1=2"), bankrail.Receipt{Status: bankrail.Succeeded}},
		{"the time of the bounce before that of the refund", taken("status", "REVERSED", "refundedAt", "2026-11-21T22:00:10+08:00", "reversedAt", "2026-11-21T22:00:20+08:00"),
			bankrail.Receipt{Status: bankrail.Reversed, At: start.Add(20 * time.Second)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			g := d.answers(func(c call) reply { return ok(c, tt.members...) })
			r, err := queried(g)
			require.NoError(t, err)
			require.NotEmpty(t, r.Raw)
			r.Raw, tt.want.Number, tt.want.GatewayNumber = nil, "R1001", "LH1"
			require.Equal(t, tt.want, r)
		})
	}
}

func usd(t *testing.T, cents int64) bankrail.Money {
	m, err := bankrail.NewMoney(cents, "USD")
	require.NoError(t, err)
	return m
}

// errHSM is a signer whose machine is away.
type errHSM struct{ sign.Signer }

var errAway = errors.New("the key service is away")

func (errHSM) Sign(context.Context, []byte) ([]byte, error) { return nil, errAway }

func TestASignerThatIsAwaySendsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	g := d.open(func(c *lanhai.Config) { c.Signer = errHSM{d.merchant} })
	_, err := refunded(g)
	require.ErrorIs(t, err, errAway)
	require.Equal(t, bankrail.NotSent, bankrail.EffectOf(err))
	require.Empty(t, d.calls)
}

func TestNotificationsThatAreAuthenticAndUnreadable(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	g := d.open(nil)
	good := map[string]string{
		"merchantRefundNo": "R1001", "status": "SUCCESS", "refundAmount": "1234", "notifyId": "N1", "merchantId": "M1001", "timestamp": "1795269600",
	}
	for field, values := range map[string][]string{
		"notifyId":         {"", "N 1", strings.Repeat("N", 65), "N1&x"},
		"merchantRefundNo": {"", "R 1", strings.Repeat("R", 65), "R1&x"},
		"timestamp":        {"", "now", "1795269600.5", "1795269600000"},
		"refundAmount":     {"-1", "9223372036854775808", "1 234"},
		"currency":         {"XXX"},
		"refundedAt":       {"20261121220000"},
	} {
		for _, v := range values {
			m := maps.Clone(good)
			m[field] = v
			var pairs []string
			for k, v := range m {
				pairs = append(pairs, k, v)
			}
			n, err := g.ReadNotice(context.Background(), d.message(object(pairs...), ""))
			require.ErrorIs(t, err, bankrail.ErrInvalid, "%s %q", field, v)
			require.NotErrorIs(t, err, notify.ErrForged)
			require.Zero(t, n)
		}
	}
}
