package sign_test

import (
	"fmt"

	"github.com/bankrail/bankrail/sign"
)

// The text of a callback is built of the raw bytes that came, decoded once.
func ExampleProfile_Append() {
	p, err := sign.ProfileByName("alipay-v2-callback")
	if err != nil {
		panic(err)
	}
	body := []byte("trade_status=TRADE_SUCCESS&total_amount=100.10&subject=a%26b&sign_type=RSA2&sign=x%3D%3D")
	text, err := p.Append(nil, sign.Input{Body: body})
	fmt.Println(string(text), err)
	fmt.Println(p.Algorithm, p.Encoding, p.Carrier)
	// Output:
	// subject=a&b&total_amount=100.10&trade_status=TRADE_SUCCESS <nil>
	// RSA-SHA256 base64 sign
}

// A host's own gateway is a Profile of the host's: here names and values run
// together, the secret stands behind, and null is nothing.
func ExampleProfile_Text() {
	p := sign.Profile{
		Name: "our-card-bank", Source: "its document of 2026", Use: sign.ForRequest,
		Fields: &sign.Text{
			Exclude: []string{"sign"}, Empty: sign.KeepEmpty,
			Pair: sign.NoSeparator, Assign: sign.NoSeparator, Suffix: sign.Affix{Secret: sign.SecretRaw},
		},
		Body: sign.BodyJSON, JSON: sign.JSONRule{Null: sign.EmptyNull},
		Algorithm: sign.LegacySM3, Encoding: sign.HexLower,
	}
	text, err := p.Text(nil, sign.Input{Body: []byte(`{"order":"O1","amount":1,"memo":null}`), Secret: []byte("K")})
	fmt.Println(string(text), err)
	// Output: amount1memoorderO1K <nil>
}

// Every exported field says whether it is signed.
func ExampleStructReader() {
	type refund struct {
		Number string `sign:"refundNo"`
		Amount int64  `sign:"amount"`
		Memo   string `sign:"memo,omitempty"`
		Local  string `sign:"-"`
	}
	reader, err := sign.NewStructReader(refund{})
	if err != nil {
		panic(err)
	}
	fields, err := reader.Append(nil, refund{Number: "R1001", Amount: 1, Local: "x"})
	fmt.Println(fields, err)
	// Output: [{refundNo R1001} {amount 1}] <nil>
}
