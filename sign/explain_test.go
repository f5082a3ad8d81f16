package sign_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// explainCase is one file of testdata/explain.
type explainCase struct {
	Name, Format, Body, Signature, Signed string
	BodyBase64, SignedBase64              string
	Key, Own, Secret, Profile, SM2ID      string
	Headers                               [][2]string
	Changes, Profiles                     []string
}

func explainCases(t testing.TB) []explainCase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "explain", "*.json"))
	require.NoError(t, err)
	cases := make([]explainCase, len(files))
	for i, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&cases[i]), file)
	}
	return cases
}

func (c explainCase) message(t testing.TB) (sign.Received, sign.ExplainConfig) {
	t.Helper()
	r := sign.Received{
		Format: map[string]sign.BodyForm{"form": sign.BodyURLForm, "json": sign.BodyJSON, "raw": sign.BodyNone}[c.Format],
		Body:   []byte(c.Body), Signature: c.Signature,
	}
	if c.BodyBase64 != "" {
		r.Body = unbase64(t, c.BodyBase64)
	}
	for _, h := range c.Headers {
		r.Headers = append(r.Headers, sign.Field{Name: h[0], Value: h[1]})
	}
	cfg := sign.ExplainConfig{Secret: sign.Secret(c.Secret), SM2ID: c.SM2ID, Key: explainKey(t, c.Key), OwnKey: explainKey(t, c.Own)}
	if c.Profile != "" {
		p, err := sign.ProfileByName(c.Profile)
		require.NoError(t, err)
		cfg.Profile = &p
	}
	return r, cfg
}

func explainKey(t testing.TB, name string) *sign.PublicKey {
	t.Helper()
	if name == "" {
		return nil
	}
	k, err := sign.PublicKeyFile(filepath.Join("testdata", "explain", name+".pub.pem"))
	require.NoError(t, err)
	return k
}

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	require.NoError(t, err)
	return b
}

func TestExplainNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	cases, wrong := explainCases(t), 0
	for _, c := range cases {
		if len(c.Changes) > 0 {
			wrong++
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r, cfg := c.message(t)
			e, err := sign.Explain(r, cfg)
			require.NoError(t, err)
			require.True(t, e.Found, e)
			require.Equal(t, c.Changes, append([]string{}, e.Changes...), e)
			require.Equal(t, len(c.Changes) == 0, e.Verifies)
			want := c.Signed
			if c.SignedBase64 != "" {
				want = string(unbase64(t, c.SignedBase64))
			}
			require.Equal(t, want, string(e.FoundText))
			require.Subset(t, e.Profiles, c.Profiles)
			if c.Secret != "" {
				require.NotContains(t, e.String(), c.Secret)
			}
			for _, change := range c.Changes {
				require.Contains(t, e.String(), change)
			}
		})
	}
	require.GreaterOrEqual(t, wrong, 20)
}

// One character of the body changed: nothing may verify, by whatever twist.
func TestExplainBelievesNoOtherMessage(t *testing.T) {
	t.Parallel()
	for _, c := range explainCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r, cfg := c.message(t)
			changed := strings.NewReplacer("99.00", "99.01", "total=1", "total=2", "EV-1", "EV-2", "10000", "10001", "app_id=2021&n", "app_id=2022&n").Replace(string(r.Body))
			require.NotEqual(t, string(r.Body), changed)
			r.Body = []byte(changed)
			within(t, 30*time.Second, func() {
				e, err := sign.Explain(r, cfg)
				require.NoError(t, err)
				require.False(t, e.Found, e)
				require.Contains(t, e.String(), "does not verify, nor does any of")
				require.LessOrEqual(t, e.Tried, 4000)
			})
		})
	}
}

