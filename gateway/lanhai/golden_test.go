package lanhai_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/refund"
)

// golden reads the sections of a file of wire bytes. It begins with its source.
func golden(t testing.TB, name string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "lanhai", filepath.FromSlash(name)+".golden"))
	require.NoError(t, err)
	source, rest, found := strings.Cut(string(b), "\n")
	require.True(t, found && strings.HasPrefix(source, "SOURCE: "), "%s says not where it comes from", name)
	out := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(rest, "-- "), "\n-- ") {
		title, content, found := strings.Cut(part, " --\n")
		require.True(t, found, "%s: section %.20q", name, part)
		out[title] = content
	}
	for title, content := range out {
		out[title] = strings.TrimSuffix(content, "\n")
	}
	return out
}

func TestGoldenRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		golden string
		change func(*lanhai.Config)
		send   func(*lanhai.Gateway) error
	}{
		{"refund/full", func(c *lanhai.Config) { c.NotifyURL = "https://shop.example/notify/lanhai" }, func(g *lanhai.Gateway) error {
			r := want
			r.Reason = "不想要了 & 退"
			_, err := g.Refund(context.Background(), r)
			return err
		}},
		{"refund/minimal", nil, func(g *lanhai.Gateway) error {
			_, err := g.Refund(context.Background(), refund.Request{Number: "R-1_a", Order: "O77", Amount: bankrail.CNY(1<<63 - 1)})
			return err
		}},
		{"refund_query/request", nil, func(g *lanhai.Gateway) error {
			_, err := g.QueryRefund(context.Background(), want)
			return err
		}},
		{"trade_query/request", nil, func(g *lanhai.Gateway) error {
			_, err := g.Order(context.Background(), "T77")
			return err
		}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			t.Parallel()
			file := golden(t, tt.golden)
			d := newDesk(t)
			d.reply = func(c call) reply {
				return ok(c, "merchantRefundNo", c.fields["merchantRefundNo"], "originalTradeNo", c.fields["originalTradeNo"],
					"status", "PROCESSING", "tradeStatus", "PAID", "paidAmount", "1", "currency", "CNY")
			}
			g := d.open(tt.change)
			g.SetNonce(func() string { return file["nonce"] })
			require.NoError(t, tt.send(g))

			c := d.calls[0]
			require.Equal(t, file["request"], c.method+" "+c.path)
			require.Equal(t, file["body"], c.body)
			require.Equal(t, "application/json; charset=utf-8", c.header.Get("Content-Type"))
			require.Equal(t, "M1001", c.header.Get("X-Merchant-Id"))
			require.Equal(t, "SM2-SM3", c.header.Get("X-Sign-Type"))
			require.Equal(t, "m-1", c.header.Get("X-Key-Id"))
			require.Equal(t, file["timestamp"], c.header.Get("X-Timestamp"))
			require.Equal(t, file["nonce"], c.header.Get("X-Nonce"))
			for _, h := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
				require.Empty(t, c.header.Values(h))
			}
			text, err := lanhai.CanonicalText([]byte(file["body"]), "M1001", file["timestamp"], file["nonce"])
			require.NoError(t, err)
			require.Equal(t, file["text"], text)
			d.verifies(file["text"], c)
		})
	}
}

// verifies holds the signature of a request to a text.
func (d *desk) verifies(text string, c call) {
	sig, err := base64.StdEncoding.DecodeString(c.header.Get("Sign"))
	require.NoError(d.t, err)
	require.NoError(d.t, d.own.Verify(context.Background(), []byte(text), sig, c.header.Get("X-Key-Id")))
}

