package sign_test

import (
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func TestSigner_SignsWhatTheRingVerifies(t *testing.T) {
	t.Parallel()
	for name, generate := range map[string]func() (*sign.PrivateKey, error){
		"RSA": func() (*sign.PrivateKey, error) { return sign.GenerateRSA(2048) },
		"SM2": sign.GenerateSM2,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := generate()
			require.NoError(t, err)
			pem, err := key.WithEnvironment("sandbox").PEM()
			require.NoError(t, err)
			key, err = sign.ParsePrivateKey(pem)
			require.NoError(t, err)
			signer, err := sign.NewSigner(key, sign.SignerConfig{KeyID: "1"})
			require.NoError(t, err)
			ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: "1", Key: key.Public()})
			require.NoError(t, err)
			require.Equal(t, "sandbox", ring.Environment())

			signature, err := signer.Sign(t.Context(), []byte("text"))
			require.NoError(t, err)
			require.NoError(t, ring.Verify(t.Context(), []byte("text"), signature, "1"))
			require.NoError(t, ring.Verify(t.Context(), []byte("text"), signature, ""))
			require.ErrorIs(t, ring.Verify(t.Context(), []byte("texT"), signature, "1"), sign.ErrSignature)
		})
	}
}
