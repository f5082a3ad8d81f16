package envelope_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/envelope"
	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"
)

func TestOpener_OpensWhatWasSealed(t *testing.T) {
	t.Parallel()
	for _, s := range schemes {
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			sealer, opener := pair(t, keyFor(t, s), s)
			most := sealer.MaxPlaintext()
			for _, n := range []int{1, 2, 31, 32, 33, 100, most} {
				plaintext := make([]byte, n)
				_, _ = rand.Read(plaintext)
				sealed, err := sealer.Seal(plaintext)
				require.NoError(t, err)
				require.LessOrEqual(t, len(sealed), envelope.MaxInput)
				again, err := sealer.Seal(plaintext)
				require.NoError(t, err)
				require.False(t, bytes.Equal(sealed, again), "a number was used twice")
				got, err := opener.Open(sealed)
				require.NoError(t, err)
				require.True(t, bytes.Equal(plaintext, got))

				for _, i := range []int{0, 1, 5, 40, len(sealed) / 2, len(sealed) - 33, len(sealed) - 1} {
					sealed[i] ^= 1
					got, err := opener.Open(sealed)
					notOpened(t, got, err, n, i)
					sealed[i] ^= 1
				}
				for _, changed := range [][]byte{sealed[1:], sealed[:len(sealed)-1], append(bytes.Clone(sealed), 0), append([]byte{0}, sealed...)} {
					got, err := opener.Open(changed)
					notOpened(t, got, err, n, len(changed))
				}
			}
			_, err := sealer.Seal(nil)
			notSealed(t, err, "the plaintext is empty")
			_, err = sealer.Seal(make([]byte, most+1))
			require.ErrorIs(t, err, envelope.ErrSeal)
		})
	}
}

// One byte has an all-zero key stream one time in 256. A library that starts the
// standard's second attempt wrongly makes ciphertexts nobody can open: of 4,000 seals
// about 16 would not.
func TestSealer_StartsAfreshOnAZeroKeyStream(t *testing.T) {
	t.Parallel()
	sealer, opener := pair(t, sm2Key(t, annexPrivate), envelope.SM2C1C3C2)
	for range 4000 {
		sealed, err := sealer.Seal([]byte("x"))
		require.NoError(t, err)
		require.NotEqual(t, byte('x'), sealed[len(sealed)-1], "the plaintext went out in clear")
		got, err := opener.Open(sealed)
		require.NoError(t, err)
		require.Equal(t, "x", string(got))
	}
}

func TestSealer_MaxPlaintext(t *testing.T) {
	t.Parallel()
	key := rsaKey(t)
	for s, want := range map[envelope.Scheme]int{envelope.LegacyRSAOAEPSHA1: 214, envelope.RSAOAEPSHA256: 190} {
		sealer, _ := pair(t, key, s)
		require.Equal(t, want, sealer.MaxPlaintext())
	}
	sealer, _ := pair(t, sm2Key(t, annexPrivate), envelope.SM2ASN1)
	require.Equal(t, envelope.MaxInput-256, sealer.MaxPlaintext())
}

// The same bytes under another key, scheme or hash.
func TestOpener_RefusesOtherSchemesAndKeys(t *testing.T) {
	t.Parallel()
	keys := map[bool][2]*sign.PrivateKey{}
	otherSM2, err := sign.GenerateSM2()
	require.NoError(t, err)
	keys[true] = [2]*sign.PrivateKey{rsaKey(t), rsaKey(t)}
	keys[false] = [2]*sign.PrivateKey{sm2Key(t, annexPrivate), otherSM2}
	isRSA := func(s envelope.Scheme) bool { return s[0] == 'R' }
	for _, sealed := range schemes {
		sealer, _ := pair(t, keys[isRSA(sealed)][0], sealed)
		ciphertext, err := sealer.Seal([]byte("6222021234567890123"))
		require.NoError(t, err)
		for _, opened := range schemes {
			for i, key := range keys[isRSA(opened)] {
				_, opener := pair(t, key, opened)
				got, err := opener.Open(ciphertext)
				if i == 0 && opened == sealed {
					require.NoError(t, err)
				} else {
					notOpened(t, got, err, sealed, opened, i)
				}
			}
		}
	}
}

