package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/storetest"
	"github.com/bankrail/bankrail/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var channel = bankrail.Channel{Gateway: "test", Merchant: "M1"}

func id(number string) bankrail.ID {
	return bankrail.ID{Channel: channel, Op: bankrail.OpRefund, Number: number}
}

// driver is a gateway that does what a test says, and remembers when.
type driver struct {
	send  func(context.Context, journal.Entry) (journal.Answer, error)
	query func(context.Context, journal.Entry) (bankrail.Receipt, error)
	rules journal.Rules

	mu    sync.Mutex
	start time.Time
	sends map[string]int
	asks  []time.Duration // since start
}

func newDriver() *driver {
	return &driver{start: time.Now(), sends: map[string]int{}, send: func(context.Context, journal.Entry) (journal.Answer, error) {
		return journal.Answer{Receipt: bankrail.Receipt{Status: bankrail.Processing}}, nil
	}, query: func(_ context.Context, e journal.Entry) (bankrail.Receipt, error) {
		return bankrail.Receipt{Number: e.Number, Status: bankrail.Succeeded, Amount: e.Amount}, nil
	}}
}

func (*driver) Op() bankrail.Op           { return bankrail.OpRefund }
func (*driver) Channel() bankrail.Channel { return bankrail.Channel{} }
func (d *driver) Rules(context.Context, bankrail.Channel) (journal.Rules, error) {
	return d.rules, nil
}

func (d *driver) Send(ctx context.Context, e journal.Entry, _ []byte) (journal.Answer, error) {
	d.mu.Lock()
	d.sends[e.Number]++
	d.mu.Unlock()
	return d.send(ctx, e)
}

func (d *driver) Query(ctx context.Context, e journal.Entry) (bankrail.Receipt, error) {
	d.mu.Lock()
	d.asks = append(d.asks, time.Since(d.start))
	d.mu.Unlock()
	return d.query(ctx, e)
}

func (d *driver) sent() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.sends)
}

func (d *driver) asked() []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.asks)
}

// watched is a store that remembers when it was looked at.
type watched struct {
	journal.Store
	mu              sync.Mutex
	start           time.Time
	claims, rousals []time.Duration
}

func (w *watched) Claim(ctx context.Context, q journal.ClaimQuery) ([]journal.Entry, error) {
	w.mu.Lock()
	w.claims = append(w.claims, time.Since(w.start))
	w.mu.Unlock()
	return w.Store.Claim(ctx, q)
}

func (w *watched) Rouse(ctx context.Context, horizon time.Duration) (int, error) {
	w.mu.Lock()
	w.rousals = append(w.rousals, time.Since(w.start))
	w.mu.Unlock()
	return w.Store.Rouse(ctx, horizon)
}

func (w *watched) claimed() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.claims)
}

func (w *watched) roused() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.rousals)
}

// bench is a journal in a bubble.
type bench struct {
	t      *testing.T
	store  *watched
	faulty *storetest.Faulty
	book   *journal.Book
	driver *driver
	mu     sync.Mutex
	alarms []journal.Alarm
	log    logbook
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(*testing.T, *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, driver: newDriver(), faulty: storetest.NewFaulty(memstore.New(memstore.Config{}))}
		b.store = &watched{Store: b.faulty, start: time.Now()}
		b.book = journal.New(b.store, journal.Config{AllowVolatile: true, Alarm: func(_ context.Context, a journal.Alarm) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.alarms = append(b.alarms, a)
		}})
		f(t, b)
	})
}

// run starts a worker; the func it returns stops it and waits.
func (b *bench) run(cfg worker.Config) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(&b.log, nil))
	}
	go func() {
		defer close(done)
		worker.Run(ctx, b.book, cfg, b.driver)
	}()
	return func() {
		cancel()
		<-done
	}
}

// logbook is what the loops log.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	time.Sleep(d) // in a bubble: until everything else waits
	synctest.Wait()
}

// queue records entries for the worker to send.
func (b *bench) queue(numbers ...string) {
	b.t.Helper()
	for _, n := range numbers {
		_, err := b.book.Create(context.Background(), id(n), journal.NewFingerprint(n), b.driver, func(context.Context) (journal.Draft, error) {
			return journal.Draft{Order: "O1", Amount: bankrail.CNY(100), Queue: true}, nil
		})
		require.NoError(b.t, err)
	}
}

