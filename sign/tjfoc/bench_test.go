package tjfoc_test

import (
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/tjfoc"
	"github.com/stretchr/testify/require"
)

func engines() map[string]sign.Engine {
	return map[string]sign.Engine{"default": nil, "tjfoc": tjfoc.Engine{}}
}

func BenchmarkSM2Sign(b *testing.B) {
	key, err := sign.GenerateSM2()
	require.NoError(b, err)
	message := make([]byte, 512)
	run := func(name string, cfg sign.SignerConfig) {
		b.Run(name, func(b *testing.B) {
			signer, err := sign.NewSigner(key, cfg)
			require.NoError(b, err)
			for b.Loop() {
				_, _ = signer.Sign(b.Context(), message)
			}
		})
	}
	for name, engine := range engines() {
		run(name, sign.SignerConfig{Engine: engine})
	}
	run("default checked by tjfoc", sign.SignerConfig{Check: tjfoc.Engine{}})
}

func BenchmarkSM2Verify(b *testing.B) {
	key, err := sign.GenerateSM2()
	require.NoError(b, err)
	message := make([]byte, 512)
	signer, err := sign.NewSigner(key, sign.SignerConfig{})
	require.NoError(b, err)
	signature, err := signer.Sign(b.Context(), message)
	require.NoError(b, err)
	for name, engine := range engines() {
		b.Run(name, func(b *testing.B) {
			ring, err := sign.NewKeyRing(sign.RingConfig{Engine: engine}, sign.RingKey{ID: "1", Key: key.Public()})
			require.NoError(b, err)
			for b.Loop() {
				if ring.Verify(b.Context(), message, signature, "1") != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}

func BenchmarkSM3(b *testing.B) {
	message := make([]byte, 8192)
	for name, engine := range map[string]sign.Engine{"default": sign.DefaultEngine(), "tjfoc": tjfoc.Engine{}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(message)))
			for b.Loop() {
				h := engine.NewSM3()
				h.Write(message)
				h.Sum(nil)
			}
		})
	}
}