// PKCS#1 v1.5 is refused as a scheme, and what it made does not open.
func TestOpener_RefusesPKCS1v15(t *testing.T) {
	t.Parallel()
	key := rsaKey(t)
	for _, s := range []envelope.Scheme{"RSA", "RSA-PKCS1-v1_5", "RSA/ECB/PKCS1Padding"} {
		_, err := envelope.NewOpener(key, envelope.KeyConfig{Scheme: s})
		keyRefused(t, err, "RSA PKCS#1 v1.5 is refused")
		_, err = envelope.NewSealer(key.Public(), envelope.KeyConfig{Scheme: s})
		keyRefused(t, err, "RSA PKCS#1 v1.5 is refused")
	}
	text, err := key.Public().PEM()
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	require.NoError(t, err)
	ciphertext, err := rsa.EncryptPKCS1v15(rand.Reader, public.(*rsa.PublicKey), []byte("x"))
	require.NoError(t, err)
	_, opener := pair(t, key, envelope.RSAOAEPSHA256)
	got, err := opener.Open(ciphertext)
	notOpened(t, got, err)
}

func TestKeys_Refused(t *testing.T) {
	t.Parallel()
	rsa2048, curve := rsaKey(t), sm2Key(t, annexPrivate)
	for _, c := range map[string]struct {
		key     *sign.PrivateKey
		scheme  envelope.Scheme
		problem string
	}{
		"no scheme":             {rsa2048, "", "no scheme is given"},
		"RSA scheme, SM2":       {curve, envelope.RSAOAEPSHA256, "RSA-OAEP-SHA256 needs an RSA key"},
		"SM2 scheme, RSA":       {rsa2048, envelope.SM2ASN1, "SM2-ASN1 needs an SM2 key"},
		"no key":                {nil, envelope.SM2ASN1, "SM2-ASN1 needs an SM2 key"},
		"key of no constructor": {&sign.PrivateKey{}, envelope.RSAOAEPSHA256, "RSA-OAEP-SHA256 needs an RSA key"},
	} {
		_, err := envelope.NewOpener(c.key, envelope.KeyConfig{Scheme: c.scheme})
		keyRefused(t, err, c.problem)
		_, err = envelope.NewSealer(c.key.Public(), envelope.KeyConfig{Scheme: c.scheme})
		keyRefused(t, err, c.problem)
	}
	// A mark that no file could hold is no obstacle to opening.
	_, err := envelope.NewOpener(curve.WithEnvironment("not\na name"), envelope.KeyConfig{Scheme: envelope.SM2ASN1})
	require.NoError(t, err)
}

func TestKeys_ShortRSAOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	key, err := sign.ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(short)}))
	require.NoError(t, err)
	cfg := envelope.KeyConfig{Scheme: envelope.LegacyRSAOAEPSHA1}
	_, err = envelope.NewOpener(key, cfg)
	keyRefused(t, err, "RSA key is 1024 bits, want at least 2048; Legacy1024 admits it")
	_, err = envelope.NewSealer(key.Public(), cfg)
	keyRefused(t, err, "RSA key is 1024 bits, want at least 2048; Legacy1024 admits it")
	cfg.Legacy1024 = true
	_, err = envelope.NewOpener(key, cfg)
	require.NoError(t, err)
}

// hostilePoints are C1s that would give the private key away, or crash, if used.
func hostilePoints(t testing.TB) map[string][]byte {
	t.Helper()
	p, _ := new(big.Int).SetString("fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff", 16)
	g := unhex(t, vectors(t, "sm2.txt", 4)[0][3])[1:65]
	x, y := new(big.Int).SetBytes(g[:32]), new(big.Int).SetBytes(g[32:])
	point := func(x, y *big.Int) []byte {
		return append(append([]byte{4}, x.FillBytes(make([]byte, 32))...), y.FillBytes(make([]byte, 32))...)
	}
	one, zero := big.NewInt(1), new(big.Int)
	all := new(big.Int).Sub(new(big.Int).Lsh(one, 256), one)
	return map[string][]byte{
		"infinity as zeros":  point(zero, zero),
		"off the curve":      point(x, new(big.Int).Add(y, one)),
		"swapped":            point(y, x),
		"x = 0":              point(zero, y),
		"y = 0":              point(x, zero),
		"x = p":              point(p, y),
		"all ones":           point(all, all),
		"the point of P-256": point(bigHex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"), bigHex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")),
	}
}

func bigHex(s string) *big.Int {
	n, _ := new(big.Int).SetString(s, 16)
	return n
}

