package refund_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
)

func records(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/records.golden")
	require.NoError(t, err)
	source, rest, _ := strings.Cut(string(b), "\n")
	require.True(t, strings.HasPrefix(source, "SOURCE: "))
	out := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(rest, "-- "), "\n-- ") {
		name, row, found := strings.Cut(part, " --\n")
		require.True(t, found)
		out[name] = strings.TrimSuffix(row, "\n")
	}
	return out
}

var rows = map[string]refund.Request{
	"full": {
		Number: "R1001", Channel: ch, Order: "O77", Trade: "T77", Amount: bankrail.CNY(1234), Reason: "不想要了 & 退", Operator: "li.wei",
		Extra: map[string]string{"a": "1", "b": ""},
	},
	"minimal": {Number: "R-1_a", Channel: ch, Order: "O77", Trade: "O77", Amount: bankrail.CNY(1<<63 - 1)},
	"yen":     {Number: "R1", Channel: ch, Order: "O1", Trade: "T1", Amount: yen(300), Reason: "sold out"},
	"written by a later release of the same version, which added a field": {
		Number: "R1001", Channel: ch, Order: "O77", Trade: "T77", Amount: bankrail.CNY(1234),
	},
}

func yen(n int64) bankrail.Money {
	m, err := bankrail.NewMoney(n, "JPY")
	if err != nil {
		panic(err)
	}
	return m
}

// Whatever was recorded once is sent again as it was, by every later release.
func TestStoredRequestsAreRead(t *testing.T) {
	t.Parallel()
	for name, r := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			s := h.service(refund.Config{})
			e := journal.Entry{ID: bankrail.ID{Channel: ch, Op: bankrail.OpRefund, Number: r.Number}, Data: []byte(records(t)[name])}
			_, err := s.Send(context.Background(), e, nil)
			require.NoError(t, err)
			_, err = s.Query(context.Background(), e)
			require.NoError(t, err)
			require.Equal(t, []refund.Request{r}, h.bank.sent)
			require.Equal(t, []refund.Request{r}, h.bank.asked)
		})
	}
}

func TestStoredRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"newer", "no version", "no JSON", "no currency"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			s := h.service(refund.Config{})
			e := journal.Entry{ID: bankrail.ID{Channel: ch, Op: bankrail.OpRefund, Number: "R1001"}, Data: []byte(records(t)[name])}
			_, err := s.Send(context.Background(), e, nil)
			require.ErrorIs(t, err, bankrail.ErrInvalid)
			require.Equal(t, bankrail.Unknown, bankrail.EffectOf(err), "another node may be able to send it")
			_, err = s.Query(context.Background(), e)
			require.ErrorIs(t, err, bankrail.ErrInvalid)
			require.NotErrorIs(t, err, bankrail.ErrNotFound)
			require.Empty(t, h.bank.sent)
			require.Empty(t, h.bank.asked)
		})
	}
}

func TestRequestsAreStoredAsEver(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"full", "minimal", "yen"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rows[name]
			h := open(t)
			s := h.service(refund.Config{Orders: shop{
				"O77": {Status: refund.OrderPaid, Paid: bankrail.CNY(1<<63 - 1)}, "O1": {Trade: "T1", Status: refund.OrderPaid, Paid: yen(300)},
			}})
			if r.Trade != "T77" {
				r.Trade = "" // comes from the order, or is the order
			}
			_, err := s.Create(context.Background(), r)
			require.NoError(t, err)
			e := h.entry(r.Number)
			require.Equal(t, records(t)[name], string(e.Data))
			require.Equal(t, []refund.Request{rows[name]}, h.bank.sent, "what is sent is what was recorded")
			require.Equal(t, r.Operator, e.Operator)
			require.Equal(t, r.Order, e.Order)
		})
	}
}

