//go:build !purego

// Go refuses FIPS mode in a build with the purego tag.

package sign_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// In FIPS 140-only mode the SM2 library panics while signing. The test runs itself
// in that mode: SM2 has to be an error at construction, RSA has to work.
func TestFIPSOnly_RefusesSM2AtConstruction(t *testing.T) {
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
}