func (b *bench) entry(number string) journal.Entry {
	b.t.Helper()
	e, err := b.book.Get(context.Background(), id(number))
	require.NoError(b.t, err)
	return e
}

func TestDueEntriesAreTaken(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		b.queue("R1", "R2", "R3")
		stop := b.run(worker.Config{Batch: 2}) // more than a batch at once
		synctest.Wait()
		require.Equal(t, map[string]int{"R1": 1, "R2": 1, "R3": 1}, b.driver.sent())
		b.queue("R4")
		pass(time.Second)
		require.Equal(t, 1, b.driver.sent()["R4"])
		require.Equal(t, bankrail.Processing, b.entry("R1").Status)
		pass(time.Minute)
		for _, n := range []string{"R1", "R2", "R3", "R4"} {
			require.Equal(t, bankrail.Succeeded, b.entry(n).Status)
		}
		stop()
		require.Empty(t, b.alarms)
		require.Empty(t, b.log.String())
	})
}

func TestTheSweepIsEveryFiveMinutes(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		stop := b.run(worker.Config{})
		pass(15*time.Minute + time.Second)
		stop()
		require.Equal(t, []time.Duration{0, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute}, b.store.roused())
		require.Len(t, b.store.claimed(), 15*60+2, "due entries are looked for every second")
	})
}

// What no schedule would ever look at again the sweep picks up.
func TestTheSweepPicksUpWhatTheScheduleMissed(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		b.queue("R1")
		ctx := context.Background()
		// A node whose clock was a year ahead took the entry, and died.
		claimed, err := b.store.Claim(ctx, journal.ClaimQuery{Op: bankrail.OpRefund, Lease: 365 * 24 * time.Hour, Limit: 1})
		require.NoError(t, err)
		require.Len(t, claimed, 1)
		stop := b.run(worker.Config{})
		pass(2 * time.Second)
		require.Equal(t, 1, b.driver.sent()["R1"])
		stop()
	})
}

// bus is a publisher that fails for one entry for a while.
type bus struct {
	mu     sync.Mutex
	fails  map[string]int
	cause  error
	events []journal.Event
	tried  int
}

func (p *bus) Publish(_ context.Context, e journal.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tried++
	if p.fails[e.Entry.Number] > 0 {
		p.fails[e.Entry.Number]--
		return p.cause
	}
	p.events = append(p.events, e)
	return nil
}

func (p *bus) of(number string) (types []journal.EventType) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if e.Entry.Number == number {
			types = append(types, e.Type)
		}
	}
	return types
}

func TestEventsAreRelayedInOrder(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		p := &bus{fails: map[string]int{"R1": 2}, cause: errors.New("the bus is away")}
		b.queue("R1", "R2")
		stop := b.run(worker.Config{Publisher: p})
		all := []journal.EventType{journal.EventCreated, journal.EventProcessing, journal.EventSucceeded}
		pass(65 * time.Second)
		require.Equal(t, all, p.of("R2"), "the others go on")
		require.Empty(t, p.of("R1"), "what follows a failed event waits for it")
		pass(5 * time.Minute)
		require.Equal(t, all, p.of("R1"))
		stop()
		seen := map[string]int64{}
		for _, e := range p.events {
			require.Greater(t, e.Version, seen[e.Entry.Number])
			seen[e.Entry.Number] = e.Version
		}
		require.Equal(t, 2, strings.Count(b.log.String(), "the bus is away"))
	})
}

func TestWithoutAPublisherEventsStay(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		b.queue("R1")
		stop := b.run(worker.Config{})
		pass(2 * time.Minute)
		stop()
		p := &bus{}
		stop = b.run(worker.Config{Publisher: p})
		pass(10 * time.Second)
		stop()
		require.Len(t, p.of("R1"), 3)
	})
}

// A publisher's own cancelled call is trouble like any other while the worker runs.
func TestAPublisherThatSaysCanceledIsTrouble(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		p := &bus{fails: map[string]int{"R1": 1}, cause: fmt.Errorf("bus: %w", context.Canceled)}
		b.queue("R1")
		stop := b.run(worker.Config{Publisher: p})
		pass(time.Second)
		stop()
		require.Contains(t, b.log.String(), "loop=relay")
	})
}

