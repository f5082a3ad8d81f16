package lanhai_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/refund"
)

func TestCheckRefund(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*refund.Request)
		field  string // empty: taken
	}{
		{"as it is", func(*refund.Request) {}, ""},
		{"one fen", func(r *refund.Request) { r.Amount = bankrail.CNY(1) }, ""},
		{"the largest amount", func(r *refund.Request) { r.Amount = bankrail.CNY(1<<63 - 1) }, ""},
		{"amount 0", func(r *refund.Request) { r.Amount = bankrail.CNY(0) }, "amount"},
		{"no amount", func(r *refund.Request) { r.Amount = bankrail.Money{} }, "currency"},
		{"a negative amount", func(r *refund.Request) { r.Amount = bankrail.CNY(-1) }, "amount"},
		{"the most negative amount", func(r *refund.Request) { r.Amount = bankrail.CNY(-1 << 63) }, "amount"},
		{"another currency", func(r *refund.Request) { r.Amount = usd(t, 1234) }, "currency"},
		{"64 characters of number", func(r *refund.Request) { r.Number = strings.Repeat("a_-Z", 16) }, ""},
		{"65 characters of number", func(r *refund.Request) { r.Number = strings.Repeat("9", 65) }, "number"},
		{"no number", func(r *refund.Request) { r.Number = "" }, "number"},
		{"a number with a blank", func(r *refund.Request) { r.Number = "R 1" }, "number"},
		{"a number with a dot", func(r *refund.Request) { r.Number = "R.1" }, "number"},
		{"a number with a separator", func(r *refund.Request) { r.Number = "R1&status=SUCCESS" }, "number"},
		{"a number with a line break", func(r *refund.Request) { r.Number = "R1\n" }, "number"},
		{"a number with NUL", func(r *refund.Request) { r.Number = "R1\x00" }, "number"},
		{"a number in Chinese", func(r *refund.Request) { r.Number = "单号" }, "number"},
		{"a number in other digits", func(r *refund.Request) { r.Number = "１" }, "number"},
		{"65 characters of trade", func(r *refund.Request) { r.Trade = strings.Repeat("9", 65) }, "trade"},
		{"a trade with a slash", func(r *refund.Request) { r.Trade = "T/7" }, "trade"},
		{"the order is the trade", func(r *refund.Request) { r.Trade = "" }, ""},
		{"the order is the trade, and cannot be", func(r *refund.Request) { r.Trade, r.Order = "", "2026/77" }, "trade"},
		{"neither trade nor order", func(r *refund.Request) { r.Trade, r.Order = "", "" }, "trade"},
		{"no reason", func(r *refund.Request) { r.Reason = "" }, ""},
		{"80 characters of reason", func(r *refund.Request) { r.Reason = strings.Repeat("退", 80) }, ""},
		{"81 characters of reason", func(r *refund.Request) { r.Reason = strings.Repeat("退", 81) }, "reason"},
		{"a reason with a line break", func(r *refund.Request) { r.Reason = "a\nb" }, "reason"},
		{"a reason with NUL", func(r *refund.Request) { r.Reason = "a\x00" }, "reason"},
		{"a reason with a C1 control", func(r *refund.Request) { r.Reason = "a\u0085" }, "reason"},
		{"a reason that is not UTF-8", func(r *refund.Request) { r.Reason = "a\xff" }, "reason"},
		{"a reason in GBK", func(r *refund.Request) { r.Reason = "\xcd\xcb\xb7\xd1" }, "reason"},
		{"an extra field", func(r *refund.Request) { r.Extra = map[string]string{"subMerchant": "1"} }, "extra"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			g := d.open(nil)
			r := want
			tt.change(&r)
			err := g.CheckRefund(r)
			if tt.field == "" {
				require.NoError(t, err)
				return
			}
			var f *bankrail.FieldError
			require.ErrorAs(t, err, &f)
			require.Equal(t, tt.field, f.Field)
			require.ErrorIs(t, err, bankrail.ErrInvalid)

			_, err = g.Refund(context.Background(), r)
			require.ErrorAs(t, err, &f)
			require.Equal(t, bankrail.NotSent, bankrail.EffectOf(err))
			require.Empty(t, d.calls)
		})
	}
}
