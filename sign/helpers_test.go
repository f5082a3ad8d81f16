package sign_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

var (
	oidEC   = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidSM2  = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301}
	oidP256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	oidRSA  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
)

type pkcs8 struct {
	Version   int
	Algorithm pkix.AlgorithmIdentifier
	Key       []byte
}

type sec1 struct {
	Version int
	Key     []byte
	Curve   asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
	Public  asn1.BitString        `asn1:"optional,explicit,tag:1"`
}

type spki struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func der(t testing.TB, v any) []byte {
	t.Helper()
	b, err := asn1.Marshal(v)
	require.NoError(t, err)
	return b
}

func block(label string, b []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: b})
}

func ecID(t testing.TB, curve asn1.ObjectIdentifier) pkix.AlgorithmIdentifier {
	t.Helper()
	return pkix.AlgorithmIdentifier{Algorithm: oidEC, Parameters: asn1.RawValue{FullBytes: der(t, curve)}}
}

// sm2Point wraps the hex of X ‖ Y as a PUBLIC KEY.
func sm2Point(t testing.TB, xy string) []byte {
	t.Helper()
	return block("PUBLIC KEY", der(t, spki{ecID(t, oidSM2), bits(unhex(t, "04"+xy))}))
}

// sm2Number wraps d as a PRIVATE KEY.
func sm2Number(t testing.TB, d string) []byte {
	t.Helper()
	inner := der(t, sec1{Version: 1, Key: unhex(t, d)})
	return block("PRIVATE KEY", der(t, pkcs8{Algorithm: ecID(t, oidSM2), Key: inner}))
}

func bits(b []byte) asn1.BitString { return asn1.BitString{Bytes: b, BitLength: 8 * len(b)} }

// sec1Of returns the SEC 1 part of an SM2 key: number and point.
func sec1Of(t testing.TB, k *sign.PrivateKey) sec1 {
	t.Helper()
	text, err := k.PEM()
	require.NoError(t, err)
	b, _ := pem.Decode(text)
	var outer pkcs8
	_, err = asn1.Unmarshal(b.Bytes, &outer)
	require.NoError(t, err)
	var inner sec1
	_, err = asn1.Unmarshal(outer.Key, &inner)
	require.NoError(t, err)
	return inner
}

func generate(t testing.TB, a sign.Algorithm) *sign.PrivateKey {
	t.Helper()
	var (
		k   *sign.PrivateKey
		err error
	)
	if a == sign.SM2SM3 {
		k, err = sign.GenerateSM2()
	} else {
		k, err = sign.GenerateRSA(2048)
	}
	require.NoError(t, err)
	return k
}

func newSigner(t testing.TB, k *sign.PrivateKey, cfg sign.SignerConfig) sign.Signer {
	t.Helper()
	s, err := sign.NewSigner(k, cfg)
	require.NoError(t, err)
	return s
}

func newRing(t testing.TB, keys ...sign.RingKey) *sign.KeyRing {
	t.Helper()
	r, err := sign.NewKeyRing(sign.RingConfig{}, keys...)
	require.NoError(t, err)
	return r
}

func signed(t testing.TB, s sign.Signer, message string) []byte {
	t.Helper()
	signature, err := s.Sign(t.Context(), []byte(message))
	require.NoError(t, err)
	return signature
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "openssl", name))
	require.NoError(t, err)
	return b
}

func publicTestdata(t testing.TB, name string) *sign.PublicKey {
	t.Helper()
	k, err := sign.PublicKeyFile(filepath.Join("testdata", "openssl", name))
	require.NoError(t, err)
	return k
}

// refusedAs checks the refusal of a signature: its part, and that it is ErrSignature.
func refusedAs(t testing.TB, part string, err error) *sign.Error {
	t.Helper()
	require.ErrorIs(t, err, sign.ErrSignature)
	var e *sign.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, part, e.Part, "%v", err)
	return e
}

// keyRefused checks the refusal of a key and returns its problem.
func keyRefused(t testing.TB, err error) *sign.KeyError {
	t.Helper()
	require.ErrorIs(t, err, sign.ErrKey)
	require.NotErrorIs(t, err, sign.ErrSignature)
	var e *sign.KeyError
	require.ErrorAs(t, err, &e)
	return e
}

// within runs f and fails if it takes longer than a hostile input may cost. The
// bound is wide for slow machines; what it guards against takes minutes or for ever.
func within(t testing.TB, limit time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	require.Less(t, time.Since(start), limit)
}

// rsa1024 makes a key the package itself does not make.
func rsa1024(t testing.TB) *sign.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	key, err := sign.ParsePrivateKey(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k)))
	require.NoError(t, err)
	return key
}

func pkixOnly(oid asn1.ObjectIdentifier) pkix.AlgorithmIdentifier {
	return pkix.AlgorithmIdentifier{Algorithm: oid}
}

func p256Certificate(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	b, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return b
}

// bareCertificate has a key where a certificate has one, and little else.
func bareCertificate(t testing.TB, publicPEM []byte) any {
	t.Helper()
	b, _ := pem.Decode(publicPEM)
	empty := asn1.RawValue{FullBytes: []byte{0x30, 0}}
	type signed struct {
		Serial                         int
		Sig, Issuer, Validity, Subject asn1.RawValue
		Key                            asn1.RawValue
	}
	return struct{ Signed signed }{signed{1, empty, empty, empty, empty, asn1.RawValue{FullBytes: b.Bytes}}}
}

func rsaOf(t testing.TB, k *sign.PrivateKey) *rsa.PrivateKey {
	t.Helper()
	text, err := k.PEM()
	require.NoError(t, err)
	b, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(b.Bytes)
	require.NoError(t, err)
	return key.(*rsa.PrivateKey)
}
