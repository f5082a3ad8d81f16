package sign_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// One test for each way in which two sides can read one signed message differently.
// Each names the doc comment that defines what happens here.

type pair = sign.Field

func profile(t testing.TB, name string) sign.Profile {
	t.Helper()
	p, err := sign.ProfileByName(name)
	require.NoError(t, err)
	return p
}

func textOf(t testing.TB, p sign.Profile, fields ...pair) string {
	t.Helper()
	b, err := p.Text(nil, sign.Input{Fields: fields, Secret: []byte("secret")})
	require.NoError(t, err)
	return string(b)
}

// Defined at Text, Text.Strict and NoSeparator.
func TestAmbiguity01_SeparatorsInsideValues(t *testing.T) {
	t.Parallel()
	require.Equal(t, textOf(t, profile(t, "lanhai-rsa"), pair{"memo", "x&order=2"}),
		textOf(t, profile(t, "lanhai-rsa"), pair{"memo", "x"}, pair{"order", "2"}))
	values := &sign.Text{Order: sign.ListOrder, List: []string{"face", "card"}, ValuesOnly: true}
	a, b := []pair{{"face", "100"}, {"card", "6&7"}}, []pair{{"face", "100&6"}, {"card", "7"}}
	require.Equal(t, textOf(t, sign.Profile{Fields: values}, a...), textOf(t, sign.Profile{Fields: values}, b...))
	joined := profile(t, "card-order-appid")
	require.Equal(t, textOf(t, joined, pair{"orderNo", "1"}, pair{"appId", "23"}), textOf(t, joined, pair{"orderNo", "12"}, pair{"appId", "3"}))
	values.Strict, joined.Fields.Strict = true, true
	for _, fields := range [][]pair{a, b} {
		_, err := values.Append(nil, fields)
		refusedAs(t, "text", err)
	}
	_, err := joined.Message([]pair{{"orderNo", "1"}, {"appId", "23"}}, []byte("s"))
	refusedAs(t, "text", err)
	require.Contains(t, err.Error(), "never strict")
}

// Defined at SkipEmpty and KeepEmpty.
func TestAmbiguity02_EmptyOrMissing(t *testing.T) {
	t.Parallel()
	with, without := []pair{{"a", "1"}, {"b", ""}}, []pair{{"a", "1"}}
	require.Equal(t, textOf(t, profile(t, "alipay-v2-request"), with...), textOf(t, profile(t, "alipay-v2-request"), without...))
	require.NotEqual(t, textOf(t, profile(t, "cmb-polypay"), with...), textOf(t, profile(t, "cmb-polypay"), without...))
	_, err := sign.Text{Order: sign.ListOrder, List: []string{"a", "b"}, Empty: sign.RejectEmpty}.Append(nil, without)
	refusedAs(t, "text", err)
}

// Defined at FormFields, ValuesFields, JSONFields, JSONRule.Fields and Text.Append.
func TestAmbiguity03_NamesTwice(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"amount=1&amount=100", "amount=1&AMOUNT=100", "amount=1&%61mount=1", "k=1&\xe2\x84\xaa=2"} {
		_, err := sign.FormFields(nil, []byte(body))
		require.Error(t, err, body)
	}
	_, err := sign.ValuesFields(nil, url.Values{"amount": {"1", "100"}})
	require.Error(t, err)
	_, err = sign.ValuesFields(nil, url.Values{"amount": {"1"}, "Amount": {"1"}})
	require.Error(t, err)
	_, err = sign.ValuesFields(nil, url.Values{"amount": {}})
	require.Error(t, err)
	for _, body := range []string{
		`{"amount":"1","AMOUNT":"9999"}`, `{"amount":"1","amount":"9999"}`, `{"a":{"amount":1,"Amount":2}}`, `{"a":[{"b":1,"b":1}]}`, `{"a":1,"\u0061":2}`,
	} {
		_, err := sign.JSONRule{Nested: sign.RawNested}.Fields(nil, []byte(body))
		require.Error(t, err, body)
		_, err = sign.JSONMember([]byte(body), "a")
		require.Error(t, err, body)
		_, err = sign.Raw{Sorted: true}.Append(nil, sign.Input{Body: []byte(body)})
		refusedAs(t, "body", err)
	}
	_, err = sign.Text{Order: sign.ListOrder, List: []string{"a"}}.Append(nil, []pair{{"a", "1"}, {"a", "2"}})
	refusedAs(t, "body", err)
}