func TestExplainSaysWhoseSignatureItIs(t *testing.T) {
	t.Parallel()
	other, text := generate(t, sign.RSASHA256), "a=1"
	signature := sign.EncodeBase64(signed(t, newSigner(t, other, sign.SignerConfig{}), text))
	r := sign.Received{Format: sign.BodyURLForm, Body: []byte("a=2"), Signature: signature}
	e, err := sign.Explain(r, sign.ExplainConfig{Key: other.Public()})
	require.NoError(t, err)
	require.Len(t, e.Notes, 1)
	require.Contains(t, e.Notes[0], "made with the private half of "+other.Public().String())
	require.Contains(t, e.Notes[0], "SHA-256 c22fea5d7428e5cf47ef6354c97c9223c95d6dcdc3e0d2300ff79056b1ff3d85")

	e, err = sign.Explain(r, sign.ExplainConfig{Key: explainKey(t, "bank")})
	require.NoError(t, err)
	require.Contains(t, strings.Join(e.Notes, "\n"), "was not made with the private half of "+explainKey(t, "bank").String())

	above := sign.Received{Format: r.Format, Body: r.Body, Signature: strings.Repeat("ff", 256)} // no number below the modulus
	e, err = sign.Explain(above, sign.ExplainConfig{Key: explainKey(t, "bank")})
	require.NoError(t, err)
	require.Contains(t, strings.Join(e.Notes, "\n"), "was not made with the private half of "+explainKey(t, "bank").String())

	e, err = sign.Explain(r, sign.ExplainConfig{Key: explainKey(t, "sm2")})
	require.NoError(t, err)
	require.Contains(t, strings.Join(e.Notes, "\n"), "it has 256 bytes, as RSA makes")

	r.Signature = "no signature!"
	e, err = sign.Explain(r, sign.ExplainConfig{Key: explainKey(t, "sm2")})
	require.NoError(t, err)
	require.Equal(t, []string{"the signature is neither Base64 nor hexadecimal"}, e.Notes)
}

func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	key := explainKey(t, "bank")
	body := sign.Received{Format: sign.BodyURLForm, Body: []byte("a=1&sign=AAAA")}
	_, err := sign.Explain(body, sign.ExplainConfig{})
	require.Equal(t, "neither a key nor a secret", keyRefused(t, err).Problem)
	_, err = sign.Explain(body, sign.ExplainConfig{Secret: make(sign.Secret, 1025)})
	require.Equal(t, "secret is longer than 1024 bytes", keyRefused(t, err).Problem)
	_, err = sign.Explain(sign.Received{Body: []byte("a")}, sign.ExplainConfig{Key: key})
	refusedAs(t, "signature", err)

	for problem, r := range map[string]sign.Received{
		"longer than 256 KiB":  {Body: make([]byte, 256<<10+1), Signature: "AAAA"},
		"more than 64":         {Headers: make([]sign.Field, 65), Signature: "AAAA"},
		"unknown":              {Format: 9, Signature: "AAAA"},
		"not URL-encoded":      {Format: sign.BodyURLForm, Body: []byte("a=%zz"), Signature: "AAAA"},
		"more than 256 fields": {Format: sign.BodyURLForm, Body: []byte(strings.Repeat("a=1&", 257)), Signature: "AAAA"},
	} {
		_, err := sign.Explain(r, sign.ExplainConfig{Key: key})
		var e *sign.FormError
		require.ErrorAs(t, err, &e, problem)
		require.Equal(t, problem, e.Problem)
	}
}

// The dearest message: as long as allowed, and nothing fits.
func TestExplainIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("memo=%41%42&", 255)
	for name, r := range map[string]sign.Received{
		"form": {Format: sign.BodyURLForm, Body: []byte(long + "x=" + strings.Repeat("%2525", 50000))},
		"json": {Format: sign.BodyJSON, Body: []byte(`{"a":"` + strings.Repeat(`\u0026`, 43000) + `"}`)},
		"raw":  {Body: []byte(strings.Repeat("[", 256<<10))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r.Signature = strings.Repeat("ab", 32)
			within(t, 60*time.Second, func() {
				_, err := sign.Explain(r, sign.ExplainConfig{Key: explainKey(t, "sm2"), OwnKey: explainKey(t, "bank"), Secret: sign.Secret("s3cr3t")})
				require.NoError(t, err)
			})
		})
	}
}

// A profile is named only if it signs the text in the way the signature is made.
func TestExplainNamesNoProfileThatSignsOtherwise(t *testing.T) {
	t.Parallel()
	for _, c := range explainCases(t) {
		if c.Name != "digest-then-sign-hex" && c.Name != "pss-instead" {
			continue
		}
		r, cfg := c.message(t)
		e, err := sign.Explain(r, cfg)
		require.NoError(t, err)
		require.True(t, e.Found)
		require.NotContains(t, e.Profiles, "alipay-v2-request")
	}
}
