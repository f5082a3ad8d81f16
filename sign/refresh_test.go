package sign_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func newRefresher(t testing.TB, ring *sign.KeyRing, cfg sign.RefreshConfig) *sign.Refresher {
	t.Helper()
	r, err := sign.NewRefresher(ring, cfg)
	require.NoError(t, err)
	return r
}

// A message under a new key fails at once, the key is fetched once, and the same
// message verifies when it is sent again.
func TestRefresher_LearnsANewKeyOnce(t *testing.T) {
	t.Parallel()
	oldKey, newKey := generate(t, sign.SM2SM3), generate(t, sign.SM2SM3)
	signer := newSigner(t, newKey, sign.SignerConfig{KeyID: "new"})
	message := []byte("a=1")
	signature := signed(t, signer, "a=1")
	synctest.Test(t, func(t *testing.T) {
		ring := newRing(t, sign.RingKey{ID: "old", Key: oldKey.Public()})
		var fetches atomic.Int32
		answer := make(chan struct{})
		r := newRefresher(t, ring, sign.RefreshConfig{Fetch: func(ctx context.Context) ([]sign.RingKey, error) {
			fetches.Add(1)
			<-answer
			return []sign.RingKey{{ID: "old", Key: oldKey.Public()}, {ID: "new", Key: newKey.Public()}}, ctx.Err()
		}})
		defer r.Close()
		for range 100 { // nobody waits for the fetch, and there is one
			refusedAs(t, "serial", r.Verify(t.Context(), message, signature, "new"))
		}
		synctest.Wait()
		require.EqualValues(t, 1, fetches.Load())
		close(answer)
		synctest.Wait()
		require.NoError(t, r.Verify(t.Context(), message, signature, "new"))
		require.Equal(t, []string{"new", "old"}, ring.IDs())
		// A signature that is wrong is no reason to ask for keys, now or later.
		time.Sleep(time.Hour)
		refusedAs(t, "signature", r.Verify(t.Context(), message, signature, "old"))
		synctest.Wait()
		require.EqualValues(t, 1, fetches.Load())
	})
}

