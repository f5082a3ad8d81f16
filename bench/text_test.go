package bench_test

import (
	"bytes"
	"net/url"
	"slices"
	"testing"

	"github.com/go-pay/gopay"
	"github.com/smartwalle/nsign"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sign"
)

// twenty are the fields of an Alipay page payment and its envelope, in no order.
func twenty() []sign.Field {
	return []sign.Field{
		{Name: "method", Value: "alipay.trade.page.pay"}, {Name: "app_id", Value: "2021001100600001"},
		{Name: "charset", Value: "utf-8"}, {Name: "sign_type", Value: "RSA2"},
		{Name: "timestamp", Value: "2026-11-20 10:00:00"}, {Name: "version", Value: "1.0"},
		{Name: "notify_url", Value: "https://merchant.example/notify"}, {Name: "return_url", Value: "https://merchant.example/return"},
		{Name: "out_trade_no", Value: "P202611200001"}, {Name: "product_code", Value: "FAST_INSTANT_TRADE_PAY"},
		{Name: "total_amount", Value: "99.00"}, {Name: "subject", Value: "年度会员"},
		{Name: "body", Value: "a year of everything"}, {Name: "seller_id", Value: "2088000000000001"},
		{Name: "buyer_id", Value: "2088000000000002"}, {Name: "timeout_express", Value: "30m"},
		{Name: "goods_type", Value: "0"}, {Name: "passback_params", Value: "merchantBizType%3d3C"},
		{Name: "store_id", Value: "NJ_001"}, {Name: "terminal_id", Value: "T-0007"},
	}
}

func bodyMap() gopay.BodyMap {
	m := gopay.BodyMap{}
	for _, f := range twenty() {
		m.Set(f.Name, f.Value)
	}
	return m
}

func values() url.Values {
	v := url.Values{}
	for _, f := range twenty() {
		v.Set(f.Name, f.Value)
	}
	return v
}

func stringMap() map[string]string {
	m := map[string]string{}
	for _, f := range twenty() {
		m[f.Name] = f.Value
	}
	return m
}

// canonical is the text that everyone here builds.
func canonical(t testing.TB) string {
	t.Helper()
	b, err := sign.Text{}.Append(nil, twenty())
	require.NoError(t, err)
	return string(b)
}

// textGroup compares the canonical text of 20 fields. Append sorts in place, so it
// gets the unsorted fields anew each time.
func textGroup(t testing.TB) group {
	want := canonical(t)
	source, fields, dst := twenty(), twenty(), make([]byte, 0, 2048)
	sorted := twenty()
	slices.SortFunc(sorted, func(a, b sign.Field) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	m, bm, v, encoder := stringMap(), bodyMap(), values(), &nsign.DefaultEncoder{}
	var buffer bytes.Buffer
	last := ""
	g := group{"canonical text, 20 fields", []*row{
		{name: "floor: copying sorted fields", run: func() {
			dst = dst[:0]
			for i := range sorted {
				if i > 0 {
					dst = append(dst, '&')
				}
				dst = append(append(append(dst, sorted[i].Name...), '='), sorted[i].Value...)
			}
		}},
		{name: bankrailText, run: func() {
			copy(fields, source)
			dst, _ = sign.Text{}.Append(dst[:0], fields)
		}},
		{name: "bankrail Text.FromMap", run: func() { dst, _ = sign.Text{}.FromMap(nil, m) }},
		{name: gopayName, run: func() { last = bm.EncodeAliPaySignParams() }},
		{name: smartwalleName, run: func() {
			buffer.Reset()
			b, _ := encoder.EncodeValues(&buffer, v, &nsign.SignOptions{})
			dst = append(dst[:0], b...)
		}},
	}}
	for _, r := range g.rows {
		dst, last = dst[:0], ""
		r.run()
		if r.name == gopayName {
			dst = append(dst[:0], last...)
		}
		require.Equal(t, want, string(dst), r.name)
	}
	return g
}
