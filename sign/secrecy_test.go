package sign_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// holder has a key the way hosts have them: in a struct that ends in a log line.
type holder struct {
	Key    *sign.PrivateKey
	Value  sign.PrivateKey
	Signer sign.Signer
	hidden *sign.PrivateKey
	value  sign.PrivateKey
}

func TestPrivateKey_IsNeverShown(t *testing.T) {
	t.Parallel()
	for _, a := range algorithms() {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			key := generate(t, a)
			h := holder{key, *key, newSigner(t, key, sign.SignerConfig{}), key, *key}
			var shown bytes.Buffer
			for _, v := range []any{key, *key, h, &h, []any{key}, map[string]any{"key": key}} {
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
					fmt.Fprintf(&shown, verb, v)
				}
				require.NoError(t, json.NewEncoder(&shown).Encode(v))
				slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "key", v)
				slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "key", v)
			}
			require.Contains(t, shown.String(), "[private key]")
			require.Equal(t, "[private key]", key.String())
			require.Equal(t, "[private key]", key.GoString())
			require.Equal(t, "[private key]", key.LogValue().String())
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
				require.Equal(t, "[private key]", fmt.Sprintf(verb, key), verb)
				require.Equal(t, "[private key]", fmt.Sprintf(verb, *key), verb)
			}

			b, err := json.Marshal(h)
			require.NoError(t, err)
			require.Contains(t, string(b), `{"Key":"[private key]","Value":"[private key]",`)

			for _, secret := range secretsOf(t, key) {
				for _, form := range []string{
					hex.EncodeToString(secret), fmt.Sprintf("%X", secret), new(big.Int).SetBytes(secret).String(),
					base64.StdEncoding.EncodeToString(secret), fmt.Sprint(secret), string(secret),
				} {
					require.NotContains(t, shown.String(), form)
				}
			}
		})
	}
}

// secretsOf returns d, or the primes.
func secretsOf(t *testing.T, key *sign.PrivateKey) [][]byte {
	t.Helper()
	if key.Algorithm() == sign.SM2SM3 {
		return [][]byte{sec1Of(t, key).Key}
	}
	k := rsaOf(t, key)
	return [][]byte{k.D.Bytes(), k.Primes[0].Bytes(), k.Primes[1].Bytes()}
}

// A damaged key file is described, never quoted.
func TestKeyError_HoldsNoKeyBytes(t *testing.T) {
	t.Parallel()
	text, err := generate(t, sign.RSASHA256).PEM()
	require.NoError(t, err)
	b, _ := pem.Decode(text)
	for i := range b.Bytes {
		damaged := bytes.Clone(b.Bytes)
		damaged[i] ^= 0x40
		_, err := sign.ParsePrivateKey(block("PRIVATE KEY", damaged))
		if err == nil {
			continue // some bytes say nothing
		}
		keyRefused(t, err)
		require.Less(t, len(err.Error()), 200, "%v", err)
		for j := 0; j+12 <= len(damaged); j += 4 {
			require.NotContains(t, err.Error(), hex.EncodeToString(damaged[j:j+12]))
		}
	}
}
