package client_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRedaction(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded; charset=utf-8"
	for name, tc := range map[string]struct{ kind, in, want string }{
		"deep":               {"", `{"a":[{"b":{"pin":"s"}}],"pin":1}`, `{"a":[{"b":{"pin":"[redacted]"}}],"pin":"[redacted]"}`},
		"any value":          {"", `[{"pin":null},{"pin":-1.5e3},{"pin":[1,{"x":"y"}]},{"pin":{"z":[]}},{"pin":""}]`, `[` + strings.Repeat(`,{"pin":"[redacted]"}`, 5)[1:] + `]`},
		"escaped name":       {"", `{"\u0070in":"s","p\u0049N":"s"}`, `{"\u0070in":"[redacted]","p\u0049N":"[redacted]"}`},
		"bytes kept":         {"", " { \"n\" : 12345678901234567890.123456789 ,\r\n\t\"u\":\"\\u00e9<&\\\"\\\\\" , \"pin\" : true } ", " { \"n\" : 12345678901234567890.123456789 ,\r\n\t\"u\":\"\\u00e9<&\\\"\\\\\" , \"pin\" : \"[redacted]\" } "},
		"name as value":      {"", `{"a":"pin","b":["pin"]}`, `{"a":"pin","b":["pin"]}`},
		"repeated":           {"", `{"pin":1,"pin":2}`, `{"pin":"[redacted]","pin":"[redacted]"}`},
		"empty":              {"", `{}`, `{}`},
		"empty inside":       {"", `[{},[], {"a":{}}]`, `[{},[], {"a":{}}]`},
		"text in text":       {"", `{"data":"{\"pin\":\"s\",\"n\":1.0}"}`, `{"data":"{\"pin\":\"[redacted]\",\"n\":1.0}"}`},
		"text kept":          {"", `{"data":"{\u0022n\u0022:1}"}`, `{"data":"{\u0022n\u0022:1}"}`},
		"form":               {form, `a=%20b&pin=s&PIN=t&%70in=u&pin`, `a=%20b&pin=%5Bredacted%5D&PIN=%5Bredacted%5D&%70in=%5Bredacted%5D&pin=%5Bredacted%5D`},
		"form with JSON":     {form, `biz=%7B%22pin%22%3A1%2C%22n%22%3A1.0%7D&x=%7B%7D`, `biz=%7B%22pin%22%3A%22%5Bredacted%5D%22%2C%22n%22%3A1.0%7D&x=%7B%7D`},
		"form, bad escape":   {form, `a=%zz&%zz=b`, `a=%5Bredacted%5D&%zz=%5Bredacted%5D`},
		"form by no name":    {"text/plain", `pin=s`, digest},
		"JSON, broken":       {"", `{"pin":"s"`, digest},
		"JSON, two":          {"", `{"pin":1}{"pin":2}`, digest},
		"JSON, a bare value": {"", `"s"`, digest},
		"XML":                {"text/xml", `<pin>s</pin>`, digest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, rec, _ := mocked(200, http.Header{"Signature": {"theirs"}, "Content-Type": {tc.kind}}, tc.in)
			cfg.Redact = []string{"Pin"}
			_, err := open(t, cfg).Do(t.Context(), post)
			require.NoError(t, err)
			if tc.want == digest {
				require.Regexp(t, digest, string(rec.got[0].Answer))
				return
			}
			require.Equal(t, tc.want, string(rec.got[0].Answer))
		})
	}
}

const digest = `^\[\d+ bytes, sha256 [0-9a-f]{64}\]$`

func TestTextNestedTooDeepIsHidden(t *testing.T) {
	t.Parallel()
	body := `{"pin":"canary"}`
	for range 7 {
		b, err := json.Marshal(map[string]string{"data": body})
		require.NoError(t, err)
		body = string(b)
	}
	cfg, rec, _ := mocked(200, http.Header{"Signature": {"theirs"}}, body)
	cfg.Redact = []string{"pin"}
	_, err := open(t, cfg).Do(t.Context(), post)
	require.NoError(t, err)
	require.NotContains(t, string(rec.got[0].Answer), "canary")
	require.True(t, json.Valid(rec.got[0].Answer))
}

// FuzzRedaction: nothing named stays, the rest is the same document, nothing panics.
func FuzzRedaction(f *testing.F) {
	for _, s := range []string{`{"pin":"canary"}`, `{"a":[1,{"\u0070in":{"x":"canary"}}]}`, `[{"a":"{\"pin\":\"canary\"}"}]`, `pin=canary&a=1`, `{"pin":"canary"`, `{"a":"\ud800"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		cfg, rec, _ := mocked(200, http.Header{"Signature": {"theirs"}}, body)
		cfg.Redact = []string{"pin"}
		_, err := open(t, cfg).Do(t.Context(), post)
		if err != nil || len(body) > 60<<10 {
			return
		}
		got := rec.got[0].Answer
		var in, out any
		if json.Unmarshal([]byte(body), &in) != nil || json.Unmarshal(got, &out) != nil {
			return
		}
		require.Equal(t, hide(in), hide(out))
		require.Equal(t, hide(out), out)
	})
}

// hide is what the redaction does to a document, written the slow way. Texts that
// may be documents themselves are left out of the comparison.
func hide(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			if strings.ToLower(k) == "pin" {
				v[k] = "[redacted]"
			} else {
				v[k] = hide(v[k])
			}
		}
	case []any:
		for i := range v {
			v[i] = hide(v[i])
		}
	case string:
		if s := strings.TrimLeft(v, " \t\r\n"); s != "" && (s[0] == '{' || s[0] == '[') && s != "[redacted]" {
			return "document"
		}
	}
	return v
}
