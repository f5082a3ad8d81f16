package tjfoc_test

import (
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/tjfoc"
	"github.com/stretchr/testify/require"
)

func TestEngine_SignsForTheDefaultAndTheOtherWayRound(t *testing.T) {
	t.Parallel()
	key, err := sign.GenerateSM2()
	require.NoError(t, err)
	for _, form := range []sign.SM2Form{sign.SM2DER, sign.SM2Raw} {
		for _, engine := range []sign.Engine{nil, tjfoc.Engine{}} {
			for _, check := range []sign.Engine{nil, tjfoc.Engine{}} {
				signer, err := sign.NewSigner(key, sign.SignerConfig{Engine: engine, Check: check, SM2Form: form})
				require.NoError(t, err)
				signature, err := signer.Sign(t.Context(), []byte("a=1"))
				require.NoError(t, err)
				for _, other := range []sign.Engine{nil, tjfoc.Engine{}} {
					ring, err := sign.NewKeyRing(sign.RingConfig{Engine: other}, sign.RingKey{Key: key.Public(), SM2Form: form})
					require.NoError(t, err)
					require.NoError(t, ring.Verify(t.Context(), []byte("a=1"), signature, ""))
					require.ErrorIs(t, ring.Verify(t.Context(), []byte("a=2"), signature, ""), sign.ErrSignature)
				}
			}
		}
	}
}
