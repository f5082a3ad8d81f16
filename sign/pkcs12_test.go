package sign_test

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

type content struct {
	Type asn1.ObjectIdentifier
	Body asn1.RawValue
}

type container struct {
	Version int
	Safe    content
	MAC     asn1.RawValue `asn1:"optional"`
}

const (
	dataOID      = "1.2.840.113549.1.7.1"
	encryptedOID = "1.2.840.113549.1.7.6"
	keyBagOID    = "1.2.840.113549.1.12.10.1.1"
	shroudedOID  = "1.2.840.113549.1.12.10.1.2"
	nestedOID    = "1.2.840.113549.1.12.10.1.6"
)

// tag0 puts b into an explicit tag.
func tag0(t testing.TB, b []byte) asn1.RawValue {
	t.Helper()
	return asn1.RawValue{FullBytes: der(t, asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: b})}
}

func bag(t testing.TB, dotted string, b []byte) content {
	t.Helper()
	return content{oid(t, dotted), tag0(t, b)}
}

func data(t testing.TB, b []byte) content { t.Helper(); return bag(t, dataOID, der(t, b)) }

// container12 is a PKCS#12 file without a MAC over parts.
func container12(t testing.TB, parts ...content) []byte {
	t.Helper()
	return der(t, container{Version: 3, Safe: data(t, der(t, parts))})
}

func macOf(t testing.TB, digest string, salt []byte, iterations int64) asn1.RawValue {
	t.Helper()
	return asn1.RawValue{FullBytes: der(t, struct {
		Digest struct {
			Algorithm pkix.AlgorithmIdentifier
			Digest    []byte
		}
		Salt       []byte
		Iterations int64
	}{struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}{pkix.AlgorithmIdentifier{Algorithm: oid(t, digest)}, make([]byte, 20)}, salt, iterations})}
}

