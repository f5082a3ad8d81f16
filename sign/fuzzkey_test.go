package sign_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/asn1"
	"testing"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/emmansun/gmsm/smx509"
	"github.com/stretchr/testify/require"
)

// loadFuzzed loads b both ways under a password and few iterations, so that a run
// tries structures and not patience. What loads is a key that can be written and
// read back.
func loadFuzzed(t *testing.T, b []byte) {
	start := time.Now()
	cfg := sign.LoadConfig{Bytes: b, Password: []byte("x"), MaxIterations: 64}
	private, err := sign.LoadPrivateKey(cfg)
	if err != nil {
		keyRefused(t, err)
	} else {
		again, err := sign.ParsePrivateKey([]byte(pemOf(t, private)))
		require.NoError(t, err)
		require.Equal(t, pemOf(t, private), pemOf(t, again))
	}
	public, err := sign.LoadPublicKey(cfg)
	if err != nil {
		keyRefused(t, err)
	} else {
		text, err := public.PEM()
		require.NoError(t, err)
		again, err := sign.ParsePublicKey(text)
		require.NoError(t, err)
		require.Equal(t, public.String(), again.String())
	}
	require.Less(t, time.Since(start), 10*time.Second)
}

// fuzzSeed is a small SM2 key, in clear.
func fuzzSeed(f *testing.F) (text, pkcs8 []byte) {
	text = []byte(pemOf(f, generate(f, sign.SM2SM3)))
	return text, derOf(f, text)
}

// FuzzEncryptedKey tries whatever may stand in a key file: PEM, DER, Base64 and hex.
func FuzzEncryptedKey(f *testing.F) {
	text, pkcs8 := fuzzSeed(f)
	f.Add(text)
	f.Add(pkcs8)
	f.Add(base64Of(pkcs8))
	f.Add([]byte(annexPublic))
	f.Add([]byte(annexPublic[:64]))
	for _, h := range []hostile{
		{}, {cipher: sm4OID}, {cipher: des3OID, iv: make([]byte, 8)}, {ciphertext: make([]byte, 17)}, {iv: []byte{}},
		{kdf: kdf2{[]byte("saltsalt"), 1, 32}}, {kdf: kdf2{[]byte("s"), 1<<31 - 1, 0}},
		{kdfOID: scryptOID, kdf: kdfScrypt{[]byte("s"), 2, 1, 1, 0}}, {kdfOID: scryptOID, kdf: kdfScrypt{[]byte("s"), 1 << 30, 8, 1, 0}},
	} {
		f.Add(h.der(f))
		f.Add(block("ENCRYPTED PRIVATE KEY", h.der(f)))
	}
	// A password, salt and one iteration under which the ciphertext opens.
	f.Add(sealedSeed(f, pkcs8))
	f.Fuzz(loadFuzzed)
}

// FuzzPKCS12 does the same inside the structure of PKCS#12, which bytes alone
// seldom keep: the parts are given, and the lengths around them are right.
func FuzzPKCS12(f *testing.F) {
	_, pkcs8 := fuzzSeed(f)
	certificate := derOf(f, testdata(f, "sm2.cert.pem"))
	certBag := der(f, struct {
		Type asn1.ObjectIdentifier
		Cert asn1.RawValue
	}{oid(f, "1.2.840.113549.1.9.22.1"), tag0(f, der(f, certificate))})
	f.Add(uint8(1), pkcs8, certBag)
	f.Add(uint8(2), sealedSeed(f, pkcs8), certBag)
	f.Add(uint8(2), hostile{}.der(f), []byte{})
	f.Add(uint8(6), pkcs8, der(f, []content{bag(f, keyBagOID, pkcs8)}))
	f.Add(uint8(255), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, kind uint8, first, second []byte) {
		if len(first)+len(second) > 16<<10 {
			return
		}
		kinds := []string{"1.2.840.113549.1.12.10.1.3", keyBagOID, shroudedOID}
		parts := der(t, []content{
			bag(t, kinds[int(kind)%3], first),
			bag(t, kinds[0], second),
		})
		loadFuzzed(t, container12(t, data(t, parts)))
		loadFuzzed(t, container12(t, data(t, first), bag(t, encryptedOID, second)))
		loadFuzzed(t, first)
	})
}

// sealedSeed encrypts pkcs8 under the password "x" with one iteration.
func sealedSeed(tb testing.TB, pkcs8 []byte) []byte {
	tb.Helper()
	key, err := pbkdf2.Key(sha1.New, "x", []byte("saltsalt"), 1, 32)
	require.NoError(tb, err)
	c, err := aes.NewCipher(key)
	require.NoError(tb, err)
	pad := 16 - len(pkcs8)%16
	plain := append(bytes.Clone(pkcs8), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(c, make([]byte, 16)).CryptBlocks(plain, plain)
	return hostile{kdf: kdf2{[]byte("saltsalt"), 1, 0}, ciphertext: plain}.der(tb)
}

// The seed opens, or the fuzzing would go around what it is for.
func TestFuzzSeed_Opens(t *testing.T) {
	t.Parallel()
	text := pemOf(t, generate(t, sign.SM2SM3))
	sealed := sealedSeed(t, derOf(t, []byte(text)))
	got, err := sign.LoadPrivateKey(sign.LoadConfig{Bytes: sealed, Password: []byte("x"), MaxIterations: 1})
	require.NoError(t, err)
	require.Equal(t, text, pemOf(t, got))
	// Padding that fits by chance is no proof of the password.
	for _, plain := range []string{"", "x", "\x30\x00", "\x30\x03\x02\x01\x00"} {
		_, err = sign.LoadPrivateKey(sign.LoadConfig{Bytes: sealedSeed(t, []byte(plain)), Password: []byte("x")})
		require.ErrorIs(t, err, sign.ErrPassword)
	}
	got, err = sign.LoadPrivateKey(sign.LoadConfig{Bytes: container12(t, data(t, der(t, []content{bag(t, shroudedOID, sealed)}))), Password: []byte("x")})
	require.NoError(t, err)
	require.Equal(t, text, pemOf(t, got))
}

// FuzzCertificateTrust takes certificates as messages bring them. Nothing signed by
// the roots but the roots exists here, so nothing else may be believed.
func FuzzCertificateTrust(f *testing.F) {
	roots := append(testdata(f, "sm2.cert.pem"), testdata(f, "rsa.cert.pem")...)
	known := map[string]bool{}
	var trusts []*sign.CertificateTrust
	for _, name := range []string{"sm2.cert.pem", "rsa.cert.pem"} {
		c := derOf(f, testdata(f, name))
		parsed, err := smx509.ParseCertificate(c)
		require.NoError(f, err)
		trust, err := sign.NewCertificateTrust(sign.TrustConfig{
			Roots: roots, CommonName: parsed.Subject.CommonName, Now: func() time.Time { return parsed.NotBefore },
		})
		require.NoError(f, err)
		trusts = append(trusts, trust)
		key, err := trust.PublicKey(c)
		require.NoError(f, err, "the seed has to be believed")
		known[key.String()] = true
		f.Add(c)
		f.Add(base64Of(c))
		f.Add(testdata(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, trust := range trusts {
			key, err := trust.PublicKey(b)
			if err != nil {
				require.ErrorIs(t, err, sign.ErrSignature)
				continue
			}
			require.True(t, known[key.String()])
		}
	})
}