// Defined at JSONMember and Profile.Text.
func TestAmbiguity04_WrittenAnew(t *testing.T) {
	t.Parallel()
	v := loadVector(t, "alipay-v2-response")
	var node struct {
		Inner json.RawMessage `json:"alipay_trade_query_response"`
	}
	require.NoError(t, json.Unmarshal([]byte(v.Accept.Body), &node))
	piece, err := sign.JSONMember([]byte(v.Accept.Body), "alipay_trade_query_response")
	require.NoError(t, err)
	require.Equal(t, string(node.Inner), string(piece))
	var m map[string]any
	require.NoError(t, json.Unmarshal(node.Inner, &m))
	anew, err := json.Marshal(map[string]any{"alipay_trade_query_response": m})
	require.NoError(t, err)
	in := v.input(v.Accept)
	in.Body = anew
	require.Error(t, v.verify(t, profile(t, v.Profile), in))
}

// Defined at JSONRawFields (bytes as written) and JSONFields (values).
func TestAmbiguity05_EscapesOfEncoders(t *testing.T) {
	t.Parallel()
	escaped, plain := []byte(`{"a":"\u0026\u003c\u2028"}`), []byte("{\"a\":\"&<\u2028\"}")
	one, err := sign.JSONFields(nil, escaped)
	require.NoError(t, err)
	two, err := sign.JSONFields(nil, plain)
	require.NoError(t, err)
	require.Equal(t, one, two, "a dialect of values does not see how they were escaped")
	one, err = sign.JSONRawFields(nil, escaped)
	require.NoError(t, err)
	two, err = sign.JSONRawFields(nil, plain)
	require.NoError(t, err)
	require.NotEqual(t, one, two, "a dialect of bytes does")
	sorted, err := sign.Raw{Sorted: true}.Append(nil, sign.Input{Body: escaped})
	require.NoError(t, err)
	require.Equal(t, string(escaped), string(sorted))
}

// Defined at JSONRule.
func TestAmbiguity06_NumbersStayText(t *testing.T) {
	t.Parallel()
	const body = `{"a":9007199254740993,"b":12345678901234567890,"c":1.0,"d":100.10,"e":1e6,"f":-0}`
	fields, err := sign.JSONRule{Fractions: true}.Fields(nil, []byte(body))
	require.NoError(t, err)
	require.Equal(t, []pair{{"a", "9007199254740993"}, {"b", "12345678901234567890"}, {"c", "1.0"}, {"d", "100.10"}, {"e", "1e6"}, {"f", "-0"}}, fields)
	sorted, err := sign.Raw{Sorted: true}.Append(nil, sign.Input{Body: []byte(body)})
	require.NoError(t, err)
	require.Equal(t, body, string(sorted))
	for _, number := range []string{"-0", "1.0", "1e6", "1E6", "01"} {
		_, err = sign.JSONRule{}.Fields(nil, []byte(`{"a":`+number+`}`))
		require.Error(t, err, number)
	}
}

// Defined at Raw.Sorted: send what was signed. Sorting twice changes nothing, and
// blanks inside values stay.
func TestAmbiguity07_SignWhatIsSent(t *testing.T) {
	t.Parallel()
	text := func(body string) string {
		b, err := sign.Raw{Sorted: true}.Append(nil, sign.Input{Body: []byte(body)})
		require.NoError(t, err)
		return string(b)
	}
	once := text(" { \"b\" : [ 1 , { \"d\":\" x y \", \"c\":null } ] ,\n\"a\" : \"\" } ")
	require.Equal(t, `{"a":"","b":[1,{"c":null,"d":" x y "}]}`, once)
	require.Equal(t, once, text(once))
	require.Equal(t, "[]", text(" [ ] "))
	require.Equal(t, "1", text(" 1 "))
}

// Defined at Escape and FormFields.
func TestAmbiguity08_URLEncoders(t *testing.T) {
	t.Parallel()
	const all = "aZ09-_.~*'()!$&+,/:;=?@ %\n商"
	for e, want := range map[sign.Escape]string{
		sign.EscapeNone:    all,
		sign.EscapeQuery:   url.QueryEscape(all),
		sign.EscapePath:    url.PathEscape(all),
		sign.EscapeForm:    strings.NewReplacer("~", "%7E", "%2A", "*").Replace(url.QueryEscape(all)),
		sign.EscapeRFC3986: strings.ReplaceAll(url.QueryEscape(all), "+", "%20"),
	} {
		require.Equal(t, "a="+want, textOf(t, sign.Profile{Fields: &sign.Text{Escape: e}}, pair{"a", all}))
	}
	fields, err := sign.FormFields(nil, []byte("a=%2525+%2B&b&c="))
	require.NoError(t, err)
	require.Equal(t, []pair{{"a", "%25 +"}, {"b", ""}, {"c", ""}}, fields, "decoded once")
	for _, body := range []string{"a=1;b=2", "a=%", "a=%2", "a=%zz", "a=1&&b=2", "a=1&", "&a=1", "=1", "a=%00", "a b=1", "a=1\n", "a=\x00"} {
		_, err := sign.FormFields(nil, []byte(body))
		var form *sign.FormError
		require.ErrorAs(t, err, &form, body)
	}
}