func TestPKCS12_RefusesWithTheReason(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	pkcs8 := derOf(t, []byte(pemOf(t, key)))
	clear := bag(t, keyBagOID, pkcs8)
	safe := data(t, der(t, []content{clear}))
	costly := hostile{kdf: kdf2{[]byte("saltsalt"), 1_999_999, 0}}.der(t)
	withMAC := func(mac asn1.RawValue) []byte {
		return der(t, container{Version: 3, Safe: data(t, der(t, []content{safe})), MAC: mac})
	}
	encryptedPart := func(id pkix.AlgorithmIdentifier, b []byte) content {
		type inner struct {
			Type      asn1.ObjectIdentifier
			Algorithm pkix.AlgorithmIdentifier
			Data      []byte `asn1:"tag:0"`
		}
		return bag(t, encryptedOID, der(t, struct {
			Version int
			Content inner
		}{0, inner{oid(t, dataOID), id, b}}))
	}
	rc2 := encryptedPart(algorithmID(t, "1.2.840.113549.1.12.1.6", kdf2{[]byte("saltsalt"), 2048, 0}), make([]byte, 64))
	part := func(h hostile) content {
		var e encrypted
		_, err := asn1.Unmarshal(h.der(t), &e)
		require.NoError(t, err)
		return encryptedPart(e.Algorithm, e.Data)
	}
	const sha1OID = "1.3.14.3.2.26"
	const convert = "; convert it: openssl pkcs12 -legacy -nodes -nocerts -in old.p12 | openssl pkcs8 -topk8 -v2 aes-256-cbc -out new.pem"
	nested := der(t, []content{clear})
	for range 200 { // bags in bags, each an OCTET STRING away from the next
		nested = der(t, []content{bag(t, nestedOID, nested)})
	}
	for name, c := range map[string]struct {
		der     []byte
		problem string
	}{
		"version 2":                  {der(t, container{Version: 2, Safe: data(t, der(t, []content{safe}))}), "PKCS#12 version 2, want 3"},
		"sealed with a public key":   {der(t, container{Version: 3, Safe: bag(t, "1.2.840.113549.1.7.2", []byte{5, 0})}), "PKCS#12 sealed with a public key, want a password"},
		"a part sealed":              {container12(t, bag(t, "1.2.840.113549.1.7.3", []byte{5, 0})), "PKCS#12 with a part sealed with a public key, want a password"},
		"nothing in it":              {container12(t), "PKCS#12 without a private key"},
		"two keys":                   {container12(t, safe, safe), "more than one key"},
		"33 parts":                   {container12(t, bytesOf(33, data(t, der(t, []content{})))...), "PKCS#12 with more than 32 parts"},
		"33 bags":                    {container12(t, data(t, der(t, bytesOf(33, bag(t, nestedOID, []byte{5, 0}))))), "PKCS#12 with more than 32 parts"},
		"bags in bags":               {container12(t, data(t, nested)), "DER nested too deep"},
		"2^31-1 iterations":          {withMAC(macOf(t, sha1OID, []byte("salt"), 1<<31-1)), "2147483647 iterations, 2000000 are allowed (LoadConfig.MaxIterations)"},
		"MAC without iterations":     {withMAC(macOf(t, sha1OID, []byte("salt"), -1)), "iteration count below 1"},
		"MAC without salt":           {withMAC(macOf(t, sha1OID, nil, 1)), "salt of 0 bytes, want 1 to 1024"},
		"MAC of MD5":                 {withMAC(macOf(t, "1.2.840.113549.2.5", []byte("salt"), 1)), "PKCS#12 with MAC 1.2.840.113549.2.5, want SHA-1, SHA-256, SHA-512 or SM3"},
		"MAC that does not fit":      {withMAC(macOf(t, sha1OID, []byte("salt"), 1)), "the password is wrong, or the file is damaged"},
		"key under RC2":              {container12(t, rc2), "PKCS#12 encrypted with RC2-40" + convert},
		"the budget is of the file":  {der(t, container{Version: 3, Safe: data(t, der(t, []content{data(t, der(t, []content{bag(t, shroudedOID, costly)})), part(hostile{kdf: kdf2{[]byte("saltsalt"), 2, 0}, ciphertext: make([]byte, 16)})}))}), ""},
		"an encrypted part of ruins": {container12(t, encryptedPart(algorithmID(t, "1.2.840.113549.1.5.13", 1), make([]byte, 16))), "not the structure its label names"},
		"off the block":              {container12(t, part(hostile{ciphertext: make([]byte, 17)})), "ciphertext of 17 bytes, want a multiple of 16"},
		"the safe is no sequence":    {der(t, container{Version: 3, Safe: data(t, []byte{5, 0})}), "not the structure of PKCS#12"},
		"the safe is empty":          {der(t, container{Version: 3, Safe: data(t, nil)}), "not DER"},
		"no content": {der(t, struct {
			Version int
			Safe    struct{ Type asn1.ObjectIdentifier }
		}{3, struct{ Type asn1.ObjectIdentifier }{oid(t, dataOID)}}), "not DER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			within(t, 4*time.Second, func() {
				_, err := sign.LoadPrivateKey(sign.LoadConfig{Bytes: c.der, Password: []byte("x")})
				if e := keyRefused(t, err); c.problem != "" {
					require.Equal(t, c.problem, e.Problem)
				}
				_, err = sign.LoadPublicKey(sign.LoadConfig{Bytes: c.der, Password: []byte("x")})
				keyRefused(t, err)
			})
		})
	}
	t.Run("RC2 around certificates only", func(t *testing.T) {
		t.Parallel()
		b := container12(t, rc2, safe)
		got, err := sign.LoadPrivateKey(sign.LoadConfig{Bytes: b})
		require.NoError(t, err)
		require.Equal(t, pemOf(t, key), pemOf(t, got))
		_, err = sign.LoadPublicKey(sign.LoadConfig{Bytes: b})
		require.Equal(t, "PKCS#12 encrypted with RC2-40"+convert, keyRefused(t, err).Problem)
	})
	t.Run("one budget for the whole file", func(t *testing.T) {
		t.Parallel()
		var empty encrypted
		_, err := asn1.Unmarshal(sealedSeed(t, []byte{0x30, 0}), &empty)
		require.NoError(t, err)
		b := container12(t, encryptedPart(empty.Algorithm, empty.Data), data(t, der(t, []content{bag(t, shroudedOID, sealedSeed(t, pkcs8))})))
		_, err = sign.LoadPrivateKey(sign.LoadConfig{Bytes: b, Password: []byte("x"), MaxIterations: 1})
		require.Equal(t, "1 iterations, 0 are allowed (LoadConfig.MaxIterations)", keyRefused(t, err).Problem)
		_, err = sign.LoadPrivateKey(sign.LoadConfig{Bytes: b, Password: []byte("x"), MaxIterations: 2})
		require.NoError(t, err)
	})
	t.Run("a password that is not UTF-8", func(t *testing.T) {
		t.Parallel()
		for _, password := range [][]byte{{0xff}, bytes.Repeat([]byte("x"), 1025)} {
			_, err := sign.LoadPrivateKey(sign.LoadConfig{Bytes: withMAC(macOf(t, sha1OID, []byte("salt"), 1)), Password: password})
			require.ErrorIs(t, err, sign.ErrPassword)
			require.Equal(t, "the password is not UTF-8 of at most 1024 bytes", keyRefused(t, err).Problem)
		}
	})
}

func bytesOf(n int, c content) (all []content) {
	for range n {
		all = append(all, c)
	}
	return all
}
