package sign_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func base64Of(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b)) }

// wrapped is Base64 as mail programs and web pages break it.
func wrapped(b []byte) []byte {
	text := string(base64Of(b))
	var out strings.Builder
	for len(text) > 64 {
		out.WriteString(text[:64] + "\r\n ")
		text = text[64:]
	}
	return []byte("\xef\xbb\xbf" + out.String() + text + "\n")
}

func TestLoadPrivateKey_ReadsBareForms(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsaKey)
	rsaPKCS8, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	require.NoError(t, err)
	sm2Key := generate(t, sign.SM2SM3)
	inner := sec1Of(t, sm2Key)
	named, short := inner, inner
	named.Curve = oidSM2
	short.Curve, short.Public.Bytes, short.Public.BitLength = oidSM2, nil, 0
	sm2Text := []byte(pemOf(t, sm2Key))
	wantRSA, err := sign.ParsePrivateKey(block("RSA PRIVATE KEY", pkcs1))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		b    []byte
		want *sign.PrivateKey
	}{
		"PEM":              {sm2Text, sm2Key},
		"PKCS#8, RSA":      {rsaPKCS8, wantRSA},
		"PKCS#8, SM2":      {derOf(t, sm2Text), sm2Key},
		"PKCS#1":           {pkcs1, wantRSA},
		"SEC 1":            {der(t, named), sm2Key},
		"SEC 1, number":    {der(t, short), sm2Key},
		"hex":              {[]byte(hex.EncodeToString(inner.Key)), sm2Key},
		"hex, upper":       {[]byte(strings.ToUpper(hex.EncodeToString(inner.Key))), sm2Key},
		"hex, line behind": {[]byte(" " + hex.EncodeToString(inner.Key) + "\r\n"), sm2Key},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forms := [][]byte{c.b}
			if c.b[0] == 0x30 && len(c.b) != 64 {
				forms = append(forms, base64Of(c.b), wrapped(c.b))
			}
			for _, b := range forms {
				before := bytes.Clone(b)
				got, err := sign.LoadPrivateKey(sign.LoadConfig{Bytes: b})
				require.NoError(t, err)
				require.Equal(t, pemOf(t, c.want), pemOf(t, got))
				require.Equal(t, before, b, "the caller's bytes stay the caller's")
				path := filepath.Join(t.TempDir(), "key")
				require.NoError(t, os.WriteFile(path, b, 0o600))
				got, err = sign.LoadPrivateKey(sign.LoadConfig{File: path})
				require.NoError(t, err)
				require.Equal(t, pemOf(t, c.want), pemOf(t, got))
			}
		})
	}
}

func TestLoadPublicKey_ReadsBareForms(t *testing.T) {
	t.Parallel()
	sm2Key := generate(t, sign.SM2SM3).Public()
	text, err := sm2Key.PEM()
	require.NoError(t, err)
	spki := derOf(t, text)
	point := hex.EncodeToString(spki[len(spki)-65:])
	certificate := testdata(t, "sm2.cert.pem")
	want, err := sign.ParsePublicKey(certificate)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		b    []byte
		want *sign.PublicKey
	}{
		"PEM":                 {text, sm2Key},
		"SPKI":                {spki, sm2Key},
		"SPKI, Base64":        {base64Of(spki), sm2Key},
		"SPKI, broken lines":  {wrapped(spki), sm2Key},
		"point":               {[]byte(point), sm2Key},
		"point without 04":    {[]byte(strings.ToUpper(point[2:]) + "\n"), sm2Key},
		"RSA certificate":     {derOf(t, testdata(t, "rsa.cert.pem")), publicTestdata(t, "rsa.cert.pem")},
		"certificate":         {derOf(t, certificate), want},
		"certificate, Base64": {base64Of(derOf(t, certificate)), want},
		"certificate, PEM":    {certificate, want},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := sign.LoadPublicKey(sign.LoadConfig{Bytes: c.b})
			require.NoError(t, err)
			require.Equal(t, c.want.String(), got.String())
			wantBefore, wantAfter := c.want.Validity()
			before, after := got.Validity()
			require.Equal(t, []any{wantBefore, wantAfter}, []any{before, after})
		})
	}
}