func TestGoldenReplies(t *testing.T) {
	t.Parallel()
	at := start
	tests := []struct {
		golden string
		ask    func(*lanhai.Gateway) (bankrail.Receipt, error)
		want   bankrail.Receipt
		check  func(*testing.T, error)
	}{
		{"refund/reply_processing", refunded, bankrail.Receipt{
			Number: "R1001", GatewayNumber: "LH20261121000001", Status: bankrail.Processing, Amount: bankrail.CNY(1234), At: at,
		}, nil},
		{"refund/reply_refused", refunded, bankrail.Receipt{}, func(t *testing.T, err error) {
			var e *bankrail.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, bankrail.Error{
				Gateway: "lanhai-production", Op: bankrail.OpRefund, Code: "REFUND_AMOUNT_EXCEEDED", Message: "more than is left",
				RequestID: answerNonce, HTTPStatus: 200, Effect: bankrail.Refused,
			}, *e)
		}},
		{"refund_query/reply_success", queried, bankrail.Receipt{
			Number: "R1001", GatewayNumber: "LH20261121000001", Status: bankrail.Succeeded, Amount: bankrail.CNY(1234), At: at.Add(10 * time.Second),
		}, nil},
		{"refund_query/reply_absent", queried, bankrail.Receipt{}, func(t *testing.T, err error) {
			require.ErrorIs(t, err, bankrail.ErrNotFound)
		}},
		{"trade_query/reply_paid", func(g *lanhai.Gateway) (bankrail.Receipt, error) {
			o, err := g.Order(context.Background(), "T77")
			require.NoError(t, err)
			require.Equal(t, refund.Order{Number: "T77", Trade: "T77", Status: refund.OrderPartlyRefunded, Paid: bankrail.CNY(9900)}, o)
			return bankrail.Receipt{}, nil
		}, bankrail.Receipt{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			t.Parallel()
			file := golden(t, tt.golden)
			d := newDesk(t)
			g := d.answers(func(call) reply { return reply{body: file["body"], text: file["text"]} })
			g.SetNonce(func() string { return file["request nonce"] })
			r, err := tt.ask(g)
			if tt.check != nil {
				tt.check(t, err)
				return
			}
			require.NoError(t, err)
			if tt.want.Status != 0 {
				require.Equal(t, file["body"], string(r.Raw))
			}
			r.Raw = nil
			require.Equal(t, tt.want, r)
		})
	}
}

func refunded(g *lanhai.Gateway) (bankrail.Receipt, error) {
	return g.Refund(context.Background(), want)
}

func queried(g *lanhai.Gateway) (bankrail.Receipt, error) {
	return g.QueryRefund(context.Background(), want)
}

func TestGoldenNotifications(t *testing.T) {
	t.Parallel()
	tests := []struct {
		golden string
		id     string
		want   bankrail.Receipt
	}{
		{"notification/success", "N1", bankrail.Receipt{Status: bankrail.Succeeded, At: start.Add(10 * time.Second)}},
		{"notification/fail", "N2", bankrail.Receipt{Status: bankrail.Failed, At: start, Code: "CARD_CLOSED", Message: "the card is closed"}},
		{"notification/bounce", "N3", bankrail.Receipt{Status: bankrail.Reversed, At: time.Date(2026, 11, 22, 1, 30, 0, 0, time.UTC)}},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			t.Parallel()
			file := golden(t, tt.golden)
			d := newDesk(t)
			g := d.open(nil)
			n, err := g.ReadNotice(context.Background(), d.message(file["body"], file["text"]))
			require.NoError(t, err)
			require.Equal(t, g.Channel(), n.Channel)
			require.Equal(t, tt.id, n.ID)
			require.Equal(t, start, n.At)
			require.Equal(t, sha256.Sum256([]byte(file["content"])), n.Digest)
			require.Len(t, n.News, 1)
			tt.want.Number, tt.want.GatewayNumber, tt.want.Amount = "R1001", "LH20261121000001", bankrail.CNY(1234)
			tt.want.Raw = []byte(file["body"])
			require.Equal(t, bankrail.OpRefund, n.News[0].Op)
			require.Equal(t, tt.want, n.News[0].Receipt)
			require.Equal(t, "SUCCESS", g.Acknowledgement())
		})
	}
}

// message is a notification signed by the bank over a text.
func (d *desk) message(body, text string) notify.Message {
	if text == "" {
		text = textOf(flat(body))
	}
	h := d.seal(reply{body: body, text: text})
	h.Del("X-Merchant-Id") // these are members of the body here
	h.Del("X-Timestamp")
	h.Del("X-Nonce")
	return notify.Message{Header: h, Body: []byte(body)}
}

// A repeat is sent from the record, under another clock: the bank must see the same
// request, and nobody a signature twice.
func TestARecordedRequestIsTheSameAndFreshlySigned(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	now := start
	d.reply = func(c call) reply { return ok(c, taken("status", "PROCESSING")...) }
	g := d.open(func(c *lanhai.Config) { c.Now = func() time.Time { return now } })
	_, err := refunded(g)
	require.NoError(t, err)
	now = now.Add(15 * time.Minute)
	_, err = refunded(g)
	require.NoError(t, err)

	first, second := d.calls[0], d.calls[1]
	require.Equal(t, first.body, second.body)
	require.Equal(t, "1795269600", first.header.Get("X-Timestamp"))
	require.Equal(t, "1795270500", second.header.Get("X-Timestamp"))
	for _, h := range []string{"X-Nonce", "Sign"} {
		require.NotEqual(t, first.header.Get(h), second.header.Get(h), h)
	}
	for _, c := range d.calls {
		require.Regexp(t, "^[0-9a-f]{32}$", c.header.Get("X-Nonce"))
		d.verifies(textOf(c.fields, map[string]string{
			"merchantId": "M1001", "timestamp": c.header.Get("X-Timestamp"), "nonce": c.header.Get("X-Nonce"),
		}), c)
	}
}
