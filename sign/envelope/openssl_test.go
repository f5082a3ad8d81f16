package envelope_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/envelope"
	"github.com/stretchr/testify/require"
)

// openssl runs OpenSSL in its own directory, as an independent hand on both sides.
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
	cmd := exec.CommandContext(o.t.Context(), "openssl", args...)
	cmd.Dir = o.dir
	out, err := cmd.CombinedOutput()
	require.NoError(o.t, err, "openssl %s\n%s", strings.Join(args, " "), out)
}

func (o openssl) write(name string, b []byte) {
	o.t.Helper()
	require.NoError(o.t, os.WriteFile(filepath.Join(o.dir, name), b, 0o600))
}

func (o openssl) read(name string) []byte {
	o.t.Helper()
	b, err := os.ReadFile(filepath.Join(o.dir, name))
	require.NoError(o.t, err)
	return b
}

// texts are plaintexts around the edges of a block.
func texts(limit int) []string {
	list := []string{"x", "6222021234567890123", strings.Repeat("a", 15), strings.Repeat("a", 16), strings.Repeat("商", 11)}
	if limit >= 100_000 {
		list = append(list, strings.Repeat("b", 100_000))
	}
	return append(list, strings.Repeat("c", min(limit, 100)))
}

func TestOpenSSL_Blocks(t *testing.T) {
	t.Parallel()
	key, iv := []byte("0123456789abcdef"), []byte("N003261207000000")
	for kind, c := range map[string]struct {
		key  []byte
		args []string
	}{
		"sm4-cbc": {key, []string{"-sm4-cbc", "-iv", hex.EncodeToString(iv)}},
		"sm4-ecb": {key, []string{"-sm4-ecb"}},
		"aes-ecb": {append(key, key...), []string{"-aes-256-ecb"}},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			o := newOpenSSL(t)
			seal, open := blocks(t, kind, c.key, iv)
			enc := append([]string{"enc", "-K", hex.EncodeToString(c.key)}, c.args...)
			for _, text := range texts(100_000) {
				o.write("plain", []byte(text))
				o.run(append(enc, "-e", "-in", "plain", "-out", "its")...)
				ours, err := seal([]byte(text))
				require.NoError(t, err)
				require.True(t, bytes.Equal(o.read("its"), ours), "one plaintext has one ciphertext here")
				got, err := open(o.read("its"))
				require.NoError(t, err)
				require.True(t, text == string(got))
				o.write("ours", ours)
				o.run(append(enc, "-d", "-in", "ours", "-out", "back")...)
				require.True(t, text == string(o.read("back")))
			}
		})
	}
}

func TestOpenSSL_Keys(t *testing.T) {
	t.Parallel()
	oaep := func(hash string) []string {
		return []string{"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:" + hash, "-pkeyopt", "rsa_mgf1_md:" + hash}
	}
	for s, args := range map[envelope.Scheme][]string{
		envelope.RSAOAEPSHA256:     oaep("sha256"),
		envelope.LegacyRSAOAEPSHA1: oaep("sha1"),
		envelope.SM2ASN1:           {},
	} {
		t.Run(string(s), func(t *testing.T) {
			t.Parallel()
			o := newOpenSSL(t)
			key := keyFor(t, s)
			if s == envelope.SM2ASN1 {
				var err error
				key, err = sign.GenerateSM2()
				require.NoError(t, err)
			}
			private, err := key.PEM()
			require.NoError(t, err)
			public, err := key.Public().PEM()
			require.NoError(t, err)
			o.write("private.pem", private)
			o.write("public.pem", public)
			sealer, opener := pair(t, key, s)
			for _, text := range texts(sealer.MaxPlaintext()) {
				o.write("plain", []byte(text))
				o.run(append([]string{"pkeyutl", "-encrypt", "-pubin", "-inkey", "public.pem", "-in", "plain", "-out", "its"}, args...)...)
				got, err := opener.Open(o.read("its"))
				if err != nil && text == "x" && s == envelope.SM2ASN1 {
					// OpenSSL does not look whether the key stream is all zeros, as
					// the standard asks for, and one of one byte is in one of 256.
					require.Equal(t, byte('x'), o.read("its")[len(o.read("its"))-1])
				} else {
					require.NoError(t, err)
					require.True(t, text == string(got))
				}
				ours, err := sealer.Seal([]byte(text))
				require.NoError(t, err)
				o.write("ours", ours)
				o.run(append([]string{"pkeyutl", "-decrypt", "-inkey", "private.pem", "-in", "ours", "-out", "back"}, args...)...)
				require.True(t, text == string(o.read("back")))
			}
		})
	}
}

// The raw orders have no OpenSSL command; both are its ASN.1 form, taken apart here.
func TestOpenSSL_RawSM2Orders(t *testing.T) {
	t.Parallel()
	o := newOpenSSL(t)
	key := sm2Key(t, annexPrivate)
	private, err := key.PEM()
	require.NoError(t, err)
	o.write("private.pem", private)
	for _, s := range []envelope.Scheme{envelope.SM2C1C3C2, envelope.SM2C1C2C3} {
		sealer, _ := pair(t, key, s)
		ours, err := sealer.Seal([]byte("6222021234567890123"))
		require.NoError(t, err)
		require.Len(t, ours, 65+32+19)
		c3, c2 := ours[65:97], ours[97:]
		if s == envelope.SM2C1C2C3 {
			c2, c3 = ours[65:84], ours[84:]
		}
		x, y := bigHex(hex.EncodeToString(ours[1:33])), bigHex(hex.EncodeToString(ours[33:65]))
		o.write("ours", sm2DER(t, x, y, c3, c2))
		o.run("pkeyutl", "-decrypt", "-inkey", "private.pem", "-in", "ours", "-out", "back")
		require.Equal(t, "6222021234567890123", string(o.read("back")))
	}
}

// The key of WeChat's SM4 is the first half of SM3 of the APIv3 key.
func TestOpenSSL_DerivesWeChatSM4Key(t *testing.T) {
	t.Parallel()
	o := newOpenSSL(t)
	o.write("key", []byte(apiV3Key))
	o.run("dgst", "-sm3", "-binary", "-out", "sum", "key")
	plain := aeadOf(t, "sm4", o.read("sum")[:16])
	nonce, sealed, err := plain.Seal([]byte("transaction"), []byte("x"))
	require.NoError(t, err)
	got, err := aeadOf(t, "wechat-sm4", []byte(apiV3Key)).Open(nonce, []byte("transaction"), sealed)
	require.NoError(t, err)
	require.Equal(t, "x", string(got))
}