func TestLoad_RefusesWithTheReason(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	private := derOf(t, []byte(pemOf(t, key)))
	text, err := key.Public().PEM()
	require.NoError(t, err)
	public, certificate := derOf(t, text), derOf(t, testdata(t, "sm2.cert.pem"))
	point := fmt.Sprintf("%x", public[len(public)-65:])
	const noForm = "neither PEM, DER, Base64 of DER nor hex of an SM2 key"
	for name, c := range map[string]struct {
		b               []byte
		private, public string
	}{
		"nothing":               {[]byte{}, "empty", "empty"},
		"blanks":                {[]byte(" \n"), "empty", "empty"},
		"junk":                  {[]byte("hello, world"), noForm, noForm},
		"a secret of 32 digits": {[]byte(strings.Repeat("0a", 16)), "in the Base64: not DER", "in the Base64: not DER"},
		"d of 0":                {[]byte(strings.Repeat("0", 64)), "SM2 private number out of [1, n-2]", "in the Base64: not DER"},
		"d of n-1":              {[]byte(order[:62] + "22"), "SM2 private number out of [1, n-2]", "in the Base64: not DER"},
		"d cut":                 {[]byte(order[:63]), noForm, noForm},
		"0x before d":           {[]byte("0x" + annexPublic[:64]), noForm, noForm},
		"a point off the curve": {[]byte(point[:129] + string('0'+('1'-point[129]%2)%2)), noForm, "SM2 public key is not a point on the curve"},
		"compressed point":      {[]byte("02" + point[2:66]), noForm, noForm},
		"a public key":          {public, "a public key, want a private key", ""},
		"a certificate":         {certificate, "a certificate, want a private key", ""},
		"a private key":         {private, "", "a private key, want a public key or a certificate"},
		"Base64 url":            {[]byte("MIGH-_AgEAMBMG"), noForm, noForm},
		"Base64 unpadded":       {bytes.TrimRight(base64Of(append(bytes.Clone(private), 0)), "="), noForm, noForm},
		"a byte behind":         {base64Of(append(bytes.Clone(private), 0)), "in the Base64: data after the DER value", "in the Base64: data after the DER value"},
		"DER of nothing":        {[]byte{0x30, 0}, "DER of nothing known, want a key in PKCS#8, PKCS#1 or SEC 1, or PKCS#12", "DER of nothing known, want a SubjectPublicKeyInfo, a certificate or PKCS#12"},
		"BER":                   {[]byte{0x30, 0x80, 0x02, 0x01, 0x03, 0, 0}, "damaged DER, or BER; a PKCS#12 file in BER is written anew by: openssl pkcs12 -legacy -nodes -nocerts -in old.p12 | openssl pkcs8 -topk8 -v2 aes-256-cbc -out new.pem", ""},
		"larger than 64 kB":     {make([]byte, 64<<10+1), "larger than 65536 bytes", "larger than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			privateKey, err := sign.LoadPrivateKey(sign.LoadConfig{Bytes: c.b})
			if c.private == "" {
				require.NoError(t, err)
				require.NotNil(t, privateKey)
			} else {
				require.Equal(t, c.private, keyRefused(t, err).Problem)
			}
			if _, err = sign.LoadPublicKey(sign.LoadConfig{Bytes: c.b}); c.public != "" {
				require.Equal(t, c.public, keyRefused(t, err).Problem)
			}
		})
	}
}

func TestLoadConfig_SaysWhatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	key := []byte(pemOf(t, generate(t, sign.SM2SM3)))
	for _, cfg := range []sign.LoadConfig{{}, {Bytes: key, File: "x"}, {Env: "x", File: "x"}, {Bytes: key, MaxIterations: -1}, {Bytes: key, MaxIterations: 10_000_001}} {
		_, err := sign.LoadPrivateKey(cfg)
		require.Equal(t, "LoadConfig", keyRefused(t, err).Source)
		_, err = sign.LoadPublicKey(cfg)
		require.Equal(t, "LoadConfig", keyRefused(t, err).Source)
	}
	// A password nobody needs is not asked for.
	_, err := sign.LoadPrivateKey(sign.LoadConfig{Bytes: key, PasswordFunc: func() ([]byte, error) {
		return nil, errors.New("asked")
	}})
	require.NoError(t, err)
	_, err = sign.LoadPrivateKey(sign.LoadConfig{File: filepath.Join(t.TempDir(), "none")})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestLoadConfig_ReadsTheEnvironment(t *testing.T) {
	key := generate(t, sign.SM2SM3)
	t.Setenv("BANK_KEY", string(base64Of(derOf(t, []byte(pemOf(t, key))))))
	got, err := sign.LoadPrivateKey(sign.LoadConfig{Env: "BANK_KEY"})
	require.NoError(t, err)
	require.Equal(t, pemOf(t, key), pemOf(t, got))
	_, err = sign.LoadPublicKey(sign.LoadConfig{Env: "BANK_KEY"})
	require.Equal(t, "env BANK_KEY", keyRefused(t, err).Source)
	_, err = sign.LoadPublicKey(sign.LoadConfig{Env: "BANK_UNSET"})
	require.Equal(t, "not set", keyRefused(t, err).Problem)
}

func TestLoadConfig_ShowsNothing(t *testing.T) {
	t.Parallel()
	cfg := sign.LoadConfig{Bytes: []byte("topsecret-key"), Password: []byte("topsecret-word"), File: "topsecret"}
	text, err := json.Marshal(map[string]any{"cfg": cfg, "pointer": &cfg})
	require.NoError(t, err)
	shown := string(text) + cfg.LogValue().String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown += fmt.Sprintf(verb, cfg) + fmt.Sprintf(verb, &cfg) + fmt.Sprintf(verb, []sign.LoadConfig{cfg})
	}
	require.NotContains(t, shown, "topsecret")
	require.NotContains(t, shown, hex.EncodeToString([]byte("topsecret")))
	require.NotContains(t, shown, "116 111 112", "bytes in decimal")
}