func TestTroubleWithTheStoreIsTriedAgainWithPauses(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		b.queue("R1")
		b.faulty.Next(storetest.Unreachable, -1)
		stop := b.run(worker.Config{})
		pass(4 * time.Minute)
		s := time.Second
		require.Equal(t, []time.Duration{0, s, 3 * s, 7 * s, 15 * s, 31 * s, 63 * s, 123 * s, 183 * s}, b.store.claimed())
		require.Zero(t, b.driver.sent()["R1"])
		require.Contains(t, b.log.String(), "loop=refund")
		require.Contains(t, b.log.String(), "loop=sweep")

		b.faulty.Heal()
		pass(time.Minute)
		require.Equal(t, 1, b.driver.sent()["R1"])
		n := len(b.store.claimed())
		pass(10 * time.Second)
		require.Len(t, b.store.claimed(), n+10, "and at the usual pace again")
		stop()
	})
}

// Between a claim and its send the store may do anything: the entry is sent once.
func TestTroubleWithinAnEntryIsSettledLater(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]storetest.Fault{
		"the checkpoint is not committed":      storetest.ApplyNotCommitted,
		"the checkpoint is lost":               storetest.ApplyCutLost,
		"the checkpoint is there, unknowingly": storetest.ApplyCutCommitted,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, b *bench) {
				b.queue("R1")
				b.faulty.Next(fault, 1)
				stop := b.run(worker.Config{})
				pass(30 * time.Minute)
				stop()
				require.Equal(t, bankrail.Succeeded, b.entry("R1").Status)
				require.LessOrEqual(t, b.driver.sent()["R1"], 1)
			})
		})
	}
}

func TestItStopsCleanly(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		release := make(chan struct{})
		var cut error
		b.driver.send = func(ctx context.Context, e journal.Entry) (journal.Answer, error) {
			select {
			case <-release:
			case <-ctx.Done():
				cut = ctx.Err()
			}
			return journal.Answer{Receipt: bankrail.Receipt{Number: e.Number, Status: bankrail.Succeeded, Amount: e.Amount}}, nil
		}
		b.queue("R1", "R2", "R3")
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			worker.Run(ctx, b.book, worker.Config{Parallel: 1}, b.driver)
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		select {
		case <-done:
			require.Fail(t, "returned with a refund in hand")
		default:
		}
		close(release)
		<-done
		require.NoError(t, cut, "a send in hand is not cut: that would make an unknown outcome of every restart")
		require.Equal(t, map[string]int{"R1": 1}, b.driver.sent(), "nothing new was begun")
		require.Equal(t, bankrail.Succeeded, b.entry("R1").Status)
		require.Equal(t, bankrail.Created, b.entry("R2").Status)

		stop := b.run(worker.Config{}) // the next worker takes the rest once the lease is over
		pass(2 * time.Minute)
		stop()
		require.Equal(t, map[string]int{"R1": 1, "R2": 1, "R3": 1}, b.driver.sent())
	})
}

func TestAWorkerThatIsStoppedAlready(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		b.queue("R1")
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		worker.Run(ctx, b.book, worker.Config{Publisher: &bus{}}, b.driver)
		require.Empty(t, b.driver.sent())
		require.Empty(t, b.store.claimed())
	})
}

func TestWorkersShareAStore(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		var numbers []string
		for i := range 200 {
			numbers = append(numbers, fmt.Sprintf("R%d", i))
		}
		b.queue(numbers...)
		var asked sync.Map
		b.driver.send = func(context.Context, journal.Entry) (journal.Answer, error) {
			time.Sleep(time.Second) // virtual
			return journal.Answer{}, errors.New("cut")
		}
		b.driver.query = func(_ context.Context, e journal.Entry) (bankrail.Receipt, error) {
			time.Sleep(time.Second)
			_, twice := asked.LoadOrStore(e.Number, true)
			if twice {
				return bankrail.Receipt{}, errors.New("asked twice")
			}
			return bankrail.Receipt{Number: e.Number, Status: bankrail.Succeeded, Amount: e.Amount}, nil
		}
		p, q := &bus{}, &bus{}
		stops := []func(){b.run(worker.Config{Batch: 7, Publisher: p}), b.run(worker.Config{Batch: 5, Publisher: q}), b.run(worker.Config{})}
		pass(5 * time.Minute)
		for _, stop := range stops {
			stop()
		}
		for _, n := range numbers {
			require.Equal(t, 1, b.driver.sent()[n], n)
			require.Equal(t, bankrail.Succeeded, b.entry(n).Status)
		}
		require.Len(t, b.driver.asked(), len(numbers))
		require.Equal(t, 3*len(numbers), len(p.events)+len(q.events), "each event once")
	})
}

func TestAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		b.driver.send = func(context.Context, journal.Entry) (journal.Answer, error) {
			return journal.Answer{}, errors.New("cut")
		}
		b.driver.query = func(_ context.Context, e journal.Entry) (bankrail.Receipt, error) {
			return bankrail.Receipt{Number: e.Number}, nil // a state that is not listed
		}
		b.queue("R1")
		stop := b.run(worker.Config{})
		pass(24 * time.Hour)
		stop()
		m := time.Minute
		require.Len(t, b.driver.asked(), 5)
		for i, at := range []time.Duration{1 * m, 6 * m, 21 * m, 51 * m, 111 * m} {
			require.InDelta(t, at.Seconds(), b.driver.asked()[i].Seconds(), 6, "query %d at %s", i+1, b.driver.asked()[i])
		}
		e := b.entry("R1")
		require.Equal(t, bankrail.Manual, e.Status)
		require.Equal(t, journal.CauseTries, e.Cause)
		require.Equal(t, 1, b.driver.sent()["R1"])
		require.Len(t, b.alarms, 1)
		require.Equal(t, journal.AlarmManual, b.alarms[0].Kind)
		require.LessOrEqual(t, b.alarms[0].At.Sub(b.driver.start), 116*m)
	})
}

// Queries without an answer are no tries: a bank that is away for a day makes
// nothing Manual.
func TestABankThatIsAwayUsesUpNoTry(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		var back atomic.Bool
		b.driver.send = func(context.Context, journal.Entry) (journal.Answer, error) {
			return journal.Answer{}, errors.New("cut")
		}
		b.driver.query = func(_ context.Context, e journal.Entry) (bankrail.Receipt, error) {
			if !back.Load() {
				return bankrail.Receipt{}, errors.New("no answer")
			}
			return bankrail.Receipt{Number: e.Number, Status: bankrail.Succeeded, Amount: e.Amount}, nil
		}
		b.queue("R1")
		stop := b.run(worker.Config{Interval: 10 * time.Second})
		pass(24 * time.Hour)
		require.Equal(t, bankrail.Processing, b.entry("R1").Status)
		require.Zero(t, b.entry("R1").Tries)
		back.Store(true)
		pass(6 * time.Minute)
		require.Equal(t, bankrail.Succeeded, b.entry("R1").Status)
		stop()
		require.Len(t, b.alarms, 1, "a person hears of the silence once a day")
		require.Equal(t, journal.AlarmUnanswered, b.alarms[0].Kind)
	})
}

func TestAnAcceptedEntryIsAskedUntilItSettles(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		b.driver.rules.Settles = 24 * time.Hour
		b.driver.query = func(_ context.Context, e journal.Entry) (bankrail.Receipt, error) {
			return bankrail.Receipt{Number: e.Number, Status: bankrail.Processing}, nil
		}
		b.queue("R1")
		stop := b.run(worker.Config{Interval: 10 * time.Second})
		pass(24*time.Hour - time.Minute)
		e := b.entry("R1")
		require.Equal(t, bankrail.Processing, e.Status)
		require.Zero(t, e.Tries, "accepted is not unknown")
		pass(2 * time.Minute)
		e = b.entry("R1")
		require.Equal(t, bankrail.Manual, e.Status)
		require.Equal(t, journal.CauseOverdue, e.Cause)
		require.Len(t, b.alarms, 1)
		n := len(b.driver.asked())
		pass(24 * time.Hour)
		stop()
		require.Len(t, b.driver.asked(), n, "a person has it now")
		for i, gap := range []time.Duration{5, 15, 30, 60, 60, 60} {
			require.InDelta(t, (gap * time.Minute).Seconds(), (b.driver.asked()[i+1] - b.driver.asked()[i]).Seconds(), 31)
		}
	})
}

func TestAClaimWhoseWorkerDiedIsTakenAgain(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		b.queue("R1")
		// The book's lease: send-by time, two calls and a write.
		claimed, err := b.store.Claim(context.Background(), journal.ClaimQuery{Op: bankrail.OpRefund, Lease: time.Minute, Limit: 1})
		require.NoError(t, err)
		require.Len(t, claimed, 1)
		stop := b.run(worker.Config{})
		pass(59 * time.Second)
		require.Empty(t, b.driver.sent())
		pass(2 * time.Second)
		require.Equal(t, 1, b.driver.sent()["R1"])
		stop()
	})
}
