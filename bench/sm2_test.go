package bench_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"
	tjfoc "github.com/tjfoc/gmsm/sm2"
	"github.com/tjfoc/gmsm/x509"

	"github.com/bankrail/bankrail/sign"
)

// sm2Keys is one SM2 key in every shape the contestants take.
type sm2Keys struct {
	ours  *sign.PrivateKey
	raw   *sm2.PrivateKey
	tjfoc *tjfoc.PrivateKey
}

func newSM2Keys(t testing.TB) sm2Keys {
	t.Helper()
	// Any number in range is a key; this one needs no key file to be taken apart.
	seed := sha256.Sum256([]byte("bench"))
	seed[0] = 1
	raw, err := sm2.NewPrivateKey(seed[:])
	require.NoError(t, err)
	other, err := x509.ReadPrivateKeyFromHex(hex.EncodeToString(seed[:]))
	require.NoError(t, err)
	return sm2Keys{ours: parseSM2(t, seed[:]), raw: raw, tjfoc: other}
}

// parseSM2 wraps a number as PKCS#8 and reads it.
func parseSM2(t testing.TB, d []byte) *sign.PrivateKey {
	t.Helper()
	type sec1 struct {
		Version int
		Key     []byte
	}
	type algorithm struct{ Key, Curve asn1.ObjectIdentifier }
	type pkcs8 struct {
		Version   int
		Algorithm algorithm
		Key       []byte
	}
	inner, err := asn1.Marshal(sec1{1, d})
	require.NoError(t, err)
	der, err := asn1.Marshal(pkcs8{0, algorithm{
		asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301},
	}, inner})
	require.NoError(t, err)
	key, err := sign.ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	require.NoError(t, err)
	return key
}

// sm2SignGroup signs the text of 20 fields to DER bytes.
func sm2SignGroup(t testing.TB) group {
	k, text, ctx := newSM2Keys(t), []byte(canonical(t)), t.Context()
	signer, err := sign.NewSigner(k.ours, sign.SignerConfig{})
	require.NoError(t, err)
	var signature []byte
	g := group{"SM2 sign, text of 20 fields", []*row{
		{name: "floor: emmansun/gmsm", run: func() { signature, _ = k.raw.Sign(rand.Reader, text, sm2.DefaultSM2SignerOpts) }},
		{name: bankrailName, run: func() { signature, _ = signer.Sign(ctx, text) }},
		{name: tjfocName, run: func() { signature, _ = k.tjfoc.Sign(rand.Reader, text, nil) }},
	}}
	for _, r := range g.rows {
		signature = nil
		r.run()
		require.True(t, sm2.VerifyASN1WithSM2(&k.raw.PublicKey, nil, text, signature), r.name)
		require.True(t, k.tjfoc.Verify(text, signature), r.name)
	}
	return g
}

// sm2VerifyGroup verifies DER bytes over the text of 20 fields.
func sm2VerifyGroup(t testing.TB) group {
	k, text, ctx := newSM2Keys(t), []byte(canonical(t)), t.Context()
	ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: "1", Key: k.ours.Public()})
	require.NoError(t, err)
	signature, err := k.raw.Sign(rand.Reader, text, sm2.DefaultSM2SignerOpts)
	require.NoError(t, err)
	ok := false
	g := group{"SM2 verify, text of 20 fields", []*row{
		{name: "floor: emmansun/gmsm", run: func() { ok = sm2.VerifyASN1WithSM2(&k.raw.PublicKey, nil, text, signature) }},
		{name: bankrailName, run: func() { ok = ring.Verify(ctx, text, signature, "1") == nil }},
		{name: tjfocName, run: func() { ok = k.tjfoc.Verify(text, signature) }},
	}}
	for _, r := range g.rows {
		ok = false
		r.run()
		require.True(t, ok, r.name)
	}
	return g
}
