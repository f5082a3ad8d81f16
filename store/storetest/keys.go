package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/idempotency"
)

// RunKeys holds a store of idempotency keys to the contract of idempotency.Store.
// Each test opens an empty store whose clock is now, and open closes it in t.Cleanup.
func RunKeys(t *testing.T, open func(t *testing.T, now func() time.Time) idempotency.Store) {
	runKeys(t, append(keyTests, exactKeyTests...), func(t *testing.T) *keyBox {
		c := &clock{t: start}
		s := &keyBox{Store: open(t, c.now), clock: c, ctx: t.Context(), brief: time.Minute}
		s.lapse = func(*testing.T, idempotency.Key) { c.pass(s.brief) }
		return s
	})
}

// RunKeysInRealTime is RunKeys for a store that counts by a clock nobody can turn,
// as a server's: leases that have to end are brief and waited for. What depends on a
// single millisecond is left out.
func RunKeysInRealTime(t *testing.T, open func(t *testing.T) idempotency.Store) {
	runKeys(t, keyTests, func(t *testing.T) *keyBox {
		s := &keyBox{Store: open(t), ctx: t.Context(), brief: 20 * time.Millisecond}
		s.lapse = func(t *testing.T, k idempotency.Key) {
			require.Eventually(t, func() bool {
				c, err := s.Begin(s.ctx, k, printA, "who waits", time.Hour)
				require.NoError(t, err)
				return c.State != idempotency.InFlight
			}, 10*time.Second, 5*time.Millisecond)
		}
		return s
	})
}

func runKeys(t *testing.T, tests []keyTest, open func(t *testing.T) *keyBox) {
	t.Run("Keys", func(t *testing.T) {
		t.Parallel()
		for _, x := range tests {
			t.Run(x.name, func(t *testing.T) {
				t.Parallel()
				x.run(t, open(t))
			})
		}
	})
}

type keyTest struct {
	name string
	run  func(t *testing.T, s *keyBox)
}

// keyBox is the store under test.
type keyBox struct {
	idempotency.Store
	*clock // nil in real time
	ctx    context.Context
	// brief is a lease that lapse lets end; all others are hours.
	brief time.Duration
	// lapse waits until the brief lease of a key, begun with printA, is over.
	lapse func(t *testing.T, k idempotency.Key)
}

var (
	keyA   = idempotency.Key{Tenant: "T1", Route: "POST /refunds", Key: "a"}
	printA = idempotency.NewFingerprint("a")
	printB = idempotency.NewFingerprint("b")
)

// begin begins keyA with printA for an hour.
func (s *keyBox) begin(t *testing.T) idempotency.Claim {
	t.Helper()
	return s.beginFor(t, keyA, time.Hour)
}

func (s *keyBox) beginFor(t *testing.T, k idempotency.Key, lease time.Duration) idempotency.Claim {
	t.Helper()
	c, err := s.Begin(s.ctx, k, printA, "me", lease)
	require.NoError(t, err)
	return c
}

// lapsed leaves keyA with a lease that is over, under the epoch it returns.
func (s *keyBox) lapsed(t *testing.T) int64 {
	t.Helper()
	c := s.beginFor(t, keyA, s.brief)
	require.Equal(t, idempotency.New, c.State)
	s.lapse(t, keyA)
	return c.Epoch
}

func (s *keyBox) complete(t *testing.T, epoch int64, o idempotency.Outcome, response string) {
	t.Helper()
	require.NoError(t, s.Complete(s.ctx, keyA, epoch, o, []byte(response)))
}