func TestOpener_RefusesPointsOffTheCurve(t *testing.T) {
	t.Parallel()
	tail := unhex(t, vectors(t, "sm2.txt", 4)[0][3])[65:]
	for _, s := range []envelope.Scheme{envelope.SM2C1C3C2, envelope.SM2C1C2C3, envelope.SM2ASN1} {
		_, opener := pair(t, sm2Key(t, annexPrivate), s)
		for name, point := range hostilePoints(t) {
			ciphertext := append(bytes.Clone(point), tail...)
			if s == envelope.SM2ASN1 {
				ciphertext = sm2DER(t, new(big.Int).SetBytes(point[1:33]), new(big.Int).SetBytes(point[33:]), tail[:32], tail[32:])
			}
			got, err := opener.Open(ciphertext)
			notOpened(t, got, err, s, name)
		}
		for _, prefix := range []byte{0, 2, 3, 5, 6, 7, 0x30, 0xff} {
			ciphertext := unhex(t, vectors(t, "sm2.txt", 4)[0][3])
			ciphertext[0] = prefix
			got, err := opener.Open(ciphertext)
			notOpened(t, got, err, s, prefix)
		}
		for n := range 130 {
			ciphertext := bytes.Repeat([]byte{4}, n)
			got, err := opener.Open(ciphertext)
			notOpened(t, got, err, s, n)
		}
	}
}

// What is too long is refused for its length, also where all is right with it.
func TestOpener_RefusesAboveTheLimit(t *testing.T) {
	t.Parallel()
	key, err := sm2.NewPrivateKey(unhex(t, annexPrivate))
	require.NoError(t, err)
	_, opener := pair(t, sm2Key(t, annexPrivate), envelope.SM2C1C3C2)
	for size, opens := range map[int]bool{envelope.MaxInput: true, envelope.MaxInput + 1: false} {
		ciphertext, err := sm2.Encrypt(rand.Reader, &key.PublicKey, make([]byte, size-97), nil)
		require.NoError(t, err)
		require.Len(t, ciphertext, size)
		got, err := opener.Open(ciphertext)
		if opens {
			require.NoError(t, err)
			require.Len(t, got, size-97)
		} else {
			notOpened(t, got, err)
		}
	}
}

func sm2DER(t testing.TB, x, y *big.Int, c3, c2 []byte) []byte {
	t.Helper()
	b, err := asn1.Marshal(struct {
		X, Y   *big.Int
		C3, C2 []byte
	}{x, y, c3, c2})
	require.NoError(t, err)
	return b
}

// One ciphertext has one form.
func TestOpener_ReadsStrictDEROnly(t *testing.T) {
	t.Parallel()
	v := vectors(t, "sm2.txt", 4)[0]
	raw := unhex(t, v[3])
	x, y := new(big.Int).SetBytes(raw[1:33]), new(big.Int).SetBytes(raw[33:65])
	c3, c2 := raw[65:97], raw[97:]
	_, opener := pair(t, sm2Key(t, annexPrivate), envelope.SM2ASN1)
	der := sm2DER(t, x, y, c3, c2)
	got, err := opener.Open(der)
	require.NoError(t, err)
	require.Equal(t, unhex(t, v[2]), got)

	more, err := asn1.Marshal(struct {
		X, Y     *big.Int
		C3, C2   []byte
		Trailing int
	}{x, y, c3, c2, 1})
	require.NoError(t, err)
	big257 := new(big.Int).Add(x, new(big.Int).Lsh(big.NewInt(1), 256))
	for name, ciphertext := range map[string][]byte{
		"a byte behind it":       append(bytes.Clone(der), 0),
		"a member behind C2":     more,
		"length in long form":    append([]byte{0x30, 0x81, der[1]}, der[2:]...),
		"indefinite length":      append(append([]byte{0x30, 0x80}, der[2:]...), 0, 0),
		"a set":                  append([]byte{0x31}, der[1:]...),
		"negative x":             sm2DER(t, new(big.Int).Neg(x), y, c3, c2),
		"x of 257 bits":          sm2DER(t, big257, y, c3, c2),
		"x of 1 MB":              sm2DER(t, new(big.Int).Lsh(x, 8_000_000), y, c3, c2),
		"C3 of 31 bytes":         sm2DER(t, x, y, c3[:31], c2),
		"C3 of 33 bytes":         sm2DER(t, x, y, append(bytes.Clone(c3), 0), c2),
		"C2 empty":               sm2DER(t, x, y, c3, nil),
		"C2 and C3 exchanged":    sm2DER(t, x, y, c2, c3),
		"nested half a megabyte": bytes.Repeat([]byte{0x30, 0x80}, 1<<18),
	} {
		got, err := opener.Open(ciphertext)
		notOpened(t, got, err, name)
	}
}
