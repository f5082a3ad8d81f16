//go:build !purego

// Go refuses FIPS mode in a build with the purego tag.

package sign_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"os"
	"os/exec"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// In FIPS 140-only mode the SM2 library panics while signing. The test runs itself
// in that mode: SM2, SHA-1 and MD5 have to be errors at construction, RSA and
// HMAC-SHA256 have to work.
func TestFIPSOnly_RefusesAtConstructionWhatCannotWork(t *testing.T) {
	if os.Getenv("SIGN_TEST_FIPS_ONLY") == "" {
		self, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "SIGN_TEST_FIPS_ONLY=1", "GODEBUG=fips140=only")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: "+t.Name())
		return
	}
	key, err := sign.ParsePrivateKey(sm2Number(t, annexPrivate))
	if err == nil {
		_, err = sign.NewSigner(key, sign.SignerConfig{})
	}
	keyRefused(t, err)
	require.ErrorContains(t, err, "SM2 does not work in this process")

	rsaKey := generate(t, sign.RSASHA256)
	signature := signed(t, newSigner(t, rsaKey, sign.SignerConfig{}), "a=1")
	ring := newRing(t, sign.RingKey{Key: rsaKey.Public()})
	require.NoError(t, ring.Verify(t.Context(), []byte("a=1"), signature, ""))

	for _, a := range []sign.Algorithm{sign.LegacyRSASHA1, sign.LegacyRSAMD5} {
		_, err := sign.NewSigner(rsaKey, sign.SignerConfig{Algorithm: a})
		require.Equal(t, "cannot sign", keyRefused(t, err).Problem)
		_, err = sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{Key: rsaKey.Public(), Algorithm: a})
		require.Equal(t, "cannot verify", keyRefused(t, err).Problem)
	}
	for _, a := range []sign.Algorithm{sign.HMACSM3, sign.LegacyHMACMD5} {
		_, err := sign.NewMAC(sign.MACConfig{Algorithm: a, Secret: []byte("twenty-characters-xx")})
		require.ErrorContains(t, err, "does not work in this process")
		keyRefused(t, err)
	}
	for _, a := range []sign.Algorithm{sign.LegacyMD5, sign.LegacySHA1} {
		_, err := sign.NewDigest(sign.DigestConfig{Algorithm: a, Secret: []byte("twenty-characters-xx")})
		require.ErrorContains(t, err, "does not work in this process")
		keyRefused(t, err)
	}
	_, err = sign.NewMAC(sign.MACConfig{Algorithm: sign.HMACSHA256, Secret: []byte("short")})
	require.ErrorContains(t, err, "does not work in this process", "Go wants 14 bytes")

	// A short key that loads verifies nothing there: every bank message would look forged.
	short := new(big.Int).SetBit(big.NewInt(1), 1023, 1)
	null := pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: asn1.NullRawValue}
	public, err := sign.ParsePublicKey(block("PUBLIC KEY", der(t, spki{null, bits(der(t, struct {
		N *big.Int
		E int
	}{short, 65537}))})))
	require.NoError(t, err)
	_, err = sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{Key: public, Legacy1024: true})
	require.Equal(t, "cannot verify", keyRefused(t, err).Problem)

	pss := newRing(t, sign.RingKey{Key: rsaKey.Public(), Algorithm: sign.RSAPSSSHA256})
	signature = signed(t, newSigner(t, rsaKey, sign.SignerConfig{Algorithm: sign.RSAPSSSHA256}), "a=1")
	require.NoError(t, pss.Verify(t.Context(), []byte("a=1"), signature, ""))
	mac := newMAC(t, sign.HMACSHA256, "twenty-characters-xx")
	require.NoError(t, mac.Verify(t.Context(), []byte("a=1"), signed(t, mac, "a=1"), ""))
	newDigest(t, sign.LegacySHA256, "twenty-characters-xx")
	newDigest(t, sign.LegacySM3, "twenty-characters-xx")
}
