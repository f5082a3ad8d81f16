package tjfoc_test

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/tjfoc"
	"github.com/stretchr/testify/require"

	reference "github.com/emmansun/gmsm/sm2"
	library "github.com/tjfoc/gmsm/sm2"
	"github.com/tjfoc/gmsm/sm3"
)

// The tests in this file record where the library differs from the standard, or from
// what its names promise, and that nothing of it comes through: neither through the
// engine nor through package sign. A test that fails in its first half says that the
// library has changed.

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// number is an integer of the curve in 32 bytes.
func number(v *big.Int) (b [32]byte) {
	v.FillBytes(b[:])
	return b
}

func point(k *library.PublicKey) (b [65]byte) {
	b[0] = 4
	k.X.FillBytes(b[1:33])
	k.Y.FillBytes(b[33:])
	return b
}

func libraryKey(t testing.TB) *library.PrivateKey {
	t.Helper()
	k, err := library.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return k
}

var defaultID = []byte("1234567812345678")

// Valid signatures that OpenSSL and the default engine accept. So the engine says no
// where it should say yes, which costs a retry and never money; no input is known
// where it says yes and should say no.
func TestKnown_RefusesValidSignatures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ public, e, r, s string }{
		// Source: a vector of another library's tests, checked with OpenSSL 3.0.19.
		"x with long runs, r and s of 3 bytes": {
			"8000000000000000000000001ffffffffffffffffffffffeffffffff000000000c284ebb26b7d05fa75af3d6f320e370c65555727f5b763b5bb21b274085c2e6",
			"27a9eeee4297b280654766f7203cab461241a0012a6f016c70c7f0352455f192", "61f52a", "12d687",
		},
		// Source: input 3922 of TestDifferential_StructuredInputs.
		"r+s is n-6": {
			publicHex(t, "7fffffff7fffffffffffffffffffffffb901efb590e30295a9ddfa049ceaa091"),
			"220f6da9abf63e6202417958a3ec66f8ca024737aa8116b2869410845fd89204",
			"fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54119", "04",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			public := append([]byte{4}, unhex(t, c.public)...)
			e, r, s := unhex(t, c.e), new(big.Int).SetBytes(unhex(t, c.r)), new(big.Int).SetBytes(unhex(t, c.s))
			key, err := reference.NewPublicKey(public)
			require.NoError(t, err)
			require.True(t, reference.VerifyASN1(key, e, derOf(t, r, s)))
			theirs := &library.PublicKey{Curve: library.P256Sm2(), X: key.X, Y: key.Y}
			require.False(t, library.Verify(theirs, e, r, s), "the library has been mended")
			_, err = tjfoc.Engine{}.NewSM2Verifier([65]byte(public), defaultID)
			require.NoError(t, err, "the key itself is a good one")
		})
	}
}

// publicHex is the point of a private number.
func publicHex(t *testing.T, d string) string {
	t.Helper()
	b := publicOf(t, new(big.Int).SetBytes(unhex(t, d)))
	return hex.EncodeToString(b[1:])
}

// Under the point (0,0) the library believes a signature that needs no private key:
// it takes the point for infinity, so t·P adds nothing.
func TestKnown_TheAllZeroKeyIsRefused(t *testing.T) {
	t.Parallel()
	zero := &library.PublicKey{Curve: library.P256Sm2(), X: new(big.Int), Y: new(big.Int)}
	message := []byte("pay the attacker")
	digest, err := zero.Sm3Digest(message, defaultID)
	require.NoError(t, err)
	s := big.NewInt(12345)
	r, _ := zero.ScalarBaseMult(s.Bytes())
	r.Add(r, new(big.Int).SetBytes(digest)).Mod(r, zero.Params().N)
	require.True(t, library.Verify(zero, digest, r, s), "the library has been mended")

	_, err = tjfoc.Engine{}.NewSM2Verifier([65]byte{4}, defaultID)
	require.Error(t, err)
	_, err = tjfoc.Engine{}.NewSM2Signer([32]byte{31: 1}, [65]byte{4}, defaultID)
	require.Error(t, err)
	spki := append(unhex(t, "3059301306072a8648ce3d020106082a811ccf5501822d03420004"), make([]byte, 64)...)
	_, err = sign.ParsePublicKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	require.ErrorIs(t, err, sign.ErrKey)
}

