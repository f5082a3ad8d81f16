package bench_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"testing"

	gopay "github.com/go-pay/gopay/alipay"
	"github.com/smartwalle/alipay/v3"
	"github.com/stretchr/testify/require"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/signers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"

	"github.com/bankrail/bankrail/sign"
)

// rsaKeys is one RSA-2048 key in every shape the contestants take.
type rsaKeys struct {
	ours *sign.PrivateKey
	std  *rsa.PrivateKey
	// DER in Base64 without PEM, as Alipay's console gives it out.
	privateB64, publicB64 string
}

func newRSAKeys(t testing.TB) rsaKeys {
	t.Helper()
	ours, err := sign.GenerateRSA(2048)
	require.NoError(t, err)
	text, err := ours.PEM()
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	std := parsed.(*rsa.PrivateKey)
	public, err := ours.Public().PEM()
	require.NoError(t, err)
	publicBlock, _ := pem.Decode(public)
	return rsaKeys{
		ours: ours, std: std,
		privateB64: base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PrivateKey(std)),
		publicB64:  base64.StdEncoding.EncodeToString(publicBlock.Bytes),
	}
}

func (k rsaKeys) sign(t testing.TB, text string) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, k.std, crypto.SHA256, sum[:])
	require.NoError(t, err)
	return signature
}

func (k rsaKeys) smartwalle(t testing.TB) *alipay.Client {
	t.Helper()
	c, err := alipay.New("2021001100600001", k.privateB64, false)
	require.NoError(t, err)
	require.NoError(t, c.LoadAliPayPublicKey(k.publicB64))
	return c
}

// rsaSignGroup goes from 20 fields to Base64, and where a peer takes a text, from it.
func rsaSignGroup(t testing.TB) group {
	k, text := newRSAKeys(t), canonical(t)
	want := base64.StdEncoding.EncodeToString(k.sign(t, text))
	signer, err := sign.NewSigner(k.ours, sign.SignerConfig{})
	require.NoError(t, err)
	client := k.smartwalle(t)
	wechat := &signers.SHA256WithRSASigner{MchID: "1", CertificateSerialNo: "1", PrivateKey: k.std}
	source, fields, dst := twenty(), twenty(), make([]byte, 0, 2048)
	bm, v, ctx := bodyMap(), values(), t.Context()
	last := ""
	g := group{"RSA-2048 sign, 20 fields to Base64", []*row{
		{name: "floor: crypto/rsa, ready text", run: func() { last = base64.StdEncoding.EncodeToString(k.sign(t, text)) }},
		{name: bankrailName, run: func() {
			copy(fields, source)
			dst, _ = sign.Text{}.Append(dst[:0], fields)
			signature, _ := signer.Sign(ctx, dst)
			last = sign.EncodeBase64(signature)
		}},
		{name: gopayName, run: func() { last, _ = gopay.GetRsaSign(bm, gopay.RSA2, k.std) }},
		{name: smartwalleName, run: func() {
			signature, _ := client.SignValues(v)
			last = base64.StdEncoding.EncodeToString(signature)
		}},
		{name: wechatName + ", ready text", run: func() {
			result, _ := wechat.Sign(ctx, text)
			last = result.Signature
		}},
	}}
	for _, r := range g.rows {
		last = ""
		r.run()
		require.Equal(t, want, last, r.name)
	}
	return g
}

// rsaVerifyGroup goes from 20 fields and Base64 to the answer, and where a peer takes
// a text, from it.
func rsaVerifyGroup(t testing.TB) group {
	k, text := newRSAKeys(t), canonical(t)
	raw := k.sign(t, text)
	signature := base64.StdEncoding.EncodeToString(raw)
	ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: "1", Key: k.ours.Public()})
	require.NoError(t, err)
	client := k.smartwalle(t)
	wechat := verifiers.NewSHA256WithRSAPubkeyVerifier("1", k.std.PublicKey)
	source, fields, dst := twenty(), twenty(), make([]byte, 0, 2048)
	ctx := t.Context()
	// A callback of Alipay's: smartwalle leaves sign_type out of what is signed.
	v := url.Values{}
	for _, f := range source {
		if f.Name != "sign_type" {
			v.Set(f.Name, f.Value)
		}
	}
	unsigned, err := sign.Text{Exclude: []string{"sign_type"}}.Append(nil, twenty())
	require.NoError(t, err)
	v.Set("sign_type", "RSA2")
	v.Set("sign", base64.StdEncoding.EncodeToString(k.sign(t, string(unsigned))))
	ok := false
	g := group{"RSA-2048 verify, 20 fields and Base64", []*row{
		{name: "floor: crypto/rsa, ready text", run: func() {
			sum := sha256.Sum256([]byte(text))
			ok = rsa.VerifyPKCS1v15(&k.std.PublicKey, crypto.SHA256, sum[:], raw) == nil
		}},
		{name: bankrailName, run: func() {
			copy(fields, source)
			dst, _ = sign.Text{}.Append(dst[:0], fields)
			b, _ := sign.DecodeBase64(signature)
			ok = ring.Verify(ctx, dst, b, "1") == nil
		}},
		{name: gopayName + ", ready text", run: func() { ok, _ = gopay.VerifySyncSign(k.publicB64, text, signature) }},
		{name: smartwalleName, run: func() { ok = client.VerifySign(ctx, v) == nil }},
		{name: wechatName + ", ready text", run: func() { ok = wechat.Verify(ctx, "1", text, signature) == nil }},
	}}
	for _, r := range g.rows {
		ok = false
		r.run()
		require.True(t, ok, r.name)
	}
	return g
}