// Defined at Charset.
func TestAmbiguity09_InvalidCharacters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		charset sign.Charset
		value   string
		want    string // hex, or empty where it is refused
	}{
		{sign.AsIs, "\xff", "ff"}, {sign.UTF8, "缺", "e7bcba"}, {sign.UTF8, "\xff", ""}, {sign.UTF8, "\xed\xa0\x80", ""},
		{sign.GBK, "缺货", "c8b1bbf5"}, {sign.GBK, "€", ""}, {sign.GBK, "😀", ""}, {sign.GBK, "\xff", ""}, {sign.GBK, "\ufffd", ""},
		{sign.GB18030, "缺€", "c8b1a2e3"}, {sign.GB18030, "😀", "9439fc36"}, {sign.GB18030, "\xff", ""},
		{sign.UTF8, "e\u0301", "65cc81"}, {sign.UTF8, "\u00e9", "c3a9"}, // never normalised
		{"latin1", "a", ""},
	} {
		got, err := sign.Text{Charset: c.charset, ValuesOnly: true}.Append(nil, []pair{{"a", c.value}})
		if c.want == "" {
			refusedAs(t, "text", err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, unhex(t, c.want), got)
		back, err := c.charset.Decode(got)
		require.NoError(t, err)
		require.Equal(t, c.value, back)
	}
	for _, junk := range []string{"\x80", "\xc8", "\xff\xff", "\xc8\xb1\x81"} {
		_, err := sign.GBK.Decode([]byte(junk))
		refusedAs(t, "text", err)
	}
	got, err := sign.Text{Charset: sign.GBK, Escape: sign.EscapeQuery}.Append(nil, []pair{{"a", "缺 "}})
	require.NoError(t, err)
	require.Equal(t, "a=%C8%B1+", string(got), "escaped are the bytes of the charset")
}

// Defined at ByteOrder.
func TestAmbiguity10_Order(t *testing.T) {
	t.Parallel()
	got := textOf(t, sign.Profile{Fields: &sign.Text{}}, pair{"a1", "1"}, pair{"b", "2"}, pair{"B", "3"}, pair{"a", "4"}, pair{"a_", "5"},
		pair{"a0", "6"}, pair{"\U00010000", "7"}, pair{"\ue000", "8"})
	require.Equal(t, "B=3&a=4&a0=6&a1=1&a_=5&b=2&\ue000=8&\U00010000=7", got)
	sorted, err := sign.Raw{Sorted: true}.Append(nil, sign.Input{Body: []byte(`{"a1":1,"b":2,"B0":3,"a":4,"a_":5}`)})
	require.NoError(t, err)
	require.Equal(t, `{"B0":3,"a":4,"a1":1,"a_":5,"b":2}`, string(sorted))
}

// Defined at Encoding.Decode.
func TestAmbiguity11_Base64(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "AQ", "AQ==\n", "A Q==", "AR==", "_-==", "AQ===", "AQ==AQ=="} {
		_, err := sign.Base64.Decode(s)
		refusedAs(t, "signature", err)
	}
}

// Defined at HexLower, HexUpper and MAC.
func TestAmbiguity12_HexCase(t *testing.T) {
	t.Parallel()
	v := loadVector(t, "wechat-v2-hmac")
	p := profile(t, v.Profile)
	require.Equal(t, strings.ToUpper(v.Signature), v.Signature)
	v.Signature = strings.ToLower(v.Signature)
	require.NoError(t, v.verify(t, p, v.input(v.Accept)), "compared are bytes, not letters")
	v.Signature = v.Signature[:62]
	require.Error(t, v.verify(t, p, v.input(v.Accept)))
}