// Junk under invented serials costs the source of the keys one question a minute.
func TestRefresher_IsNotDrivenByJunk(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	synctest.Test(t, func(t *testing.T) {
		ring := newRing(t, sign.RingKey{ID: "old", Key: key.Public()})
		down := errors.New("source is down")
		var fetches, told atomic.Int32
		r := newRefresher(t, ring, sign.RefreshConfig{
			Fetch: func(context.Context) ([]sign.RingKey, error) { fetches.Add(1); return nil, down },
			Done: func(err error) {
				if errors.Is(err, down) {
					told.Add(1)
				}
			},
		})
		defer r.Close()
		for second := range 600 {
			for i := range 5 {
				refusedAs(t, "serial", r.Verify(t.Context(), nil, []byte{1}, strconv.Itoa(second*5+i)))
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		require.EqualValues(t, 10, fetches.Load())
		require.EqualValues(t, 10, told.Load())
		require.Equal(t, []string{"old"}, ring.IDs())
	})
}

func TestRefresher_GoesByItsClock(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	synctest.Test(t, func(t *testing.T) {
		now, fetches := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0
		expired := now.Add(-time.Hour)
		ring, err := sign.NewKeyRing(sign.RingConfig{Now: func() time.Time { return now }},
			sign.RingKey{ID: "old", Key: key.Public(), NotAfter: expired})
		require.NoError(t, err)
		r := newRefresher(t, ring, sign.RefreshConfig{
			Every: time.Hour,
			Now:   func() time.Time { return now },
			Fetch: func(context.Context) ([]sign.RingKey, error) { fetches++; return nil, errors.New("no") },
		})
		defer r.Close()
		ask := func(part, serial string) int {
			refusedAs(t, part, r.Verify(t.Context(), nil, []byte{1}, serial))
			synctest.Wait()
			return fetches
		}
		require.Equal(t, 1, ask("clock", "old"), "a key that ran out is as good as an unknown one")
		require.Equal(t, 1, ask("serial", "new"))
		now = now.Add(time.Hour - 1)
		require.Equal(t, 1, ask("serial", "new"))
		now = now.Add(1)
		require.Equal(t, 2, ask("serial", "new"))
		now = now.Add(-24 * time.Hour) // a clock set back
		require.Equal(t, 3, ask("serial", "new"))
	})
}

func TestRefresher_CloseEndsAFetch(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	key := generate(t, sign.SM2SM3)
	ring := newRing(t, sign.RingKey{ID: "old", Key: key.Public()})
	began := make(chan struct{}, 2)
	var ended []error
	r := newRefresher(t, ring, sign.RefreshConfig{
		Every:   1,
		Timeout: time.Hour,
		Fetch: func(ctx context.Context) ([]sign.RingKey, error) {
			began <- struct{}{}
			<-ctx.Done()
			return []sign.RingKey{{ID: "late", Key: key.Public()}}, nil
		},
		Done: func(err error) { ended = append(ended, err) },
	})
	refusedAs(t, "serial", r.Verify(t.Context(), nil, []byte{1}, "new"))
	<-began
	waiting := make(chan error)
	go func() { waiting <- r.Refresh(context.Background()) }()
	require.NoError(t, r.Close())
	require.ErrorIs(t, <-waiting, context.Canceled)
	refusedAs(t, "serial", r.Verify(t.Context(), nil, []byte{1}, "other"))
	require.NoError(t, r.Close())
	require.Len(t, ended, 1, "nothing begins after the end")
	require.ErrorIs(t, ended[0], context.Canceled)
	require.Empty(t, began)
	require.ErrorIs(t, r.Refresh(t.Context()), context.Canceled)
	require.Equal(t, []string{"old"}, ring.IDs(), "what came after the end is not believed")
}

func TestRefresher_TimesOut(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	synctest.Test(t, func(t *testing.T) {
		start, done := time.Now(), make(chan error, 1)
		r := newRefresher(t, newRing(t, sign.RingKey{ID: "old", Key: key.Public()}), sign.RefreshConfig{
			Fetch: func(ctx context.Context) ([]sign.RingKey, error) { <-ctx.Done(); return nil, ctx.Err() },
			Done:  func(err error) { done <- err },
		})
		defer r.Close()
		refusedAs(t, "serial", r.Verify(t.Context(), nil, []byte{1}, "new"))
		require.ErrorIs(t, <-done, context.DeadlineExceeded)
		require.Equal(t, 10*time.Second, time.Since(start))
	})
}

func TestRefresher_KeepsItsKeysWhereTheAnswerIsBad(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	for name, c := range map[string]struct {
		keys    []sign.RingKey
		problem string
	}{
		"no keys":          {nil, "no keys: nothing would ever verify"},
		"a sandbox's keys": {[]sign.RingKey{{ID: "a", Key: key.Public().WithEnvironment("sandbox")}}, `keys for environment "sandbox", the ring's are for ""`},
		"one of a sandbox": {[]sign.RingKey{{ID: "a", Key: key.Public()}, {ID: "b", Key: key.Public().WithEnvironment("sandbox")}}, `keys for environment "sandbox", the ring's are for ""`},
		"no key in it":     {[]sign.RingKey{{ID: "a"}}, "no key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring := newRing(t, sign.RingKey{ID: "old", Key: key.Public()})
			r := newRefresher(t, ring, sign.RefreshConfig{Fetch: func(context.Context) ([]sign.RingKey, error) { return c.keys, nil }})
			defer r.Close()
			err := r.Refresh(t.Context())
			require.Contains(t, err.Error(), c.problem)
			require.ErrorIs(t, err, sign.ErrKey)
			require.Equal(t, []string{"old"}, ring.IDs())
		})
	}
	ring := newRing(t, sign.RingKey{Key: key.Public()})
	fetch := func(context.Context) ([]sign.RingKey, error) { return nil, nil }
	for _, cfg := range []sign.RefreshConfig{{}, {Fetch: fetch, Every: -1}, {Fetch: fetch, Timeout: -1}} {
		_, err := sign.NewRefresher(ring, cfg)
		keyRefused(t, err)
	}
	_, err := sign.NewRefresher(nil, sign.RefreshConfig{Fetch: fetch})
	keyRefused(t, err)
}

// Keys go round while messages are verified: with two live keys at any moment, no
// message signed under one of them is refused.
func TestRotation_UnderLoad(t *testing.T) {
	t.Parallel()
	const generations = 200
	var keys [4]*sign.PublicKey
	var signatures [4][]byte
	for i := range keys {
		key := generate(t, sign.SM2SM3)
		keys[i], signatures[i] = key.Public(), signed(t, newSigner(t, key, sign.SignerConfig{}), "a=1")
	}
	// Generation g holds keys g and g+1; messages come under the older until g+1.
	live := func(g int) []sign.RingKey {
		return []sign.RingKey{
			{ID: strconv.Itoa(g), Key: keys[g%4]},
			{ID: strconv.Itoa(g + 1), Key: keys[(g+1)%4]},
		}
	}
	// next is what is put in place, generation what is in place.
	var next, generation atomic.Int64
	ring := newRing(t, live(0)...)
	r := newRefresher(t, ring, sign.RefreshConfig{Fetch: func(context.Context) ([]sign.RingKey, error) {
		return live(int(next.Load())), nil
	}})
	defer r.Close()
	var (
		group    sync.WaitGroup
		stop     atomic.Bool
		verified atomic.Int64
	)
	for range 4 {
		group.Go(func() {
			for !stop.Load() {
				before := generation.Load()
				serial := int(before) + 1 // live in this generation and the next
				err := ring.Verify(t.Context(), []byte("a=1"), signatures[serial%4], strconv.Itoa(serial))
				if next.Load() > before+1 {
					continue // it was asked for too late
				}
				if err != nil {
					t.Errorf("serial %d refused in generation %d: %v", serial, before, err)
					return
				}
				verified.Add(1)
			}
		})
	}
	for g := 1; g <= generations || verified.Load() < generations && !t.Failed(); g++ {
		next.Store(int64(g))
		var err error
		if g%2 == 0 {
			err = ring.Replace(live(g)...)
		} else {
			err = r.Refresh(t.Context())
		}
		if err != nil {
			t.Error(err)
			break
		}
		generation.Store(int64(g))
	}
	stop.Store(true)
	group.Wait()
	require.Positive(t, verified.Load())
}