func TestWhatDoesNotSurviveBeingRecordedIsRefused(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("退", n) }
	tests := []struct {
		name, field string
		change      func(*refund.Request)
	}{
		{"no number", "number", func(r *refund.Request) { r.Number = "" }},
		{"a number that is not UTF-8", "number", func(r *refund.Request) { r.Number = "R\xff" }},
		{"a number of 129 characters", "number", func(r *refund.Request) { r.Number = long(129) }},
		{"no order", "order", func(r *refund.Request) { r.Order = "" }},
		{"an order of 129 characters", "order", func(r *refund.Request) { r.Order = long(129) }},
		{"a trade of 129 characters", "trade", func(r *refund.Request) { r.Trade = long(129) }},
		{"a reason of 257 characters", "reason", func(r *refund.Request) { r.Reason = long(257) }},
		{"a reason that is not UTF-8", "reason", func(r *refund.Request) { r.Reason = "\xff" }},
		{"an operator of 129 characters", "operator", func(r *refund.Request) { r.Operator = long(129) }},
		{"amount 0", "amount", func(r *refund.Request) { r.Amount = bankrail.CNY(0) }},
		{"no amount", "amount", func(r *refund.Request) { r.Amount = bankrail.Money{} }},
		{"a negative amount", "amount", func(r *refund.Request) { r.Amount = bankrail.CNY(-1) }},
		{"33 extra fields", "extra", func(r *refund.Request) {
			r.Extra = map[string]string{}
			for i := range 33 {
				r.Extra[strings.Repeat("x", i+1)] = "1"
			}
		}},
		{"an extra field that is not UTF-8", "request", func(r *refund.Request) { r.Extra = map[string]string{"a": "\xff"} }},
		{"another channel", "channel", func(r *refund.Request) { r.Channel = bankrail.Channel{Gateway: "test-sandbox", Merchant: "M2"} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			r := want
			tt.change(&r)
			_, err := h.service(refund.Config{}).Create(context.Background(), r)
			var f *bankrail.FieldError
			require.ErrorAs(t, err, &f)
			require.Equal(t, tt.field, f.Field)
			require.ErrorIs(t, err, bankrail.ErrInvalid)
			h.unrecorded(r.Number)
		})
	}
}

// What makes a request under a recorded number its repeat, and what another one.
func TestWhatIsARepeat(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*refund.Request)
		repeat bool
	}{
		{"all the same", func(*refund.Request) {}, true},
		{"another reason", func(r *refund.Request) { r.Reason = "other" }, true},
		{"another operator", func(r *refund.Request) { r.Operator = "wang.fang" }, true},
		{"the channel spelt out", func(r *refund.Request) { r.Channel = ch }, true},
		{"an empty map of extra fields", func(r *refund.Request) { r.Extra = map[string]string{} }, true},
		{"a reason that nobody would take", func(r *refund.Request) { r.Reason = strings.Repeat("x", 1000) }, true},
		{"another amount", func(r *refund.Request) { r.Amount = bankrail.CNY(1235) }, false},
		{"the same digits in another currency", func(r *refund.Request) { r.Amount = yen(1234) }, false},
		{"another order", func(r *refund.Request) { r.Order = "O78" }, false},
		{"another trade", func(r *refund.Request) { r.Trade = "T78" }, false},
		{"an extra field", func(r *refund.Request) { r.Extra = map[string]string{"a": ""} }, false},
		{"fields run together", func(r *refund.Request) { r.Order, r.Trade = "O7", "7" }, false},
		{"an amount that nobody would take", func(r *refund.Request) { r.Amount = bankrail.CNY(0) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			ctx := context.Background()
			s := h.service(refund.Config{})
			first, err := s.Create(ctx, want)
			require.NoError(t, err)
			r := want
			tt.change(&r)
			again, err := s.Create(ctx, r)
			require.Len(t, h.bank.sent, 1, "sent once, whatever comes")
			if tt.repeat {
				require.NoError(t, err)
				require.Equal(t, first, again)
				return
			}
			require.ErrorIs(t, err, bankrail.ErrConflict)
			var conflict *journal.ConflictError
			require.ErrorAs(t, err, &conflict)
			require.Equal(t, bankrail.Succeeded, conflict.Existing.Status)
			require.Equal(t, bankrail.CNY(1234), conflict.Existing.Amount)
		})
	}
}
