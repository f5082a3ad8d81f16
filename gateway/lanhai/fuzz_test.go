package lanhai_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/notify"
)

const goodNotice = `{"merchantRefundNo":"R1001","status":"SUCCESS","refundAmount":"1234","notifyId":"N1",` +
	`"merchantId":"M1001","timestamp":"1795269600","nonce":"n1"}`

// oneText is a verifier that believes one text only and remembers what it was asked.
type oneText struct {
	text  string
	asked int
}

var errNotSigned = errors.New("not what was signed")

func (v *oneText) Verify(_ context.Context, message, _ []byte, _ string) error {
	v.asked++
	if string(message) != v.text {
		return errNotSigned
	}
	return nil
}

// ReadNotice never panics, verifies at most once, and what it accepts says what was
// signed: the members of the text, however the body writes them.
func FuzzReadNotice(f *testing.F) {
	for _, name := range []string{"success", "fail", "bounce"} {
		f.Add([]byte(golden(f, "notification/"+name)["body"]), "MEUCIQ==")
	}
	f.Add([]byte(goodNotice), "MEUCIQ==")
	f.Add([]byte(strings.ReplaceAll(goodNotice, "1234", "12345")), "MEUCIQ==")
	f.Add([]byte(strings.ReplaceAll(goodNotice, `"nonce":"n1"`, `"nonce":"n1","NONCE":"n2"`)), "MEUCIQ==")
	f.Add([]byte(`{"merchantRefundNo":"R1001\u0026status=SUCCESS"}`), "")
	d := newDesk(f)
	g := d.open(nil)
	f.Fuzz(func(t *testing.T, body []byte, signature string) {
		v := &oneText{text: textOf(flat(goodNotice))}
		g.SetBank(v)
		n, err := g.ReadNotice(context.Background(), notify.Message{Header: http.Header{"Sign": {signature}}, Body: body})
		require.LessOrEqual(t, v.asked, 1)
		if err != nil {
			require.Empty(t, n.News)
			return
		}
		require.Equal(t, 1, v.asked)
		require.Equal(t, v.text, textOf(flat(string(body))))
		require.Equal(t, "N1", n.ID)
		require.Equal(t, start, n.At)
		require.Len(t, n.News, 1)
		require.Equal(t, "R1001", n.News[0].Number)
		require.Equal(t, body, n.News[0].Raw)
		// A separator inside a value can hide a member, and hide only.
		require.Contains(t, []bankrail.Money{bankrail.CNY(1234), {}}, n.News[0].Amount)
		require.Contains(t, []bankrail.Status{bankrail.Succeeded, 0}, n.News[0].Status)
	})
}

// A body that the bank signed for this request is read without a panic, and any
// other result than an error is about this refund.
func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"refund/reply_processing", "refund/reply_refused", "refund_query/reply_success"} {
		f.Add(golden(f, name)["body"], 200, true)
	}
	f.Add(`{"code":"0000","requestNonce":"0123456789abcdef0123456789abcdef","merchantRefundNo":"R1001","status":"SUCCESS","refundAmount":"-0"}`, 200, true)
	f.Add("<html>", 502, false)
	d := newDesk(f)
	v := &signedFlag{}
	g := d.open(nil)
	g.SetBank(v)
	g.SetNonce(func() string { return "0123456789abcdef0123456789abcdef" })
	f.Fuzz(func(t *testing.T, body string, status int, signed bool) {
		if status < 200 || status > 599 || status/100 == 3 || status == 204 || status == 205 || status == 304 {
			return
		}
		v.signed = signed
		d.reply = func(call) reply { return reply{status: status, body: body, text: "x"} }
		r, err := refunded(g)
		if err != nil {
			require.Zero(t, r)
			if bankrail.EffectOf(err) != bankrail.Unknown {
				require.True(t, signed)
				require.Equal(t, bankrail.Refused, bankrail.EffectOf(err))
			}
			return
		}
		require.True(t, signed)
		require.Equal(t, 200, status)
		require.Equal(t, "R1001", r.Number)
		require.GreaterOrEqual(t, r.Amount.Minor(), int64(0))
		require.Equal(t, body, string(r.Raw))
	})
}

type signedFlag struct{ signed bool }

func (v *signedFlag) Verify(context.Context, []byte, []byte, string) error {
	if v.signed {
		return nil
	}
	return errNotSigned
}
