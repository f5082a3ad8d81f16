package sign_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// FuzzFormFields: what is accepted, url.ParseQuery reads to the same fields.
func FuzzFormFields(f *testing.F) {
	for _, s := range []string{"", "a=1&b=2", "a=%2525+%2B", "a=1;b=2", "a=1&a=2", "a=1&A=2", "a", "a=%", "=1", "&", "%C8%B1=x", "a=%00", "a=b=c"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := sign.FormFields(nil, body)
		if err != nil {
			var form *sign.FormError
			require.ErrorAs(t, err, &form)
			return
		}
		want, err := url.ParseQuery(string(body))
		require.NoError(t, err)
		require.Len(t, want, len(fields))
		for _, field := range fields {
			require.Equal(t, []string{field.Value}, want[field.Name])
		}
		sorted, err := sign.ValuesFields(nil, want)
		require.NoError(t, err)
		require.ElementsMatch(t, fields, sorted)
	})
}

// FuzzJSONRule: what the widest rule accepts, encoding/json reads to the same
// members, byte for byte, and sorting it keeps its meaning and is stable. The zero
// rule is JSONFields.
func FuzzJSONRule(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":[1,{"c":2,"b":[]}],"b":null}`, `{"a":{"b":1,"B":2}}`, `{"a":-0.0e+1}`, `{"a":01}`, `{"a":1e}`, `{"a":tru}`, `{"a":"\ud83d\ude00"}`,
		` { "x_response" : { "a" : "\/" } , "sign" : "b" } `, `{"a":[,]}`, `{"a":[1,]}`, `{"a":{,}}`, `[[[[]]]]`,
	} {
		f.Add([]byte(s))
	}
	wide := sign.JSONRule{Nested: sign.RawNested, Null: sign.TextNull, Bool: sign.TextBool, Fractions: true}
	f.Fuzz(func(t *testing.T, body []byte) {
		strict, strictErr := sign.JSONFields(nil, body)
		zero, zeroErr := sign.JSONRule{}.Fields(nil, body)
		require.Equal(t, strictErr == nil, zeroErr == nil, "%v, %v", strictErr, zeroErr)
		if strictErr == nil {
			require.Equal(t, strict, zero)
		}
		fields, err := wide.Fields(nil, body)
		raws, rawErr := sign.JSONRawFields(nil, body)
		if require.Equal(t, err == nil, rawErr == nil, "%v, %v", err, rawErr); err != nil {
			return
		}
		var m map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &m))
		require.Len(t, m, len(fields))
		for i, raw := range raws {
			require.Equal(t, string(m[raw.Name]), raw.Value)
			if piece, err := sign.JSONMember(body, raw.Name); raw.Name[0] != '*' {
				require.NoError(t, err)
				require.Equal(t, raw.Value, string(piece))
			}
			if raw.Value[0] == '"' {
				var s string
				require.NoError(t, json.Unmarshal([]byte(raw.Value), &s))
				require.Equal(t, s, fields[i].Value)
			} else {
				require.Equal(t, raw.Value, fields[i].Value)
			}
		}
		sorted, err := sign.Raw{Sorted: true}.Append(nil, sign.Input{Body: body})
		require.NoError(t, err)
		again, err := sign.Raw{Sorted: true}.Append(nil, sign.Input{Body: sorted})
		require.NoError(t, err)
		require.Equal(t, string(sorted), string(again))
		require.Equal(t, decoded(t, body), decoded(t, sorted))
	})
}

func decoded(t *testing.T, b []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	return v
}

// FuzzCharset: what decodes, encodes to the same bytes, and nothing becomes U+FFFD.
func FuzzCharset(f *testing.F) {
	f.Add([]byte("\xc8\xb1\xbb\xf5"))
	f.Add([]byte("\x80"))
	f.Add([]byte("\x94\x39\xfc\x36"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range []sign.Charset{sign.AsIs, sign.UTF8, sign.GBK, sign.GB18030} {
			if s, err := c.Decode(b); err == nil {
				back, err := c.Encode(nil, s)
				require.NoError(t, err)
				require.Equal(t, b, append([]byte{}, back...))
			}
			if enc, err := c.Encode(nil, string(b)); err == nil {
				s, err := c.Decode(enc)
				require.NoError(t, err)
				require.Equal(t, string(b), s)
			}
		}
	})
}

// FuzzProfiles: no profile panics on anything, and none makes an empty text.
func FuzzProfiles(f *testing.F) {
	f.Add([]byte(`{"a_response":{"sign":1},"signature":{"sigdat":""},"respData":1}`), "/x", "a")
	f.Add([]byte("a=1&sign=2"), "/a?b=c", "n")
	profiles := sign.Profiles()
	f.Fuzz(func(t *testing.T, body []byte, target, value string) {
		for _, p := range profiles {
			in := sign.Input{Body: body, Method: "POST", Target: target, Timestamp: value, Nonce: value, Auth: value, Token: value, Secret: []byte("K")}
			if text, err := p.Append(nil, in); err == nil {
				require.NotEmpty(t, text)
			}
			if p.Fields != nil {
				text, err := p.Message([]sign.Field{{Name: "a", Value: value}, {Name: value, Value: target}}, []byte(value))
				require.True(t, err != nil || len(text) > 0)
			}
		}
	})
}