func TestKnown_PointsOffTheCurveAreRefused(t *testing.T) {
	t.Parallel()
	good := point(&libraryKey(t).PublicKey)
	above := unreduced(t)
	for name, b := range map[string][65]byte{
		"another y":      flip(good, 64),
		"another x":      flip(good, 32),
		"compressed":     flip(good, 0),
		"x above p":      above,
		"zeros":          {},
		"infinity's tag": {0: 4},
		// The generator of P-256, which the library's loader takes for SM2's.
		"P-256": [65]byte(unhex(t, "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")),
	} {
		_, err := tjfoc.Engine{}.NewSM2Verifier(b, defaultID)
		require.ErrorContains(t, err, "not a point on the curve", name)
		_, err = tjfoc.Engine{}.NewSM2Signer([32]byte{31: 1}, b, defaultID)
		require.ErrorContains(t, err, "not a point on the curve", name)
	}
}

// unreduced is a point of the curve with p added to its x.
func unreduced(t *testing.T) (b [65]byte) {
	t.Helper()
	params := library.P256Sm2().Params()
	for i := range int64(100) {
		x := big.NewInt(i)
		y := new(big.Int).Mul(x, x)
		y.Sub(y, big.NewInt(3)).Mul(y, x).Add(y, params.B).Mod(y, params.P)
		if y.ModSqrt(y, params.P) == nil {
			continue
		}
		good := point(&library.PublicKey{X: x, Y: y})
		_, err := tjfoc.Engine{}.NewSM2Verifier(good, defaultID)
		require.NoError(t, err)
		return point(&library.PublicKey{X: x.Add(x, params.P), Y: y})
	}
	t.Fatal("no point with a small x")
	return b
}

func flip(b [65]byte, i int) [65]byte {
	b[i] ^= 1
	return b
}

// PublicKey.Verify unmarshals and does not look at what is left.
func TestKnown_BytesBehindASignatureAreRefused(t *testing.T) {
	t.Parallel()
	key := libraryKey(t)
	message := []byte("a=1")
	der, err := key.Sign(rand.Reader, message, nil)
	require.NoError(t, err)
	longer := append(der[:len(der):len(der)], "whatever"...)
	require.True(t, key.Verify(message, longer), "the library has been mended")

	verify, err := tjfoc.Engine{}.NewSM2Verifier(point(&key.PublicKey), defaultID)
	require.NoError(t, err)
	require.True(t, verify(message, der))
	require.False(t, verify(message, longer))
	require.False(t, verify(message, nil))
	require.False(t, verify(message, der[:len(der)-1]))
	require.False(t, verify(message, []byte{0x30, 6, 2, 1, 0xff, 2, 1, 1}), "negative r")
}

// PrivateKey.Sign has the signature of crypto.Signer, whose argument is a digest;
// this one's is the message.
func TestKnown_SignTakesTheMessage(t *testing.T) {
	t.Parallel()
	key := libraryKey(t)
	b := point(&key.PublicKey)
	public, err := reference.NewPublicKey(b[:])
	require.NoError(t, err)
	message := []byte("a=1")
	digest, err := reference.CalculateSM2Hash(public, message, nil)
	require.NoError(t, err)
	overDigest, err := key.Sign(rand.Reader, digest, nil)
	require.NoError(t, err)
	require.False(t, reference.VerifyASN1(public, digest, overDigest), "the library has been mended")
	overMessage, err := key.Sign(rand.Reader, message, nil)
	require.NoError(t, err)
	require.True(t, reference.VerifyASN1(public, digest, overMessage))

	signer, err := tjfoc.Engine{}.NewSM2Signer(number(key.D), b, defaultID)
	require.NoError(t, err)
	ours, err := signer(message)
	require.NoError(t, err)
	require.True(t, reference.VerifyASN1(public, digest, ours))
}

