package sign_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/tjfoc"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/stretchr/testify/require"
)

// module stands for a hardware module: a crypto.Signer that may be wrong.
type module struct {
	public crypto.PublicKey
	sign   func(digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

func (m module) Public() crypto.PublicKey { return m.public }

func (m module) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return m.sign(digest, opts)
}

func sm2Module(t testing.TB) (module, *sm2.PrivateKey, *sign.PublicKey) {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	require.NoError(t, err)
	public, err := sign.LoadPublicKey(sign.LoadConfig{Bytes: fmt.Appendf(nil, "04%064x%064x", key.X, key.Y)})
	require.NoError(t, err)
	return module{key.Public(), func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
		return key.Sign(rand.Reader, digest, opts)
	}}, key, public
}

func TestNewSignerFrom_SignsAsAKeyInMemory(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	rsaModule := module{rsaKey.Public(), func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
		return rsaKey.Sign(rand.Reader, digest, opts)
	}}
	rsaText, err := sign.ParsePrivateKey(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)))
	require.NoError(t, err)
	sm2Key, _, sm2Public := sm2Module(t)
	for name, c := range map[string]struct {
		key    crypto.Signer
		public *sign.PublicKey
		cfg    sign.SignerConfig
	}{
		"RSA":              {rsaModule, rsaText.Public(), sign.SignerConfig{KeyID: "k1"}},
		"RSA itself":       {rsaKey, rsaText.Public(), sign.SignerConfig{}},
		"PSS":              {rsaModule, rsaText.Public(), sign.SignerConfig{Algorithm: sign.RSAPSSSHA256}},
		"SHA-1":            {rsaModule, rsaText.Public(), sign.SignerConfig{Algorithm: sign.LegacyRSASHA1}},
		"SM2":              {sm2Key, sm2Public, sign.SignerConfig{KeyID: "k2"}},
		"SM2, another id":  {sm2Key, sm2Public, sign.SignerConfig{SM2ID: "merchant@bank"}},
		"SM2, raw":         {sm2Key, sm2Public, sign.SignerConfig{SM2Form: sign.SM2Raw}},
		"SM2, checked too": {sm2Key, sm2Public, sign.SignerConfig{Check: tjfoc.Engine{}, SM2Form: sign.SM2Raw}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := sign.NewSignerFrom(c.key, c.cfg)
			require.NoError(t, err)
			require.Equal(t, c.cfg.KeyID, s.KeyID())
			ring := newRing(t, sign.RingKey{Key: c.public, Algorithm: s.Algorithm(), SM2ID: c.cfg.SM2ID, SM2Form: c.cfg.SM2Form})
			signature := signed(t, s, "a=1&b=2")
			require.NoError(t, ring.Verify(t.Context(), []byte("a=1&b=2"), signature, ""))
			refusedAs(t, "signature", ring.Verify(t.Context(), []byte("a=1&b=3"), signature, ""))
			over, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = s.Sign(over, nil)
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

func TestNewSignerFrom_RefusesAModuleThatIsWrong(t *testing.T) {
	t.Parallel()
	good, key, _ := sm2Module(t)
	other, _, _ := sm2Module(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	otherRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	down := errors.New("module is down")
	const first = "its first signature is not one of its own public key: does not match this text under this key"
	for name, c := range map[string]struct {
		key     crypto.Signer
		cfg     sign.SignerConfig
		problem string
	}{
		"nothing":                {nil, sign.SignerConfig{}, "no key"},
		"no public key":          {module{}, sign.SignerConfig{}, "public key is <nil>, want *rsa.PublicKey or *ecdsa.PublicKey on the SM2 curve"},
		"a nil public key":       {module{public: (*rsa.PublicKey)(nil)}, sign.SignerConfig{}, "no key"},
		"an empty public key":    {module{public: &ecdsa.PublicKey{}}, sign.SignerConfig{}, "no key"},
		"P-256":                  {p256, sign.SignerConfig{}, "P-256 (prime256v1) key, want SM2 (1.2.156.10197.1.301)"},
		"Ed25519":                {ed, sign.SignerConfig{}, "public key is ed25519.PublicKey, want *rsa.PublicKey or *ecdsa.PublicKey on the SM2 curve"},
		"RSA 1024":               {small, sign.SignerConfig{}, "RSA key is 1024 bits, want 2048 to 4096; Legacy1024 admits it"},
		"an algorithm of others": {good, sign.SignerConfig{Algorithm: sign.RSASHA256}, `Algorithm is "RSA-SHA256", the key is for SM2-SM3`},
		"an engine":              {good, sign.SignerConfig{Engine: tjfoc.Engine{}}, "Engine is set, the key signs by itself"},
		"RSA with a check":       {rsaKey, sign.SignerConfig{Check: tjfoc.Engine{}}, "Check is set, the key is RSA"},
		"a key of another":       {module{good.public, other.sign}, sign.SignerConfig{}, first},
		"RSA of another": {module{rsaKey.Public(), func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			return otherRSA.Sign(rand.Reader, digest, opts)
		}}, sign.SignerConfig{}, first},
		"hashes once more": {module{good.public, func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			sum := sm3.Sum(digest)
			return key.Sign(rand.Reader, sum[:], opts)
		}}, sign.SignerConfig{}, first},
		"hashes with Z_A once more": {module{good.public, func(digest []byte, _ crypto.SignerOpts) ([]byte, error) {
			return key.SignWithSM2(rand.Reader, nil, digest)
		}}, sign.SignerConfig{}, first},
		"another id than it says": {module{good.public, func(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			return key.Sign(rand.Reader, append([]byte{1}, digest[1:]...), opts)
		}}, sign.SignerConfig{}, first},
		"raw r‖s": {module{good.public, func([]byte, crypto.SignerOpts) ([]byte, error) {
			return make([]byte, 64), nil
		}}, sign.SignerConfig{}, "cannot sign"},
		"nothing signed": {module{good.public, func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, nil }}, sign.SignerConfig{}, "cannot sign"},
		"down":           {module{good.public, func([]byte, crypto.SignerOpts) ([]byte, error) { return nil, down }}, sign.SignerConfig{}, "cannot sign"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sign.NewSignerFrom(c.key, c.cfg)
			require.Equal(t, c.problem, keyRefused(t, err).Problem)
			if name == "down" {
				require.ErrorIs(t, err, down)
			}
		})
	}
}
