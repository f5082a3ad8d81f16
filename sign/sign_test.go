package sign_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func algorithms() []sign.Algorithm { return []sign.Algorithm{sign.RSASHA256, sign.SM2SM3} }

func TestSigner_SignsWhatTheRingVerifies(t *testing.T) {
	t.Parallel()
	for _, a := range algorithms() {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			key := generate(t, a).WithEnvironment("sandbox")
			signer := newSigner(t, key, sign.SignerConfig{KeyID: "1"})
			ring := newRing(t, sign.RingKey{ID: "1", Key: key.Public()})
			require.Equal(t, a, signer.Algorithm())
			require.Equal(t, a, key.Algorithm())
			require.Equal(t, "1", signer.KeyID())
			require.Equal(t, "sandbox", signer.(interface{ Environment() string }).Environment())

			for _, message := range []string{"", "a=1", string(make([]byte, 1<<20))} {
				signature := signed(t, signer, message)
				require.NoError(t, ring.Verify(t.Context(), []byte(message), signature, "1"))
				e := refusedAs(t, "signature", ring.Verify(t.Context(), []byte(message+"x"), signature, "1"))
				sum := sha256.Sum256([]byte(message + "x"))
				require.Equal(t, hex.EncodeToString(sum[:]), e.Digest)
				require.Equal(t, "1", e.KeyID)
			}
		})
	}
}

func TestVerify_RefusesEverySingleBitFlipped(t *testing.T) {
	t.Parallel()
	for _, a := range algorithms() {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			key := generate(t, a)
			ring := newRing(t, sign.RingKey{Key: key.Public()})
			signature := signed(t, newSigner(t, key, sign.SignerConfig{}), "a=1")
			for i := range 8 * len(signature) {
				signature[i/8] ^= 1 << (i % 8)
				require.ErrorIs(t, ring.Verify(t.Context(), []byte("a=1"), signature, ""), sign.ErrSignature, "bit %d", i)
				signature[i/8] ^= 1 << (i % 8)
			}
			require.NoError(t, ring.Verify(t.Context(), []byte("a=1"), signature, ""))
		})
	}
}

func TestVerify_RefusesWrongPairings(t *testing.T) {
	t.Parallel()
	rsaA, rsaB := generate(t, sign.RSASHA256), generate(t, sign.RSASHA256)
	sm2A, sm2B := generate(t, sign.SM2SM3), generate(t, sign.SM2SM3)
	const message = "amount=1"
	sig := func(k *sign.PrivateKey) []byte { return signed(t, newSigner(t, k, sign.SignerConfig{}), message) }
	rsaSig, sm2Sig := sig(rsaA), sig(sm2A)
	aliceSig := signed(t, newSigner(t, sm2A, sign.SignerConfig{SM2ID: "ALICE123@YAHOO.COM"}), message)

	for name, c := range map[string]struct {
		key       sign.RingKey
		signature []byte
	}{
		"RSA signature under another RSA key": {sign.RingKey{Key: rsaB.Public()}, rsaSig},
		"SM2 signature under another SM2 key": {sign.RingKey{Key: sm2B.Public()}, sm2Sig},
		"SM2 signature under an RSA key":      {sign.RingKey{Key: rsaA.Public()}, sm2Sig},
		"RSA signature under an SM2 key":      {sign.RingKey{Key: sm2A.Public()}, rsaSig},
		"SM2 signature with another id":       {sign.RingKey{Key: sm2A.Public()}, aliceSig},
		"default id where another is agreed":  {sign.RingKey{Key: sm2A.Public(), SM2ID: "ALICE123@YAHOO.COM"}, sm2Sig},
		"no signature, RSA":                   {sign.RingKey{Key: rsaA.Public()}, nil},
		"no signature, SM2":                   {sign.RingKey{Key: sm2A.Public()}, []byte{}},
		"RSA signature cut short":             {sign.RingKey{Key: rsaA.Public()}, rsaSig[1:]},
		"RSA signature with a byte behind it": {sign.RingKey{Key: rsaA.Public()}, append(rsaSig[:256:256], 0)},
		"RSA zero":                            {sign.RingKey{Key: rsaA.Public()}, make([]byte, 256)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refusedAs(t, "signature", newRing(t, c.key).Verify(t.Context(), []byte(message), c.signature, ""))
		})
	}
	require.NoError(t, newRing(t, sign.RingKey{Key: sm2A.Public(), SM2ID: "ALICE123@YAHOO.COM"}).
		Verify(t.Context(), []byte(message), aliceSig, ""))
}

// The brief says "digest, then encrypt the digest": that is one signature over the
// text. A client that digests first and signs the digest makes another one.
func TestVerify_RefusesADoubleDigest(t *testing.T) {
	t.Parallel()
	for _, a := range algorithms() {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			const message = "a=1"
			key := generate(t, a)
			ring := newRing(t, sign.RingKey{Key: key.Public()})
			signer := newSigner(t, key, sign.SignerConfig{})
			sum := sha256.Sum256([]byte(message))
			if a == sign.SM2SM3 {
				sum = [32]byte(sign.SM3([]byte(message)))
			}
			require.NoError(t, ring.Verify(t.Context(), []byte(message), signed(t, signer, message), ""))
			for _, digest := range []string{string(sum[:]), hex.EncodeToString(sum[:])} {
				refusedAs(t, "signature", ring.Verify(t.Context(), []byte(message), signed(t, signer, digest), ""))
			}
		})
	}
}

func TestNewSigner_RefusesWhatCannotSign(t *testing.T) {
	t.Parallel()
	rsaKey, sm2Key := generate(t, sign.RSASHA256), generate(t, sign.SM2SM3)
	for name, c := range map[string]struct {
		key     *sign.PrivateKey
		cfg     sign.SignerConfig
		problem string
	}{
		"nil key":                {nil, sign.SignerConfig{}, "no key"},
		"zero key":               {&sign.PrivateKey{}, sign.SignerConfig{}, "no key"},
		"SM2 id with RSA":        {rsaKey, sign.SignerConfig{SM2ID: "x"}, "SM2ID is set, the key is RSA"},
		"SM2 id beyond 16 bits":  {sm2Key, sign.SignerConfig{SM2ID: string(make([]byte, 8192))}, "cannot sign"},
		"RSA 1024 without a say": {rsa1024(t), sign.SignerConfig{}, "RSA key is 1024 bits, want 2048 to 4096; Legacy1024 admits it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sign.NewSigner(c.key, c.cfg)
			require.Equal(t, c.problem, keyRefused(t, err).Problem)
		})
	}
	newSigner(t, sm2Key, sign.SignerConfig{SM2ID: string(make([]byte, 8191))})
}

func TestLegacy1024_WorksOnlyWhenBothSidesSaySo(t *testing.T) {
	t.Parallel()
	key := rsa1024(t)
	signature := signed(t, newSigner(t, key, sign.SignerConfig{Legacy1024: true}), "a=1")
	_, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{Key: key.Public()})
	keyRefused(t, err)
	ring := newRing(t, sign.RingKey{Key: key.Public(), Legacy1024: true})
	require.NoError(t, ring.Verify(t.Context(), []byte("a=1"), signature, ""))
}

func TestGenerateRSA_RefusesOtherSizes(t *testing.T) {
	t.Parallel()
	for _, bits := range []int{-1, 0, 512, 1024, 2047, 2049, 4104, 16384} {
		_, err := sign.GenerateRSA(bits)
		keyRefused(t, err)
	}
}