// Defined at Profile: a message that says sign_type=RSA, or nothing, is still
// verified as the profile says.
func TestAmbiguity13_AlgorithmOfTheMessage(t *testing.T) {
	t.Parallel()
	v := loadVector(t, "alipay-v2-request-rsa1")
	require.NoError(t, v.verify(t, profile(t, v.Profile), v.input(v.Accept)))
	require.Error(t, v.verify(t, profile(t, "alipay-v2-request"), v.input(v.Accept)))
	v = loadVector(t, "wechat-v2-md5")
	in := v.input(v.Accept)
	in.Fields = append(in.Fields, pair{"sign_type", "MD5"})
	require.Error(t, v.verify(t, profile(t, "wechat-v2-hmac"), in))
}

// Defined at Text.AppendSecret, NewMAC, NewDigest and Encoding.Decode.
func TestAmbiguity14_NothingForASignatureOrSecret(t *testing.T) {
	t.Parallel()
	for _, p := range sign.Profiles() {
		v := loadVector(t, p.Name)
		in := v.input(v.Accept)
		signature := v.Signature
		v.Signature = ""
		require.Error(t, v.verify(t, p, in), p.Name)
		v.Signature = signature
		if p.Algorithm == sign.LegacyMD5 || p.Algorithm == sign.LegacySM3 || p.Algorithm == sign.LegacySHA256 {
			in.Secret = nil
			_, err := p.Append(nil, in)
			refusedAs(t, "text", err)
		}
	}
	_, err := sign.NewMAC(sign.MACConfig{Algorithm: sign.HMACSHA256})
	require.ErrorIs(t, err, sign.ErrKey)
}

// An answer without a signature never verifies. That it is then no final failure but
// unknown, to be queried, is the client's and the gateways' rule (bankrail.EffectOf).
func TestAmbiguity15_UnsignedAnswer(t *testing.T) {
	t.Parallel()
	v := loadVector(t, "alipay-v2-response")
	in := v.input(v.Accept)
	in.Body = []byte(`{"error_response":{"code":"40001"}}`)
	require.Error(t, v.verify(t, profile(t, v.Profile), in))
	in.Body = []byte(`{"a_response":{"code":"10000"},"b_response":{"code":"10000"}}`)
	_, err := profile(t, v.Profile).Append(nil, in)
	refusedAs(t, "body", err)
}

// The certificate in a UnionPay message is a signed field like any other, and never
// the key of a ring. How a chain and its subject are judged is tested beside the
// chain's own code.
func TestAmbiguity16_CertificateInTheMessage(t *testing.T) {
	t.Parallel()
	v := loadVector(t, "unionpay-01")
	in := v.input(v.Accept)
	in.Body = append(in.Body, "&signPubKeyCert=x"...)
	require.Error(t, v.verify(t, profile(t, v.Profile), in))
}

// Defined at the profile's Source. Comparing them with the configuration is the
// gateway's business.
func TestAmbiguity17_FieldsOutsideTheSignature(t *testing.T) {
	t.Parallel()
	v := loadVector(t, "lanmao")
	in := v.input(v.Accept)
	in.Target, in.Nonce = "/service?serviceName=OTHER", "other"
	require.NoError(t, v.verify(t, profile(t, v.Profile), in), "changed unnoticed")
	require.Contains(t, profile(t, v.Profile).Source, "not signed")
	list := sign.Text{Order: sign.ListOrder, List: []string{"a"}}
	require.Equal(t, "a=1", textOf(t, sign.Profile{Fields: &list}, pair{"a", "1"}, pair{"amount", "9999"}))
}

// Defined at Affix: with the secret first, digests can be extended.
func TestAmbiguity18_LengthExtension(t *testing.T) {
	t.Parallel()
	var first []string
	for _, p := range sign.Profiles() {
		v := loadVector(t, p.Name)
		if v.Secret != "" && strings.HasPrefix(v.Text, v.Secret) {
			first = append(first, p.Name)
		}
	}
	require.Equal(t, []string{"juhe-callback"}, first)
	require.Contains(t, profile(t, "juhe-callback").Source, "length extension")
}

// A message has many signatures, so one seen before is not found by its signature:
// the age of LineTimestamp, the nonce and the business id are the caller's to check
// (package notify has the inbox).
func TestAmbiguity19_Replay(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	signer, ring := newSigner(t, key, sign.SignerConfig{}), newRing(t, sign.RingKey{Key: key.Public()})
	one, two := signed(t, signer, "text"), signed(t, signer, "text")
	require.NotEqual(t, one, two)
	for _, s := range [][]byte{one, two} {
		require.NoError(t, ring.Verify(t.Context(), []byte("text"), s, ""))
	}
}

