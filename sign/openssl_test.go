package sign_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// openssl runs OpenSSL in its own directory, as an independent signer and verifier.
type openssl struct {
	t   testing.TB
	dir string
}

// newOpenSSL skips where there is no OpenSSL that knows SM2.
func newOpenSSL(t *testing.T) openssl {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", "list", "-public-key-algorithms").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "SM2") {
		t.Skip("needs an openssl command that knows SM2 (OpenSSL 3)")
	}
	return openssl{t, t.TempDir()}
}

func (o openssl) run(args ...string) {
	o.t.Helper()
	cmd := exec.CommandContext(context.Background(), "openssl", args...)
	cmd.Dir = o.dir
	out, err := cmd.CombinedOutput()
	require.NoError(o.t, err, "openssl %s\n%s", strings.Join(args, " "), out)
}

func (o openssl) path(name string) string { return filepath.Join(o.dir, name) }

func (o openssl) write(name string, b []byte) {
	o.t.Helper()
	require.NoError(o.t, os.WriteFile(o.path(name), b, 0o600))
}

func (o openssl) read(name string) []byte {
	o.t.Helper()
	b, err := os.ReadFile(o.path(name))
	require.NoError(o.t, err)
	return b
}

func (o openssl) private(name string) *sign.PrivateKey {
	o.t.Helper()
	k, err := sign.PrivateKeyFile(o.path(name))
	require.NoError(o.t, err)
	return k
}

func TestOpenSSL_VerifiesOursAndWeVerifyIts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		algorithm sign.Algorithm
		id        string
		args      []string
	}{
		"RSA":             {sign.RSASHA256, "", []string{"-sha256"}},
		"SM2":             {sign.SM2SM3, "", []string{"-sm3", "-sigopt", "distid:1234567812345678"}},
		"SM2, another id": {sign.SM2SM3, "merchant@bank", []string{"-sm3", "-sigopt", "distid:merchant@bank"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOpenSSL(t)
			key := generate(t, c.algorithm)
			private, err := key.PEM()
			require.NoError(t, err)
			public, err := key.Public().PEM()
			require.NoError(t, err)
			o.write("private.pem", private)
			o.write("public.pem", public)
			signer := newSigner(t, key, sign.SignerConfig{SM2ID: c.id})
			ring := newRing(t, sign.RingKey{Key: key.Public(), SM2ID: c.id})
			dgst := append([]string{"dgst"}, c.args...)

			for _, message := range []string{"", "a=1", string(testdata(t, "message.txt")), strings.Repeat("商", 5000)} {
				o.write("message", []byte(message))
				ours := signed(t, signer, message)
				o.write("ours.sig", ours)
				o.run(append(dgst, "-verify", "public.pem", "-signature", "ours.sig", "message")...)
				o.run(append(dgst, "-sign", "private.pem", "-out", "its.sig", "message")...)
				its := o.read("its.sig")
				require.NoError(t, ring.Verify(t.Context(), []byte(message), its, ""))
				refusedAs(t, "signature", ring.Verify(t.Context(), []byte(message+"x"), its, ""))
				if c.algorithm == sign.RSASHA256 {
					require.Equal(t, its, ours, "PKCS#1 v1.5 has one signature per text")
				}
			}
		})
	}
}

func TestOpenSSL_KeyFilesLoad(t *testing.T) {
	t.Parallel()
	o := newOpenSSL(t)
	o.run("genpkey", "-algorithm", "SM2", "-out", "sm2.pem")
	o.run("ecparam", "-name", "SM2", "-genkey", "-out", "sm2-sec1.pem")
	o.run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem")
	o.run("rsa", "-in", "rsa.pem", "-traditional", "-out", "rsa-pkcs1.pem")
	for name, want := range map[string]sign.Algorithm{
		"sm2.pem": sign.SM2SM3, "sm2-sec1.pem": sign.SM2SM3, "rsa.pem": sign.RSASHA256, "rsa-pkcs1.pem": sign.RSASHA256,
	} {
		key := o.private(name)
		require.Equal(t, want, key.Algorithm())
		o.run("pkey", "-in", name, "-pubout", "-out", "public.pem")
		public, err := key.Public().PEM()
		require.NoError(t, err)
		require.Equal(t, string(o.read("public.pem")), string(public), name)
	}
	require.Contains(t, string(o.read("sm2-sec1.pem")), "-----BEGIN SM2 PARAMETERS-----")
}

func TestOpenSSL_KeyFilesRefused(t *testing.T) {
	t.Parallel()
	o := newOpenSSL(t)
	o.run("genpkey", "-algorithm", "SM2", "-out", "sm2.pem")
	o.run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem")
	o.run("pkcs8", "-topk8", "-in", "sm2.pem", "-v2", "aes-256-cbc", "-passout", "pass:x", "-out", "encrypted.pem")
	o.run("rsa", "-in", "rsa.pem", "-aes128", "-traditional", "-passout", "pass:x", "-out", "proc-type.pem")
	o.run("ecparam", "-name", "prime256v1", "-genkey", "-out", "p256.pem")
	o.run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-pkeyopt", "ec_param_enc:explicit", "-out", "explicit.pem")
	o.run("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "pss.pem")
	o.run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3", "-out", "e3.pem")
	o.run("pkey", "-in", "sm2.pem", "-text", "-out", "text.pem")
	for name, problem := range map[string]string{
		"encrypted.pem": "encrypted, load it with LoadPrivateKey and its password",
		"proc-type.pem": "encrypted as PEM itself, a scheme without a proper key derivation; convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem",
		"p256.pem":      "P-256 (prime256v1) key, want SM2 (1.2.156.10197.1.301)",
		"explicit.pem":  "EC key with curve parameters written out, want the curve's name",
		"pss.pem":       "RSA-PSS key, want RSA or SM2 (1.2.156.10197.1.301)",
		"e3.pem":        "RSA exponent is 3, want an odd number from 65537",
		"text.pem":      "damaged PEM block or data after the key",
	} {
		_, err := sign.PrivateKeyFile(o.path(name))
		require.Equal(t, problem, keyRefused(t, err).Problem, name)
	}
}
