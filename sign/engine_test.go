package sign_test

import (
	"errors"
	"hash"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/tjfoc"
	"github.com/stretchr/testify/require"
)

// faulty is an engine that goes wrong in one place.
type faulty struct {
	sign.Engine
	sign   func(message []byte) ([]byte, error)
	verify func(message, signature []byte) bool
	err    error
}

func (faulty) Name() string { return "faulty" }

func (f faulty) NewSM2Signer(d [32]byte, p [65]byte, id []byte) (func([]byte) ([]byte, error), error) {
	if f.sign != nil || f.err != nil {
		return f.sign, f.err
	}
	return f.Engine.NewSM2Signer(d, p, id)
}

func (f faulty) NewSM2Verifier(p [65]byte, id []byte) (func(message, signature []byte) bool, error) {
	if f.verify != nil || f.err != nil {
		return f.verify, f.err
	}
	return f.Engine.NewSM2Verifier(p, id)
}

func (f faulty) NewSM3() hash.Hash { panic("SM3 is broken") }

func TestNewSigner_TriesTheEngine(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	fixed := func(b []byte, err error) func([]byte) ([]byte, error) {
		return func([]byte) ([]byte, error) { return b, err }
	}
	for name, c := range map[string]struct {
		engine faulty
		want   string
	}{
		"fails":                     {faulty{sign: fixed(nil, errors.New("no luck"))}, "faulty made no signature: no luck"},
		"signs nothing":             {faulty{sign: fixed(nil, nil)}, "faulty made no signature: 0 bytes"},
		"signs junk":                {faulty{sign: fixed(make([]byte, 70), nil)}, "faulty made no signature: not one DER sequence"},
		"signs out of range":        {faulty{sign: fixed([]byte{0x30, 6, 2, 1, 0, 2, 1, 1}, nil)}, "integer out of [1, n-1]"},
		"signs something else":      {faulty{sign: fixed([]byte{0x30, 6, 2, 1, 1, 2, 1, 1}, nil)}, "a signature made with the key does not verify"},
		"panics":                    {faulty{sign: func([]byte) ([]byte, error) { panic("index out of range") }}, "SM2 does not work in this process: index out of range"},
		"cannot take the key":       {faulty{err: errors.New("not this one")}, "not this one"},
		"does not verify what fits": {faulty{verify: func([]byte, []byte) bool { return false }}, "a signature made with the key does not verify"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.engine.Engine = tjfoc.Engine{}
			_, err := sign.NewSigner(key, sign.SignerConfig{Engine: c.engine})
			require.Equal(t, "cannot sign", keyRefused(t, err).Problem)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// What one engine signs and another does not believe must not leave.
func TestSigner_CheckHoldsBackWhatTheSecondEngineRefuses(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	other := generate(t, sign.SM2SM3)
	wrong := signed(t, newSigner(t, other, sign.SignerConfig{}), "a=2")
	right := newSigner(t, key, sign.SignerConfig{})
	// An engine that works at construction and goes wrong with money in hand.
	flips := faulty{Engine: tjfoc.Engine{}, sign: func(message []byte) ([]byte, error) {
		if string(message) == "a=2" {
			return wrong, nil
		}
		return right.Sign(t.Context(), message)
	}}
	for _, form := range []sign.SM2Form{sign.SM2DER, sign.SM2Raw} {
		signer := newSigner(t, key, sign.SignerConfig{KeyID: "1", Engine: flips, Check: tjfoc.Engine{}, SM2Form: form})
		signed(t, signer, "a=1")
		signature, err := signer.Sign(t.Context(), []byte("a=2"))
		require.Nil(t, signature)
		e := refusedAs(t, "signature", err)
		require.Equal(t, "tjfoc/gmsm does not accept what faulty signed: does not match this text under this key", e.Problem)
		require.Equal(t, "1", e.KeyID)
	}
	unchecked, err := newSigner(t, key, sign.SignerConfig{Engine: flips}).Sign(t.Context(), []byte("a=2"))
	require.NoError(t, err)
	require.Equal(t, wrong, unchecked, "this is what Check is for")
}

func TestCheck_IsTriedAtConstruction(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	_, err := sign.NewSigner(key, sign.SignerConfig{Check: faulty{err: errors.New("not this one")}})
	require.ErrorContains(t, err, "not this one")
	keyRefused(t, err)
	_, err = sign.NewSigner(key, sign.SignerConfig{Check: faulty{verify: func([]byte, []byte) bool { return false }}})
	require.ErrorContains(t, err, "faulty does not accept what emmansun/gmsm signed")
	_, err = sign.NewSigner(key, sign.SignerConfig{Check: faulty{verify: func([]byte, []byte) bool { panic("x") }}})
	keyRefused(t, err)
}

// Z_A holds the length of the id in bits in two bytes, and the engines compute it
// each on its own.
func TestEngines_AgreeOnIDsOfEveryLength(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	for _, n := range []int{1, 15, 16, 17, 31, 32, 33, 255, 256, 8190, 8191} {
		id := strings.Repeat("i", n)
		for _, engine := range []sign.Engine{nil, tjfoc.Engine{}} {
			signature := signed(t, newSigner(t, key, sign.SignerConfig{SM2ID: id, Engine: engine}), "a=1")
			for _, other := range []sign.Engine{nil, tjfoc.Engine{}} {
				ring, err := sign.NewKeyRing(sign.RingConfig{Engine: other}, sign.RingKey{Key: key.Public(), SM2ID: id})
				require.NoError(t, err)
				require.NoError(t, ring.Verify(t.Context(), []byte("a=1"), signature, ""))
			}
		}
	}
}

func TestEngine_IsRefusedForRSA(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.RSASHA256)
	for _, cfg := range []sign.SignerConfig{{Engine: tjfoc.Engine{}}, {Check: tjfoc.Engine{}}} {
		_, err := sign.NewSigner(key, cfg)
		require.Equal(t, "Engine or Check is set, the key is RSA", keyRefused(t, err).Problem)
	}
}

func TestNewKeyRing_TriesTheEngine(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3).Public()
	for _, f := range []faulty{{err: errors.New("not this one")}, {verify: func([]byte, []byte) bool { panic("x") }}} {
		_, err := sign.NewKeyRing(sign.RingConfig{Engine: f}, sign.RingKey{Key: key})
		require.Equal(t, "cannot verify", keyRefused(t, err).Problem)
	}
}

func TestMAC_TriesTheEngine(t *testing.T) {
	t.Parallel()
	_, err := sign.NewMAC(sign.MACConfig{Algorithm: sign.HMACSM3, Secret: []byte("x"), Engine: faulty{}})
	require.ErrorContains(t, err, "HMAC-SM3 does not work in this process: SM3 is broken")
	keyRefused(t, err)
	_, err = sign.NewDigest(sign.DigestConfig{Algorithm: sign.LegacySM3, Secret: []byte("x"), Engine: faulty{}})
	require.ErrorContains(t, err, "SM3 does not work in this process: SM3 is broken")
	keyRefused(t, err)

	ours, theirs := newMAC(t, sign.HMACSM3, "x"), must(t, sign.MACConfig{Algorithm: sign.HMACSM3, Secret: []byte("x"), Engine: tjfoc.Engine{}})
	for _, message := range []string{"", "a=1", string(make([]byte, 200))} {
		require.Equal(t, signed(t, ours, message), signed(t, theirs, message))
	}
}

func must(t *testing.T, cfg sign.MACConfig) *sign.MAC {
	t.Helper()
	m, err := sign.NewMAC(cfg)
	require.NoError(t, err)
	return m
}
