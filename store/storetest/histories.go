package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/journal"
)

// Histories says whose histories are checked. Each is opened once, empty and on a
// real clock; a nil one is left out.
type Histories struct {
	Keys    func(t *testing.T) idempotency.Store
	Locker  func(t *testing.T) idempotency.Locker
	Journal func(t *testing.T) journal.Store
	// Count is how many histories of each are made. Defaults to the environment's
	// BANKRAIL_TEST_HISTORIES, or to 20.
	Count int
	// Seed makes the first history's choices, the next numbers the others'. The store
	// answers in its own time, so that a seed repeats the choices and not the history.
	// Defaults to 1.
	Seed uint64
}

// RunHistories lets 8 to 16 callers loose on a store, with connections that are cut
// before, after and long before the store does what it was told, and checks that what
// they were answered has an order in which one caller alone would have got the same
// answers: of keys, locks with their fences, and the entries of a journal.
//
// A history without such an order fails the test, and is drawn in an HTML file whose
// path the failure names.
func RunHistories(t *testing.T, cfg Histories) {
	cfg.Count, cfg.Seed = cfg.count(t), max(cfg.Seed, 1)
	if cfg.Keys != nil {
		t.Run("KeyHistories", func(t *testing.T) {
			t.Parallel()
			require.NoError(t, cfg.check(t.Context(), keyHistory(cfg.Keys(t))))
		})
	}
	if cfg.Locker != nil {
		t.Run("LockHistories", func(t *testing.T) {
			t.Parallel()
			require.NoError(t, cfg.check(t.Context(), lockHistory(cfg.Locker(t))))
		})
	}
	if cfg.Journal != nil {
		t.Run("JournalHistories", func(t *testing.T) {
			t.Parallel()
			require.NoError(t, cfg.check(t.Context(), journalHistory(cfg.Journal(t))))
		})
	}
}

func (cfg Histories) count(t *testing.T) int {
	if cfg.Count > 0 {
		return cfg.Count
	}
	if s := os.Getenv("BANKRAIL_TEST_HISTORIES"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err, "BANKRAIL_TEST_HISTORIES is a number")
		require.Positive(t, n, "BANKRAIL_TEST_HISTORIES")
		return n
	}
	return 20
}

// subject is what is put under load: its sequential model and one caller's step.
type subject struct {
	model porcupine.Model
	// caller returns the steps of one caller, who remembers what it saw.
	caller func(c *caller) func()
}

// stepsEach is how often a caller does something in one history.
const stepsEach = 8

// check makes histories and reports the first that has no order.
func (cfg Histories) check(ctx context.Context, s subject) error {
	for i := range cfg.Count {
		seed := cfg.Seed + uint64(i)
		ops := s.record(ctx, seed)
		result, info := porcupine.CheckOperationsVerbose(s.model, ops, 20*time.Second)
		if result == porcupine.Ok {
			continue
		}
		if result == porcupine.Unknown {
			return fmt.Errorf("history %d of %d operations was not decided in 20 s", seed, len(ops))
		}
		// Not the test's own directory, which is gone when somebody looks.
		dir, err := os.MkdirTemp("", "bankrail-history-")
		if err != nil {
			return err
		}
		path := filepath.Join(dir, "history.html")
		return errors.Join(fmt.Errorf("history %d has no order in which its answers are right: see %s", seed, path),
			porcupine.VisualizePath(s.model, info, path))
	}
	return nil
}

// record lets the callers loose and returns what they did.
func (s subject) record(ctx context.Context, seed uint64) []porcupine.Operation {
	h := &history{base: time.Now(), ctx: ctx, name: fmt.Sprintf("h%d", seed)}
	callers := 8 + int(seed%9)
	var wg sync.WaitGroup
	ready := make(chan struct{})
	for id := range callers {
		c := &caller{history: h, id: id, rng: rand.New(rand.NewPCG(seed, uint64(id)))} //nolint:gosec // choices of a test
		step := s.caller(c)
		wg.Go(func() {
			<-ready
			for range stepsEach {
				c.pause()
				step()
			}
		})
	}
	close(ready)
	wg.Wait()
	h.late.Wait()
	return h.ops
}

// history is what the callers did so far.
type history struct {
	base time.Time
	ctx  context.Context
	name string
	late sync.WaitGroup

	mu  sync.Mutex
	ops []porcupine.Operation
}

// clock is the time since the history began, by this process's clock.
func (h *history) clock() int64 { return int64(time.Since(h.base)) }

// caller is one of several who use a store at once.
type caller struct {
	*history
	id  int
	rng *rand.Rand
	n   int
}

// mark is a text that was never written before.
func (c *caller) mark() string {
	c.n++
	return fmt.Sprintf("%d-%d", c.id, c.n)
}

// pause lets brief leases end, sometimes.
func (c *caller) pause() {
	if c.rng.IntN(6) == 0 {
		<-time.After(time.Duration(c.rng.IntN(3000)) * time.Microsecond)
	}
}

// longest bounds how long a history takes; a longer lease does not end in it.
const longest = time.Minute

// lease is a brief one or one that outlives the history.
func (c *caller) lease() time.Duration {
	return []time.Duration{time.Millisecond, 20 * time.Millisecond, time.Hour}[c.rng.IntN(3)]
}

// add puts an operation into the history. One whose answer was lost has no end: it
// may take effect at any time, or after everything else, which is never.
func (c *caller) add(began int64, in, out any, unknown bool) {
	end := c.clock()
	if unknown {
		end = math.MaxInt64
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops = append(c.ops, porcupine.Operation{ClientId: c.id, Input: in, Call: began, Output: out, Return: end})
}

// attempt calls a store over a connection that is cut now and then.
func attempt[T any](c *caller, f func() (T, error)) (T, error) {
	var none T
	switch c.rng.IntN(30) {
	case 0: // cut on the way there
		return none, errCut
	case 1: // cut on the way back
		_, _ = f()
		return none, errCut
	case 2: // cut, and it arrives while the caller goes on
		c.late.Go(func() { _, _ = f() })
		return none, errCut
	}
	return f()
}

// span is a lease as a model knows it, in nanoseconds of the history's clock.
type span struct {
	from int64 // when it was asked for; it began no earlier
	life time.Duration
}

// inexact is how much earlier than asked for a store may end a lease: it counts in
// whole milliseconds, by a clock that it may look at over a network.
const inexact = 5 * time.Millisecond

// mayBeOver reports whether a lease can have ended by then.
func (s span) mayBeOver(by int64) bool { return by >= s.from+int64(s.life-inexact) }

// byName splits a history into those of each key, lock or entry: none of them knows
// of the others.
func byName(name func(in any) string) func([]porcupine.Operation) [][]porcupine.Operation {
	return func(ops []porcupine.Operation) [][]porcupine.Operation {
		at := map[string]int{}
		var parts [][]porcupine.Operation
		for _, op := range ops {
			n := name(op.Input)
			i, ok := at[n]
			if !ok {
				i = len(parts)
				at[n] = i
				parts = append(parts, nil)
			}
			parts[i] = append(parts[i], op)
		}
		return parts
	}
}