// Defined at Use: a request is no answer, and the merchant's key is not the bank's.
func TestAmbiguity20_Reflection(t *testing.T) {
	t.Parallel()
	v := loadVector(t, "wechat-v3-request")
	require.Error(t, v.verify(t, profile(t, "wechat-v3-callback"), v.input(v.Accept)))
	bank := loadVector(t, "wechat-v3-callback")
	own := bank
	own.PublicKey = v.PublicKey
	require.Error(t, own.verify(t, profile(t, "wechat-v3-callback"), bank.input(bank.Accept)))
	for _, p := range sign.Profiles() {
		if strings.Contains(p.Name, "request") {
			require.Zero(t, p.Use&sign.ForResponse, p.Name)
		}
	}
}

// Defined at Line, FormFields and JSONFields.
func TestAmbiguity21_LineBreaksAndWhatStandsBehind(t *testing.T) {
	t.Parallel()
	good := sign.Input{Method: "POST", Target: "/a?b=c", Timestamp: "1", Nonce: "n", Auth: "a=b", Token: "t", Body: []byte("x\ny")}
	lines := sign.Lines{Parts: []sign.Line{sign.LineAuth, sign.LineMethod, sign.LineTarget, sign.LineTimestamp, sign.LineNonce, sign.LineBody, sign.LineToken}}
	got, err := lines.Append(nil, good)
	require.NoError(t, err)
	require.Equal(t, "a=b\nPOST\n/a?b=c\n1\nn\nx\ny\nt\n", string(got))
	for i, part := range []func(*sign.Input) *string{
		func(in *sign.Input) *string { return &in.Method }, func(in *sign.Input) *string { return &in.Target },
		func(in *sign.Input) *string { return &in.Timestamp }, func(in *sign.Input) *string { return &in.Nonce },
		func(in *sign.Input) *string { return &in.Auth }, func(in *sign.Input) *string { return &in.Token },
	} {
		for _, bad := range []string{"\n", "\r", "\x00", strings.Repeat("x", 8193)} {
			in := good
			*part(&in) += bad
			_, err := lines.Append(nil, in)
			refusedAs(t, "text", err)
		}
		in := good
		*part(&in) = ""
		_, err := lines.Append(nil, in)
		require.Equal(t, i == 5, err == nil, "only the token may be missing")
	}
	for _, target := range []string{"a", "http://x/", "/a b", "/a#b"} {
		in := good
		in.Target = target
		_, err := lines.Append(nil, in)
		refusedAs(t, "text", err)
	}
	in := good
	in.Method = "Post"
	_, err = lines.Append(nil, in)
	refusedAs(t, "text", err)
	for _, body := range []string{"\xef\xbb\xbf{}", "{} {}", "{}\x00", `{"a":1}x`} {
		_, err := sign.JSONRule{}.Fields(nil, []byte(body))
		require.Error(t, err)
		_, err = sign.JSONMember([]byte(body), "a")
		require.Error(t, err)
	}
}

// Defined at NullRule, BoolRule and NestedRule.
func TestAmbiguity22_NullBoolNested(t *testing.T) {
	t.Parallel()
	const body = `{"n":null,"t":true,"f":false,"o":{ "b":1, "a":[ null ] },"s":"x"}`
	for name, c := range map[string]struct {
		rule sign.JSONRule
		want []pair
	}{
		"raw":         {sign.JSONRule{Nested: sign.RawNested, Null: sign.TextNull, Bool: sign.TextBool}, []pair{{"n", "null"}, {"t", "true"}, {"f", "false"}, {"o", `{ "b":1, "a":[ null ] }`}, {"s", "x"}}},
		"sorted":      {sign.JSONRule{Nested: sign.SortedNested, Null: sign.DropNull, Bool: sign.DigitBool}, []pair{{"t", "1"}, {"f", "0"}, {"o", `{"a":[null],"b":1}`}, {"s", "x"}}},
		"placeholder": {sign.JSONRule{Nested: sign.PlaceholderNested, Placeholder: "Object", Null: sign.EmptyNull, Bool: sign.TextBool}, []pair{{"n", ""}, {"t", "true"}, {"f", "false"}, {"o", "Object"}, {"s", "x"}}},
	} {
		got, err := c.rule.Fields(nil, []byte(body))
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
	for member, rule := range map[string]sign.JSONRule{
		`"n":null`: {Nested: sign.RawNested, Bool: sign.TextBool}, `"t":true`: {Nested: sign.RawNested, Null: sign.DropNull}, `"o":[]`: {Null: sign.DropNull, Bool: sign.TextBool},
	} {
		_, err := rule.Fields(nil, []byte("{"+member+"}"))
		require.Error(t, err)
	}
}
