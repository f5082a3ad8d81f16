package sign_test

import (
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func rsaAlgorithms() []sign.Algorithm {
	return []sign.Algorithm{sign.RSASHA256, sign.RSAPSSSHA256, sign.LegacyRSASHA1, sign.LegacyRSAMD5}
}

// The configuration names the algorithm: a ring for one believes none of the others,
// which is what keeps a gateway's RSA2 from being talked down to RSA.
func TestRSA_NoAlgorithmIsTakenForAnother(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.RSASHA256)
	for _, a := range rsaAlgorithms() {
		signer := newSigner(t, key, sign.SignerConfig{Algorithm: a})
		require.Equal(t, a, signer.Algorithm())
		signature := signed(t, signer, "a=1")
		for _, b := range rsaAlgorithms() {
			err := newRing(t, sign.RingKey{Key: key.Public(), Algorithm: b}).Verify(t.Context(), []byte("a=1"), signature, "")
			if a == b {
				require.NoError(t, err)
			} else {
				refusedAs(t, "signature", err)
			}
		}
	}
	require.Equal(t, sign.RSASHA256, newSigner(t, key, sign.SignerConfig{}).Algorithm(), "nothing weak by default")
}

func TestOpenSSL_RSAAlgorithmsBothWays(t *testing.T) {
	t.Parallel()
	const pss, salt = "rsa_padding_mode:pss", "rsa_pss_saltlen:"
	for name, c := range map[string]struct {
		algorithm sign.Algorithm
		auto      bool
		args      []string
	}{
		"SHA-1":                          {sign.LegacyRSASHA1, false, []string{"-sha1"}},
		"MD5":                            {sign.LegacyRSAMD5, false, []string{"-md5"}},
		"PSS":                            {sign.RSAPSSSHA256, false, []string{"-sha256", "-sigopt", pss, "-sigopt", salt + "-1"}},
		"PSS, salt written out":          {sign.RSAPSSSHA256, false, []string{"-sha256", "-sigopt", pss, "-sigopt", salt + "32"}},
		"PSS, as long a salt as it fits": {sign.RSAPSSSHA256, true, []string{"-sha256", "-sigopt", pss, "-sigopt", salt + "-3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOpenSSL(t)
			key := generate(t, sign.RSASHA256)
			private, err := key.PEM()
			require.NoError(t, err)
			public, err := key.Public().PEM()
			require.NoError(t, err)
			o.write("private.pem", private)
			o.write("public.pem", public)
			signer := newSigner(t, key, sign.SignerConfig{Algorithm: c.algorithm, PSSAutoSalt: c.auto})
			ring := newRing(t, sign.RingKey{Key: key.Public(), Algorithm: c.algorithm, PSSAutoSalt: c.auto})
			dgst := append([]string{"dgst"}, c.args...)
			for _, message := range []string{"", "a=1", strings.Repeat("商", 5000)} {
				o.write("message", []byte(message))
				o.write("ours.sig", signed(t, signer, message))
				o.run(append(dgst, "-verify", "public.pem", "-signature", "ours.sig", "message")...)
				o.run(append(dgst, "-sign", "private.pem", "-out", "its.sig", "message")...)
				its := o.read("its.sig")
				require.NoError(t, ring.Verify(t.Context(), []byte(message), its, ""))
				refusedAs(t, "signature", ring.Verify(t.Context(), []byte(message+"x"), its, ""))
			}
		})
	}
}