// An empty id becomes the default one, in both directions.
func TestKnown_AnEmptyIDIsNotTheDefaultOne(t *testing.T) {
	t.Parallel()
	key := libraryKey(t)
	message := []byte("a=1")
	r, s, err := library.Sm2Sign(key, message, []byte{}, rand.Reader)
	require.NoError(t, err)
	require.True(t, library.Sm2Verify(&key.PublicKey, message, defaultID, r, s), "the library has been mended")

	_, err = tjfoc.Engine{}.NewSM2Signer(number(key.D), point(&key.PublicKey), nil)
	require.EqualError(t, err, "tjfoc/gmsm cannot sign with an empty SM2 id")
	verify, err := tjfoc.Engine{}.NewSM2Verifier(point(&key.PublicKey), nil)
	require.NoError(t, err)
	require.False(t, verify(message, derOf(t, r, s)))

	own, err := sign.GenerateSM2()
	require.NoError(t, err)
	_, err = sign.NewSigner(own, sign.SignerConfig{Engine: tjfoc.Engine{}, SM2EmptyID: true})
	require.ErrorIs(t, err, sign.ErrKey)
	signer, err := sign.NewSigner(own, sign.SignerConfig{Check: tjfoc.Engine{}, SM2EmptyID: true})
	require.NoError(t, err, "it can check one")
	_, err = signer.Sign(t.Context(), message)
	require.NoError(t, err)
}

// With d = n-1 the library dereferences nil: 1+d has no inverse. Above n it signs
// with a number nobody meant.
func TestKnown_PrivateNumbersOutOfRangeAreRefused(t *testing.T) {
	t.Parallel()
	n := library.P256Sm2().Params().N
	last := new(big.Int).Sub(n, big.NewInt(1))
	b := point(&libraryKey(t).PublicKey)
	require.Panics(t, func() {
		_, _, _ = library.Sm2Sign(&library.PrivateKey{PublicKey: libraryKey(t).PublicKey, D: last}, []byte("x"), defaultID, rand.Reader)
	}, "the library has been mended")
	for _, d := range []*big.Int{new(big.Int), last, n, new(big.Int).Add(n, big.NewInt(1))} {
		_, err := tjfoc.Engine{}.NewSM2Signer(number(d), b, defaultID)
		require.EqualError(t, err, "SM2 private number out of [1, n-2]")
	}
	_, err := tjfoc.Engine{}.NewSM2Signer([32]byte{31: 1}, b, make([]byte, 8192))
	require.Error(t, err)
	_, err = tjfoc.Engine{}.NewSM2Verifier(b, make([]byte, 8192))
	require.Error(t, err)
}

// The library's Sum hashes the prefix it should keep, and forgets it.
func TestKnown_SumKeepsItsPrefix(t *testing.T) {
	t.Parallel()
	plain := sm3.New()
	plain.Write([]byte("abc"))
	want := unhex(t, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")
	require.NotEqual(t, append([]byte("x"), want...), plain.Sum([]byte("x")), "the library has been mended")

	h := tjfoc.Engine{}.NewSM3()
	h.Write([]byte("ab"))
	h.Sum([]byte("xyz")) // does not change what follows
	h.Write([]byte("c"))
	require.Equal(t, append([]byte("x"), want...), h.Sum([]byte("x")))
	require.Equal(t, want, h.Sum(nil))
	require.Equal(t, want, h.Sum(make([]byte, 0, 64)))
	h.Reset()
	h.Write([]byte("abc"))
	require.Equal(t, want, h.Sum(nil))
	require.Equal(t, 32, h.Size())
	require.Equal(t, 64, h.BlockSize())
}
