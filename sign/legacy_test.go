package sign_test

import (
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func newDigest(t testing.TB, a sign.Algorithm, secret string) *sign.Digest {
	t.Helper()
	d, err := sign.NewDigest(sign.DigestConfig{Algorithm: a, Secret: []byte(secret), KeyID: "k1"})
	require.NoError(t, err)
	return d
}

func digests() map[sign.Algorithm]string {
	return map[sign.Algorithm]string{
		sign.LegacyMD5: "-md5", sign.LegacySHA1: "-sha1", sign.LegacySHA256: "-sha256", sign.LegacySHA512: "-sha512", sign.LegacySM3: "-sm3",
	}
}

func TestDigest_AgreesWithOpenSSL(t *testing.T) {
	t.Parallel()
	o := newOpenSSL(t)
	for a, flag := range digests() {
		d := newDigest(t, a, "S")
		require.Equal(t, a, d.Algorithm())
		require.Equal(t, "k1", d.KeyID())
		for _, n := range []int{0, 1, 54, 55, 62, 63, 64, 127, 1000} {
			text := strings.Repeat("a", n) + "S"
			o.write("message", []byte(text))
			cmd := exec.CommandContext(t.Context(), "openssl", "dgst", flag, "-hex", "-r", "message")
			cmd.Dir = o.dir
			out, err := cmd.Output()
			require.NoError(t, err)
			want, _, _ := strings.Cut(string(out), " ")
			sum := signed(t, d, text)
			require.Equal(t, want, hex.EncodeToString(sum))
			require.NoError(t, d.Verify(t.Context(), []byte(text), sum, "k1"))
			refusedAs(t, "signature", d.Verify(t.Context(), []byte("x"+text), sum, "k1"))
			refusedAs(t, "signature", d.Verify(t.Context(), []byte(text), sum[:len(sum)-1], "k1"))
			refusedAs(t, "signature", d.Verify(t.Context(), []byte(text), []byte{}, "k1"))
			refusedAs(t, "serial", d.Verify(t.Context(), []byte(text), sum, "k2"))
		}
	}
}

// A canonicaliser that forgot the secret makes texts that anybody can sign.
func TestDigest_RefusesATextWithoutTheSecret(t *testing.T) {
	t.Parallel()
	other := newDigest(t, sign.LegacyMD5, "other")
	for a := range digests() {
		d := newDigest(t, a, "hunter2")
		for _, text := range []string{"", "a=1&key=", "a=1&key=HUNTER2", "a=1&key=hunter", "a=1&key=[secret]"} {
			_, err := d.Sign(t.Context(), []byte(text))
			refusedAs(t, "text", err)
			sum, err := other.Sign(t.Context(), []byte(text+"other"))
			require.NoError(t, err)
			e := refusedAs(t, "text", d.Verify(t.Context(), []byte(text), sum, ""))
			require.Empty(t, e.Digest)
		}
	}
}

// UnionPay (银联) with signMethod 11 and 12 puts in the hex digest of the secret.
func TestDigest_TakesTheSecretHashedIntoTheText(t *testing.T) {
	t.Parallel()
	for a := range digests() {
		d := newDigest(t, a, "hunter2")
		text := "a=1&" + hex.EncodeToString(signed(t, d, "hunter2"))
		require.NoError(t, d.Verify(t.Context(), []byte(text), signed(t, d, text), ""))
		_, err := newDigest(t, a, "hunter3").Sign(t.Context(), []byte(text))
		refusedAs(t, "text", err)
	}
}

func TestNewDigest_RefusesWhatCannotSign(t *testing.T) {
	t.Parallel()
	const wanted = "want MD5, SHA1, SHA256, SHA512 or SM3"
	for name, c := range map[string]struct {
		cfg     sign.DigestConfig
		problem string
	}{
		"no secret":     {sign.DigestConfig{Algorithm: sign.LegacyMD5}, "no secret: anybody could sign with an empty one"},
		"a long secret": {sign.DigestConfig{Algorithm: sign.LegacySM3, Secret: make([]byte, 4097)}, "secret is 4097 bytes, want at most 4096"},
		"no algorithm":  {sign.DigestConfig{Secret: []byte("x")}, `Algorithm is "", ` + wanted},
		"a MAC":         {sign.DigestConfig{Algorithm: sign.HMACSHA256, Secret: []byte("x")}, `Algorithm is "HMAC-SHA256", ` + wanted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := sign.NewDigest(c.cfg)
			require.Nil(t, d)
			require.Equal(t, c.problem, keyRefused(t, err).Problem)
		})
	}
}
