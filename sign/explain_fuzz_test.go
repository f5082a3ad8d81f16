package sign_test

import (
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// FuzzExplain never panics, stays within its bounds, shows no secret, and believes
// only what some key or secret made: a changed signature is found under nothing.
func FuzzExplain(f *testing.F) {
	for _, c := range explainCases(f) {
		r, _ := c.message(f)
		var header, value string
		if len(r.Headers) > 0 {
			header, value = r.Headers[0].Name, r.Headers[0].Value
		}
		f.Add(uint8(r.Format), r.Body, header, value, r.Signature, "")
	}
	f.Add(uint8(sign.BodyJSON), []byte(`{"a":"\ud83d\ude00\u00","b":[[[{}]]],"sign":"AA=="}`), "x-nonce", "1", "", "U1")
	f.Add(uint8(sign.BodyURLForm), []byte("a=%25zz&&=&b"), "Timestamp", "\n", strings.Repeat("00", 64), "")
	f.Add(uint8(sign.BodyNone), []byte(`\u0026\ud800\u`), "", "", strings.Repeat("A", 344), "")
	rsaKey, sm2Key := explainKey(f, "bank"), explainKey(f, "sm2")
	secret := sign.Secret("0123456789abcdef0123456789ABCDEF")
	f.Fuzz(func(t *testing.T, format uint8, body []byte, header, value, signature, id string) {
		if len(body) > 4<<10 {
			return // what a longer one costs, TestExplainIsBounded shows
		}
		r := sign.Received{
			Format: sign.BodyForm(format), Body: body, Signature: signature, Method: "POST", Target: "/v3/x?" + value,
			Headers: []sign.Field{{Name: "timestamp", Value: "1"}, {Name: header, Value: value}},
		}
		for _, cfg := range []sign.ExplainConfig{
			{Key: rsaKey, OwnKey: sm2Key, SM2ID: id}, {Key: sm2Key, Secret: secret, SM2ID: id},
		} {
			e, err := sign.Explain(r, cfg)
			if err != nil {
				continue
			}
			require.LessOrEqual(t, e.Tried, 4000)
			require.Equal(t, e.Found, e.FoundText != nil)
			require.Equal(t, e.Verifies, e.Found && len(e.Changes) == 0)
			if !strings.Contains(string(body)+header+value+signature, string(secret)) {
				require.NotContains(t, e.String(), string(secret))
			}
		}
	})
}
