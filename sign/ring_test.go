package sign_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func TestKeyRing_ChecksSerialAndClockFirst(t *testing.T) {
	t.Parallel()
	var (
		now    = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		key    = generate(t, sign.SM2SM3)
		old    = sign.RingKey{ID: "old", Key: key.Public(), NotAfter: now.Add(-time.Nanosecond)}
		edge   = sign.RingKey{ID: "edge", Key: key.Public(), NotBefore: now, NotAfter: now}
		next   = sign.RingKey{ID: "next", Key: key.Public(), NotBefore: now.Add(time.Nanosecond)}
		open   = sign.RingKey{ID: "open", Key: key.Public()}
		good   = signed(t, newSigner(t, key, sign.SignerConfig{}), "a=1")
		nobody = "x\n" + string(make([]byte, 100))
	)
	for name, c := range map[string]struct {
		keys  []sign.RingKey
		keyID string
		part  string // empty: accepted
	}{
		"known serial":                               {[]sign.RingKey{open}, "open", ""},
		"unknown serial":                             {[]sign.RingKey{open}, "closed", "serial"},
		"hostile serial":                             {[]sign.RingKey{open}, nobody, "serial"},
		"case matters":                               {[]sign.RingKey{open}, "Open", "serial"},
		"valid this very moment":                     {[]sign.RingKey{edge}, "edge", ""},
		"expired":                                    {[]sign.RingKey{old, open}, "old", "clock"},
		"not yet valid":                              {[]sign.RingKey{next, open}, "next", "clock"},
		"no serial, one key":                         {[]sign.RingKey{open}, "", ""},
		"no serial, one valid key of three":          {[]sign.RingKey{old, edge, next}, "", ""},
		"no serial, two valid keys":                  {[]sign.RingKey{edge, open}, "", "serial"},
		"no serial, no valid key":                    {[]sign.RingKey{old, next}, "", "clock"},
		"no serial, a nameless key and another":      {[]sign.RingKey{{Key: key.Public()}, open}, "", "serial"},
		"a serial does not select the nameless key":  {[]sign.RingKey{{Key: key.Public()}}, "1", "serial"},
		"no serial selects the nameless key by self": {[]sign.RingKey{{Key: key.Public()}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring, err := sign.NewKeyRing(sign.RingConfig{Now: func() time.Time { return now }}, c.keys...)
			require.NoError(t, err)
			err = ring.Verify(t.Context(), []byte("a=1"), good, c.keyID)
			if c.part == "" {
				require.NoError(t, err)
				return
			}
			refusedAs(t, c.part, err)
			require.Less(t, len(err.Error()), 400)
			require.NotContains(t, err.Error(), "\n")
			// Junk is refused for the same reason: the key is settled before the signature.
			refusedAs(t, c.part, ring.Verify(t.Context(), []byte("a=1"), nil, c.keyID))
		})
	}
}

func TestKeyRing_TakesValidityFromTheCertificate(t *testing.T) {
	t.Parallel()
	signature, err := sign.DecodeBase64(string(testdata(t, "sm2.sig.txt")))
	require.NoError(t, err)
	verify := func(now time.Time, key sign.RingKey) error {
		ring, err := sign.NewKeyRing(sign.RingConfig{Now: func() time.Time { return now }}, key)
		require.NoError(t, err)
		return ring.Verify(t.Context(), testdata(t, "message.txt"), signature, "")
	}
	key := publicTestdata(t, "sm2.cert.pem")
	notBefore, notAfter := key.Validity()
	require.Equal(t, time.Date(2026, 11, 21, 22, 33, 47, 0, time.UTC), notBefore)
	require.Equal(t, time.Date(2126, 10, 28, 22, 33, 47, 0, time.UTC), notAfter)

	require.NoError(t, verify(notBefore, sign.RingKey{Key: key}))
	require.NoError(t, verify(notAfter, sign.RingKey{Key: key}))
	refusedAs(t, "clock", verify(notBefore.Add(-time.Second), sign.RingKey{Key: key}))
	refusedAs(t, "clock", verify(notAfter.Add(time.Second), sign.RingKey{Key: key}))
	require.NoError(t, verify(notAfter.Add(time.Second), sign.RingKey{Key: key, NotAfter: notAfter.Add(time.Hour)}))

	rsaBefore, _ := publicTestdata(t, "rsa.cert.pem").Validity()
	require.False(t, rsaBefore.IsZero())
	bare, _ := publicTestdata(t, "sm2.pub.pem").Validity()
	require.True(t, bare.IsZero())
}

