//go:build !purego

// Go refuses FIPS mode in a build with the purego tag.

package envelope_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/envelope"
	"github.com/stretchr/testify/require"
)

// In FIPS 140-only mode the libraries panic or refuse in the middle of the work. The
// test runs itself in that mode: what does not work has to be an error when it is
// made, and what can be made has to work.
func TestFIPSOnly_RefusesAtConstruction(t *testing.T) {
	if os.Getenv("ENVELOPE_TEST_FIPS_ONLY") == "" {
		self, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "ENVELOPE_TEST_FIPS_ONLY=1", "GODEBUG=fips140=only")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: "+t.Name())
		return
	}
	const problem = "does not work in this process"
	_, err := envelope.NewWeChatAES([]byte(apiV3Key))
	keyRefused(t, err, "AEAD_AES_256_GCM "+problem)
	_, err = envelope.NewWeChatSM4([]byte(apiV3Key))
	keyRefused(t, err, "AEAD_SM4_GCM "+problem)
	_, err = envelope.NewSM4CBC([]byte(apiV3Key)[:16])
	keyRefused(t, err, "SM4-CBC "+problem)
	_, err = envelope.NewLegacyWeChatRefund([]byte(apiV3Key))
	keyRefused(t, err, "MD5 "+problem)

	key, err := sign.GenerateRSA(2048)
	require.NoError(t, err)
	_, err = envelope.NewOpener(key, envelope.KeyConfig{Scheme: envelope.LegacyRSAOAEPSHA1})
	keyRefused(t, err, "RSA-OAEP-SHA1 "+problem)

	sealer, opener := pair(t, key, envelope.RSAOAEPSHA256)
	sealed, err := sealer.Seal([]byte("x"))
	require.NoError(t, err)
	got, err := opener.Open(sealed)
	require.NoError(t, err)
	require.Equal(t, "x", string(got))

	// Whether the mode lets these be made is the libraries' business.
	if ecb, err := envelope.NewLegacyAES256ECB([]byte(apiV3Key)); err != nil {
		keyRefused(t, err, problem)
	} else {
		sealed, err := ecb.Seal([]byte("x"))
		require.NoError(t, err)
		_, err = ecb.Open(sealed)
		require.NoError(t, err)
	}
	sm2, err := sign.GenerateSM2()
	require.NoError(t, err)
	if opener, err := envelope.NewOpener(sm2, envelope.KeyConfig{Scheme: envelope.SM2ASN1}); err != nil {
		keyRefused(t, err, problem)
	} else {
		sealer, err := envelope.NewSealer(sm2.Public(), envelope.KeyConfig{Scheme: envelope.SM2ASN1})
		require.NoError(t, err)
		sealed, err := sealer.Seal([]byte(cardNumber))
		require.NoError(t, err)
		_, err = opener.Open(sealed)
		require.NoError(t, err)
	}
}
