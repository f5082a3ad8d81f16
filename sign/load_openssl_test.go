package sign_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// Every form of a key file that OpenSSL writes loads with its password, gives the
// same key, and says so where the password is wrong or missing.
func TestOpenSSL_EncryptedKeysLoad(t *testing.T) {
	t.Parallel()
	const right = "pass 密码 word"
	o := newOpenSSL(t)
	o.run("genpkey", "-algorithm", "SM2", "-out", "sm2.pem")
	o.run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem")
	for _, key := range []string{"sm2", "rsa"} {
		o.run("req", "-new", "-x509", "-key", key+".pem", "-subj", "/CN="+key, "-days", "30", "-out", key+".cert.pem")
	}
	issuer := o.read("rsa.cert.pem")
	o.write("issuer.pem", issuer)

	pkcs8 := func(args ...string) []string {
		return append([]string{"pkcs8", "-topk8", "-passout", "pass:" + right}, args...)
	}
	pkcs12 := func(args ...string) []string {
		return append([]string{"pkcs12", "-export", "-passout", "pass:" + right}, args...)
	}
	for name, args := range map[string][]string{
		"PBES2, AES-128":             pkcs8("-v2", "aes-128-cbc"),
		"PBES2, AES-192":             pkcs8("-v2", "aes-192-cbc"),
		"PBES2, AES-256":             pkcs8("-v2", "aes-256-cbc"),
		"PBES2, DES-EDE3":            pkcs8("-v2", "des3"),
		"PBES2, SM4":                 pkcs8("-v2", "sm4-cbc"),
		"PBES2, HMAC-SHA1":           pkcs8("-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1"),
		"PBES2, HMAC-SHA512":         pkcs8("-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"),
		"PBES2, 600,000 iterations":  pkcs8("-v2", "aes-256-cbc", "-iter", "600000"),
		"scrypt":                     pkcs8("-scrypt"),
		"scrypt, SM4":                pkcs8("-scrypt", "-v2", "sm4-cbc"),
		"scrypt, N 4096, r 4, p 2":   pkcs8("-scrypt", "-scrypt_N", "4096", "-scrypt_r", "4", "-scrypt_p", "2"),
		"PBES2, DER":                 pkcs8("-v2", "aes-256-cbc", "-outform", "DER"),
		"PKCS#12's 3DES in PKCS#8":   pkcs8("-v1", "PBE-SHA1-3DES"),
		"PKCS#12":                    pkcs12(),
		"PKCS#12, SM4 and SM3":       pkcs12("-keypbe", "SM4-CBC", "-certpbe", "SM4-CBC", "-macalg", "sm3"),
		"PKCS#12, 3DES and SHA-1":    pkcs12("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
		"PKCS#12, MAC SHA-512":       pkcs12("-macalg", "sha512"),
		"PKCS#12, certificate clear": pkcs12("-certpbe", "NONE"),
		"PKCS#12, key clear":         pkcs12("-keypbe", "NONE"),
		"PKCS#12 without a MAC":      pkcs12("-nomac"),
		"PKCS#12 with an issuer":     pkcs12("-certfile", "issuer.pem", "-name", "merchant"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, key := range []string{"sm2", "rsa"} {
				o := openssl{t, o.dir}
				out := bytes.NewBufferString(key).String() + base64.RawURLEncoding.EncodeToString([]byte(name))
				more := []string{"-in", key + ".pem", "-out", out}
				if args[0] == "pkcs12" {
					more = []string{"-inkey", key + ".pem", "-in", key + ".cert.pem", "-out", out}
				}
				o.run(append(args[:len(args):len(args)], more...)...)
				want := o.private(key + ".pem")

				got, err := sign.LoadPrivateKey(sign.LoadConfig{File: o.path(out), Password: []byte(right)})
				require.NoError(t, err)
				require.Equal(t, pemOf(t, want), pemOf(t, got))
				asked := 0
				_, err = sign.LoadPrivateKey(sign.LoadConfig{Bytes: o.read(out), PasswordFunc: func() ([]byte, error) {
					asked++
					return []byte(right), nil
				}})
				require.NoError(t, err)
				require.Equal(t, 1, asked)
				for _, wrong := range [][]byte{[]byte("pass 密码 worD"), {}, nil} {
					_, err = sign.LoadPrivateKey(sign.LoadConfig{File: o.path(out), Password: wrong})
					require.ErrorIs(t, err, sign.ErrPassword)
					require.NotContains(t, keyRefused(t, err).Error(), "密码")
				}
				if args[0] == "pkcs12" {
					public, err := sign.LoadPublicKey(sign.LoadConfig{File: o.path(out), Password: []byte(right)})
					require.NoError(t, err)
					require.Equal(t, want.Public().String(), public.String())
					_, notAfter := public.Validity()
					require.False(t, notAfter.IsZero())
				}
			}
		})
	}
}

func pemOf(t testing.TB, k *sign.PrivateKey) string {
	t.Helper()
	b, err := k.PEM()
	require.NoError(t, err)
	return string(b)
}

// derOf returns what is inside a PEM.
func derOf(t testing.TB, text []byte) []byte {
	t.Helper()
	b, _ := pem.Decode(text)
	require.NotNil(t, b)
	return b.Bytes
}

// The certificate of a PKCS#12 file is that of its key, wherever it stands.
func TestLoadPublicKey_FindsTheCertificateOfTheKey(t *testing.T) {
	t.Parallel()
	o := newOpenSSL(t)
	o.run("genpkey", "-algorithm", "SM2", "-out", "k.pem")
	o.run("req", "-new", "-x509", "-key", "k.pem", "-subj", "/CN=merchant", "-out", "c.pem")
	certificate := func(text []byte) content {
		return bag(t, "1.2.840.113549.1.12.10.1.3", der(t, bag(t, "1.2.840.113549.1.9.22.1", der(t, derOf(t, text)))))
	}
	issuer, own := certificate(testdata(t, "sm2.cert.pem")), certificate(o.read("c.pem"))
	key := bag(t, keyBagOID, derOf(t, o.read("k.pem")))
	load := func(bags ...content) (*sign.PublicKey, error) {
		return sign.LoadPublicKey(sign.LoadConfig{Bytes: container12(t, data(t, der(t, bags)))})
	}
	for _, bags := range [][]content{{issuer, own, key}, {own, issuer, key}, {key, issuer, own}, {own}} {
		got, err := load(bags...)
		require.NoError(t, err)
		require.Equal(t, o.private("k.pem").Public().String(), got.String())
	}
	_, err := load(issuer, key)
	require.Equal(t, "PKCS#12 without the certificate of its key", keyRefused(t, err).Problem)
	_, err = load(issuer, own)
	require.Equal(t, "PKCS#12 with 2 certificates and no key to tell which", keyRefused(t, err).Problem)
	_, err = load(key)
	require.Equal(t, "PKCS#12 without a certificate", keyRefused(t, err).Problem)
}