func TestKeyRing_RefusesBadKeysAllAtOnce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	rsaKey, sm2Key := generate(t, sign.RSASHA256).Public(), generate(t, sign.SM2SM3).Public()
	for name, c := range map[string]struct {
		keys     []sign.RingKey
		problems []string
	}{
		"none":       {nil, []string{"no keys"}},
		"nil":        {[]sign.RingKey{{ID: "1"}}, []string{"no key"}},
		"zero":       {[]sign.RingKey{{ID: "1", Key: &sign.PublicKey{}}}, []string{"no key"}},
		"same ID":    {[]sign.RingKey{{ID: "1", Key: rsaKey}, {ID: "1", Key: sm2Key}}, []string{"the ID is given twice"}},
		"no ID, 2 ×": {[]sign.RingKey{{Key: rsaKey}, {Key: sm2Key}}, []string{"the ID is given twice"}},
		"backwards":  {[]sign.RingKey{{Key: rsaKey, NotBefore: now, NotAfter: now.Add(-1)}}, []string{"ends before it begins"}},
		"two faults": {
			[]sign.RingKey{{ID: "1", Key: rsaKey, SM2ID: "x"}, {ID: "2", Key: sm2Key, SM2ID: string(make([]byte, 8192))}},
			[]string{`ring key "1": SM2ID is set, the key is RSA`, `ring key "2": cannot verify: SM2 id is 8192 bytes`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sign.NewKeyRing(sign.RingConfig{}, c.keys...)
			keyRefused(t, err)
			for _, p := range c.problems {
				require.ErrorContains(t, err, p)
			}
			ring := newRing(t, sign.RingKey{ID: "kept", Key: sm2Key})
			require.ErrorIs(t, ring.Replace(c.keys...), sign.ErrKey)
			require.Equal(t, []string{"kept"}, ring.IDs())
		})
	}
}

func TestKeyRing_ZeroValueKnowsNoKey(t *testing.T) {
	t.Parallel()
	var ring sign.KeyRing
	refusedAs(t, "serial", ring.Verify(t.Context(), nil, nil, ""))
	require.Empty(t, ring.IDs())
	require.Empty(t, ring.Environment())
	require.NoError(t, ring.Replace(sign.RingKey{ID: "1", Key: generate(t, sign.SM2SM3).Public()}))
	refusedAs(t, "signature", ring.Verify(t.Context(), nil, nil, ""))
}

func TestKeyRing_OneSandboxKeyMarksItAll(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3).Public()
	production := sign.RingKey{ID: "p", Key: key}
	sandbox := sign.RingKey{ID: "s", Key: key.WithEnvironment("sandbox")}
	staging := sign.RingKey{ID: "t", Key: key.WithEnvironment("staging")}
	require.Empty(t, newRing(t, production).Environment())
	require.Equal(t, "sandbox", newRing(t, production, sandbox).Environment())
	require.Equal(t, "sandbox", newRing(t, sandbox, production).Environment())
	require.Equal(t, "sandbox", newRing(t, sandbox, staging).Environment())
	require.Equal(t, "sandbox", newRing(t, staging, production, sandbox).Environment())
	require.Equal(t, "staging", newRing(t, production, staging).Environment())
}

// While keys rotate, the one that is in every set always verifies, and the others
// verify or are unknown, never anything else.
func TestKeyRing_RotatesWhileItVerifies(t *testing.T) {
	t.Parallel()
	keys := map[string]*sign.PrivateKey{"a": generate(t, sign.RSASHA256), "b": generate(t, sign.SM2SM3), "c": generate(t, sign.SM2SM3)}
	set := func(ids ...string) (out []sign.RingKey) {
		for _, id := range ids {
			out = append(out, sign.RingKey{ID: id, Key: keys[id].Public()})
		}
		return out
	}
	ring := newRing(t, set("a", "b")...)
	done := make(chan struct{})
	var rotating, verifying sync.WaitGroup
	rotating.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			next := set("b", "c")
			if i%2 == 1 {
				next = set("a", "b")
			}
			if err := ring.Replace(next...); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for id, key := range keys {
		signature := signed(t, newSigner(t, key, sign.SignerConfig{}), "a=1")
		verifying.Go(func() {
			for range 300 {
				err := ring.Verify(t.Context(), []byte("a=1"), signature, id)
				var e *sign.Error
				if err != nil && (id == "b" || !errors.As(err, &e) || e.Part != "serial") {
					t.Errorf("key %s: %v", id, err)
					return
				}
			}
		})
	}
	verifying.Wait()
	close(done)
	rotating.Wait()
}