func TestRSAPSS_AnotherSaltNeedsTheOption(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.RSASHA256)
	fixed := newRing(t, sign.RingKey{Key: key.Public(), Algorithm: sign.RSAPSSSHA256})
	auto := newRing(t, sign.RingKey{Key: key.Public(), Algorithm: sign.RSAPSSSHA256, PSSAutoSalt: true})
	usual := signed(t, newSigner(t, key, sign.SignerConfig{Algorithm: sign.RSAPSSSHA256}), "a=1")
	long := signed(t, newSigner(t, key, sign.SignerConfig{Algorithm: sign.RSAPSSSHA256, PSSAutoSalt: true}), "a=1")
	require.NoError(t, fixed.Verify(t.Context(), []byte("a=1"), usual, ""))
	refusedAs(t, "signature", fixed.Verify(t.Context(), []byte("a=1"), long, ""))
	require.NoError(t, auto.Verify(t.Context(), []byte("a=1"), usual, ""))
	require.NoError(t, auto.Verify(t.Context(), []byte("a=1"), long, ""))
	for i := range 8 * len(usual) {
		usual[i/8] ^= 1 << (i % 8)
		refusedAs(t, "signature", fixed.Verify(t.Context(), []byte("a=1"), usual, ""))
		usual[i/8] ^= 1 << (i % 8)
	}
}

func TestAlgorithm_OptionsThatDoNotFitTheKeyAreRefused(t *testing.T) {
	t.Parallel()
	rsaKey, sm2Key := generate(t, sign.RSASHA256), generate(t, sign.SM2SM3)
	for name, c := range map[string]struct {
		key     *sign.PrivateKey
		cfg     sign.SignerConfig
		problem string
	}{
		"RSA for SM2":            {rsaKey, sign.SignerConfig{Algorithm: sign.SM2SM3}, `Algorithm is "SM2-SM3", the key is for RSA-SHA256`},
		"SM2 for RSA":            {sm2Key, sign.SignerConfig{Algorithm: sign.RSASHA256}, `Algorithm is "RSA-SHA256", the key is for SM2-SM3`},
		"SM2 for PSS":            {sm2Key, sign.SignerConfig{Algorithm: sign.RSAPSSSHA256}, `Algorithm is "RSA-PSS-SHA256", the key is for SM2-SM3`},
		"RSA for a MAC":          {rsaKey, sign.SignerConfig{Algorithm: sign.HMACSHA256}, `Algorithm is "HMAC-SHA256", the key is for RSA-SHA256`},
		"RSA for a digest":       {rsaKey, sign.SignerConfig{Algorithm: sign.LegacySHA1}, `Algorithm is "SHA1", the key is for RSA-SHA256`},
		"unknown":                {rsaKey, sign.SignerConfig{Algorithm: "RSA2"}, `Algorithm is "RSA2", the key is for RSA-SHA256`},
		"raw for RSA":            {rsaKey, sign.SignerConfig{SM2Form: sign.SM2Raw}, "SM2EmptyID or SM2Form is set, the key is RSA"},
		"empty id for RSA":       {rsaKey, sign.SignerConfig{SM2EmptyID: true}, "SM2EmptyID or SM2Form is set, the key is RSA"},
		"salt without PSS":       {rsaKey, sign.SignerConfig{PSSAutoSalt: true}, "PSSAutoSalt is set, the algorithm is RSA-SHA256"},
		"salt for SM2":           {sm2Key, sign.SignerConfig{PSSAutoSalt: true}, "PSSAutoSalt is set, the algorithm is SM2-SM3"},
		"an unknown form":        {sm2Key, sign.SignerConfig{SM2Form: "P1363"}, ""},
		"an id and none at once": {sm2Key, sign.SignerConfig{SM2ID: "x", SM2EmptyID: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sign.NewSigner(c.key, c.cfg)
			e := keyRefused(t, err)
			_, ringErr := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{
				Key: c.key.Public(), Algorithm: c.cfg.Algorithm, SM2ID: c.cfg.SM2ID, SM2EmptyID: c.cfg.SM2EmptyID,
				SM2Form: c.cfg.SM2Form, PSSAutoSalt: c.cfg.PSSAutoSalt,
			})
			ring := keyRefused(t, ringErr)
			if c.problem == "" {
				require.Equal(t, "cannot sign", e.Problem)
				require.Equal(t, "cannot verify", ring.Problem)
				return
			}
			require.Equal(t, c.problem, e.Problem)
			require.Equal(t, c.problem, ring.Problem)
		})
	}
}
