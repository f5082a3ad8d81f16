package sign_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func newMAC(t testing.TB, a sign.Algorithm, secret string) *sign.MAC {
	t.Helper()
	m, err := sign.NewMAC(sign.MACConfig{Algorithm: a, Secret: []byte(secret), KeyID: "k1"})
	require.NoError(t, err)
	return m
}

func TestMAC_Vectors(t *testing.T) {
	t.Parallel()
	counting := string(unhex(t, "0102030405060708090a0b0c0d0e0f10111213141516171819"))
	for _, c := range []struct {
		algorithm           sign.Algorithm
		secret, message, in string
	}{
		// Source: RFC 4231 section 4, cases 1 to 4, 6 and 7.
		{sign.HMACSHA256, strings.Repeat("\x0b", 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{sign.HMACSHA256, "Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{sign.HMACSHA256, strings.Repeat("\xaa", 20), strings.Repeat("\xdd", 50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
		{sign.HMACSHA256, counting, strings.Repeat("\xcd", 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
		{sign.HMACSHA256, strings.Repeat("\xaa", 131), "Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
		{sign.HMACSHA256, strings.Repeat("\xaa", 131), "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.", "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
		// Source: RFC 2202 section 2, cases 1 to 7.
		{sign.LegacyHMACMD5, strings.Repeat("\x0b", 16), "Hi There", "9294727a3638bb1c13f48ef8158bfc9d"},
		{sign.LegacyHMACMD5, "Jefe", "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"},
		{sign.LegacyHMACMD5, strings.Repeat("\xaa", 16), strings.Repeat("\xdd", 50), "56be34521d144c88dbb8c733f0e8b3f6"},
		{sign.LegacyHMACMD5, counting, strings.Repeat("\xcd", 50), "697eaf0aca3a3aea3a75164746ffaa79"},
		{sign.LegacyHMACMD5, strings.Repeat("\x0c", 16), "Test With Truncation", "56461ef2342edc00f9bab995690efd4c"},
		{sign.LegacyHMACMD5, strings.Repeat("\xaa", 80), "Test Using Larger Than Block-Size Key - Hash Key First", "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"},
		{sign.LegacyHMACMD5, strings.Repeat("\xaa", 80), "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data", "6f630fad67cda0ee1fb1f562db3aa53e"},
		// Source: openssl dgst -sm3 -mac HMAC -macopt hexkey:…, OpenSSL 3.0.19.
		{sign.HMACSM3, strings.Repeat("\x0b", 20), "Hi There", "51b00d1fb49832bfb01c3ce27848e59f871d9ba938dc563b338ca964755cce70"},
		{sign.HMACSM3, "Jefe", "what do ya want for nothing?", "2e87f1d16862e6d964b50a5200bf2b10b764faa9680a296a2405f24bec39f882"},
		{sign.HMACSM3, strings.Repeat("\xaa", 131), "Test Using Larger Than Block-Size Key - Hash Key First", "b4fd844e13342002f0b2e0690ea7741f1497d993a70494cea601e657bedf67a0"},
	} {
		m := newMAC(t, c.algorithm, c.secret)
		require.Equal(t, c.algorithm, m.Algorithm())
		require.Equal(t, "k1", m.KeyID())
		want := unhex(t, c.in)
		require.Equal(t, want, signed(t, m, c.message), "%s %q", c.algorithm, c.message)
		require.NoError(t, m.Verify(t.Context(), []byte(c.message), want, "k1"))
		require.NoError(t, m.Verify(t.Context(), []byte(c.message), want, ""))
		refusedAs(t, "serial", m.Verify(t.Context(), []byte(c.message), want, "k2"))
		refusedAs(t, "signature", m.Verify(t.Context(), []byte(c.message), nil, "k1"))
		refusedAs(t, "signature", m.Verify(t.Context(), []byte(c.message), want[1:], "k1"))
		refusedAs(t, "signature", m.Verify(t.Context(), []byte(c.message), append(want[:len(want):len(want)], 0), "k1"))
		refusedAs(t, "signature", m.Verify(t.Context(), []byte(c.message+"x"), want, "k1"))
		for i := range 8 * len(want) {
			want[i/8] ^= 1 << (i % 8)
			refusedAs(t, "signature", m.Verify(t.Context(), []byte(c.message), want, "k1"))
			want[i/8] ^= 1 << (i % 8)
		}
	}
}

// wechatText is the worked example of 微信支付 v2. Source: the page "签名算法" of the
// WeChat Pay v2 documentation; the secret is the one published there.
const (
	wechatSecret = "192006250b4c09247ec02edce69f6a2d"
	wechatText   = "appid=wxd930ea5d5a258f4f&body=test&device_info=1000&mch_id=10000100&nonce_str=ibuaiVcKdpRxkhJA&key=" + wechatSecret
)

func TestWeChatV2_WorkedExample(t *testing.T) {
	t.Parallel()
	md5 := newDigest(t, sign.LegacyMD5, wechatSecret)
	require.Equal(t, "9A0A8659F005D6984697E2CA0A9CF3B7", sign.HexUpper.Encode(signed(t, md5, wechatText)))
	mac := newMAC(t, sign.HMACSHA256, wechatSecret)
	want := "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6"
	require.Equal(t, want, sign.HexUpper.Encode(signed(t, mac, wechatText)))

	// The case of the letters is no part of the signature.
	for _, text := range []string{want, strings.ToLower(want)} {
		signature, err := sign.HexUpper.Decode(text)
		require.NoError(t, err)
		require.NoError(t, mac.Verify(t.Context(), []byte(wechatText), signature, ""))
		refusedAs(t, "signature", md5.Verify(t.Context(), []byte(wechatText), signature, ""))
	}
}

func TestMAC_HMACSM3AgreesWithOpenSSL(t *testing.T) {
	t.Parallel()
	o := newOpenSSL(t)
	for _, n := range []int{0, 1, 55, 56, 63, 64, 65, 127, 128, 1000} {
		o.write("message", bytes.Repeat([]byte("商"), n))
		for a, flag := range map[sign.Algorithm]string{sign.HMACSM3: "-sm3", sign.HMACSHA256: "-sha256", sign.LegacyHMACMD5: "-md5"} {
			for _, secret := range []string{"k", strings.Repeat("k", 64), strings.Repeat("k", 65)} {
				cmd := exec.CommandContext(t.Context(), "openssl", "dgst", flag, "-hmac", secret, "-hex", "-r", "message")
				cmd.Dir = o.dir
				out, err := cmd.Output()
				require.NoError(t, err)
				want, _, _ := strings.Cut(string(out), " ")
				require.Equal(t, want, hex.EncodeToString(signed(t, newMAC(t, a, secret), strings.Repeat("商", n))))
			}
		}
	}
}

func TestNewMAC_RefusesWhatCannotSign(t *testing.T) {
	t.Parallel()
	const wanted = "want HMAC-SHA256, HMAC-SM3 or HMAC-MD5"
	for name, c := range map[string]struct {
		cfg     sign.MACConfig
		problem string
	}{
		"no secret":         {sign.MACConfig{Algorithm: sign.HMACSHA256}, "no secret: anybody could sign with an empty one"},
		"empty secret":      {sign.MACConfig{Algorithm: sign.HMACSM3, Secret: []byte{}}, "no secret: anybody could sign with an empty one"},
		"a file for secret": {sign.MACConfig{Algorithm: sign.HMACSM3, Secret: make([]byte, 4097)}, "secret is 4097 bytes, want at most 4096"},
		"no algorithm":      {sign.MACConfig{Secret: []byte("x")}, `Algorithm is "", ` + wanted},
		"a digest":          {sign.MACConfig{Algorithm: sign.LegacyMD5, Secret: []byte("x")}, `Algorithm is "MD5", ` + wanted},
		"a key's algorithm": {sign.MACConfig{Algorithm: sign.RSASHA256, Secret: []byte("x")}, `Algorithm is "RSA-SHA256", ` + wanted},
		"small letters":     {sign.MACConfig{Algorithm: "hmac-sha256", Secret: []byte("x")}, `Algorithm is "hmac-sha256", ` + wanted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := sign.NewMAC(c.cfg)
			require.Nil(t, m)
			require.Equal(t, c.problem, keyRefused(t, err).Problem)
		})
	}
}

func TestMAC_KeepsItsOwnCopyOfTheSecret(t *testing.T) {
	t.Parallel()
	secret := []byte("Jefe")
	m, err := sign.NewMAC(sign.MACConfig{Algorithm: sign.HMACSHA256, Secret: secret})
	require.NoError(t, err)
	before := signed(t, m, "x")
	clear(secret)
	require.Equal(t, before, signed(t, m, "x"))
}

func TestSecret_IsNeverShown(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2"
	type holder struct {
		MAC    *sign.MAC
		Value  sign.MAC
		Digest *sign.Digest
		Config sign.MACConfig
		Other  *sign.DigestConfig
		Signer sign.Signer
		mac    *sign.MAC
		value  sign.Digest
	}
	m, d := newMAC(t, sign.HMACSHA256, secret), newDigest(t, sign.LegacyMD5, secret)
	cfg := sign.MACConfig{Algorithm: sign.HMACSHA256, Secret: []byte(secret)}
	h := holder{m, *m, d, cfg, &sign.DigestConfig{Secret: []byte(secret)}, m, m, *d}
	var shown bytes.Buffer
	for _, v := range []any{m, *m, d, *d, cfg, &cfg, cfg.Secret, h, &h, []any{m}, map[string]any{"s": cfg.Secret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&shown, verb, v)
		}
		_ = json.NewEncoder(&shown).Encode(v)
		slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "secret", v)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "secret", v)
	}
	for _, e := range []error{
		m.Verify(t.Context(), []byte(secret), []byte("x"), "k1"), d.Verify(t.Context(), []byte(secret), []byte("x"), "k1"),
		d.Verify(t.Context(), []byte("x"), []byte("x"), "k1"), d.Verify(t.Context(), []byte(secret), nil, "k2"),
	} {
		require.Error(t, e)
		fmt.Fprintf(&shown, "%v %+v %#v", e, e, e)
	}
	require.Contains(t, shown.String(), "[secret]")
	require.Equal(t, "[secret]", cfg.Secret.String())
	require.Equal(t, "[secret]", cfg.Secret.GoString())
	require.Equal(t, "[secret]", m.String())
	require.Equal(t, "[secret]", d.GoString())
	sum := signed(t, d, secret)
	for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), fmt.Sprintf("%X", secret), fmt.Sprint([]byte(secret)), "aHVudGVyMi1odW50ZXIy", hex.EncodeToString(sum)} {
		require.NotContains(t, shown.String(), form)
	}
	require.NoError(t, m.Verify(context.Background(), []byte("x"), signed(t, m, "x"), ""))
}
