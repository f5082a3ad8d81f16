package journal_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/storetest"
)

// world is a host, its journal and a bank on one clock that only the test moves. The
// wire between them is real: loopback TCP in both directions.
type world struct {
	t       *testing.T
	clock   *sandbox.ManualClock
	bank    *sandbox.Bank
	line    *line
	store   *storetest.Faulty
	book    *journal.Book
	gateway *lanhai.Gateway
	refunds *refund.Service

	// afterInsert runs between the commit of a record and the send.
	afterInsert func()
	// beforeApply sees every batch before it is committed.
	beforeApply func(journal.Batch)
	// lastUnconfirmed remembers which numbers were told as unconfirmed.
	lastUnconfirmed map[string]bool
	// deaf makes the host's notification endpoint unreachable.
	deaf bool

	mu     sync.Mutex
	alarms []journal.Alarm
}

const (
	trade   = "T1"
	paid    = 100_00
	settles = 30 * time.Second
)

type worldConfig struct {
	seed       uint64
	dedupe     sandbox.Dedupe
	rules      *journal.Rules
	sendWithin time.Duration
	queue      bool
	// atOnce: the bank settles in its answer.
	atOnce bool
}

func newWorld(t *testing.T, cfg worldConfig) *world {
	t.Helper()
	w := &world{t: t, lastUnconfirmed: map[string]bool{}, clock: sandbox.NewClock(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC))}
	pause := settles
	if cfg.atOnce {
		pause = -1
	}
	bank, err := sandbox.New(sandbox.Options{
		Seed: cfg.seed, Clock: w.clock, Faults: sandbox.Calm, Dedupe: cfg.dedupe,
		SettleMin: pause, SettleMax: pause, StaleQuery: 8 * time.Minute,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = bank.Close() })
	require.NoError(t, bank.AddTrade(sandbox.Trade{TradeNo: trade, PaidAmount: paid}))
	w.bank = bank
	w.line = newLine(t, bank)

	host := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.deaf {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		notify.Handler(w.book, w.gateway, notify.Config{
			Now: w.clock.Now, Observe: func(context.Context, error) {},
		}).ServeHTTP(rw, r)
	}))
	t.Cleanup(host.Close)

	keys := bank.Keys()
	signer, err := keys.Signer()
	require.NoError(t, err)
	ring, err := keys.Verifier()
	require.NoError(t, err)
	w.gateway, err = lanhai.New(lanhai.Config{
		Environment: lanhai.Sandbox, BaseURL: "http://" + w.line.addr + "/bank/v1", Merchant: keys.Merchant,
		Signer: signer, Bank: ring, NotifyURL: host.URL, Now: w.clock.Now, Rules: cfg.rules,
		ReadTimeout: 250 * time.Millisecond,
	})
	require.NoError(t, err)
	t.Cleanup(w.gateway.Close)

	w.store = storetest.NewFaulty(memstore.New(memstore.Config{Now: w.clock.Now}))
	w.book = journal.New(&stalling{Store: w.store, w: w}, journal.Config{
		Now: w.clock.Now, AllowVolatile: true,
		Alarm: func(_ context.Context, a journal.Alarm) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.alarms = append(w.alarms, a)
		},
	})
	w.refunds = refund.New(w.book, w.gateway, refund.Config{Orders: shop{}, SendWithin: cfg.sendWithin, Queue: cfg.queue})
	return w
}

// stalling lets a test act between the commit of a record and the send.
type stalling struct {
	journal.Store
	w *world
}

func (s *stalling) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	err := s.Store.Insert(ctx, c, h)
	if f := s.w.afterInsert; f != nil && err == nil {
		s.w.afterInsert = nil
		f()
	}
	return err
}

func (s *stalling) Apply(ctx context.Context, b journal.Batch) error {
	if f := s.w.beforeApply; f != nil {
		f(b)
	}
	return s.Store.Apply(ctx, b)
}

// shop knows one paid order.
type shop struct{}

func (shop) Order(_ context.Context, number string) (refund.Order, error) {
	return refund.Order{Number: number, Trade: trade, Status: refund.OrderPaid, Paid: bankrail.CNY(paid)}, nil
}

// create asks for a refund and returns its status, or the error.
func (w *world) create(number string, fen int64) (bankrail.Status, error) {
	return w.createWith(context.Background(), number, fen)
}

func (w *world) createWith(ctx context.Context, number string, fen int64) (bankrail.Status, error) {
	r, err := w.refunds.Create(ctx, refund.Request{Number: number, Order: "O1", Amount: bankrail.CNY(fen)})
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastUnconfirmed[number] = r.Unconfirmed
	return r.Status, nil
}

// bankDown cuts the line as soon as the next query of a number was answered, so that
// what follows it in the same look cannot leave.
func (w *world) bankDown(number string) {
	w.beforeApply = func(b journal.Batch) {
		for _, c := range b.Changes {
			if c.Entry.Number == number && c.Entry.Sends == 2 {
				w.beforeApply = nil
				w.line.down()
				w.gateway.Close()
			}
		}
	}
}

func (w *world) id(number string) bankrail.ID {
	return bankrail.ID{Channel: w.gateway.Channel(), Op: bankrail.OpRefund, Number: number}
}

// entry reads the record, zero where there is none.
func (w *world) entry(number string) journal.Entry {
	e, err := w.book.Get(context.Background(), w.id(number))
	if !errors.Is(err, bankrail.ErrNotFound) {
		require.NoError(w.t, err)
	}
	return e
}

// executions is how often money really moved.
func (w *world) executions(number string) int {
	r, _ := w.bank.Ledger().Refund(number)
	return r.Executions
}

// work moves the clock in steps, looking for due work at each.
func (w *world) work(d time.Duration) {
	const step = 30 * time.Second
	for ; d > 0; d -= step {
		w.clock.Advance(min(d, step))
		_, err := w.book.Work(context.Background(), w.refunds, 10, 1)
		require.NoError(w.t, err)
	}
	require.NoError(w.t, w.book.Sweep(context.Background()))
}

// finish works until the number is final or Manual, for at most the time that the
// rules allow an unknown outcome, and then some.
func (w *world) finish(number string) journal.Entry {
	for range 240 {
		if e := w.entry(number); e.Status.Final() || e.Status == bankrail.Manual {
			break
		}
		w.work(time.Minute)
	}
	w.work(time.Minute) // what the bank still has to say
	return w.entry(number)
}

func (w *world) history(number string) []journal.Step {
	steps, err := w.book.Reader().History(context.Background(), w.id(number))
	require.NoError(w.t, err)
	return steps
}

// line is the way to the bank; it can be cut before anything is sent.
type line struct {
	t    *testing.T
	addr string
	bank http.Handler
	srv  *http.Server
	// arrived, if set, sees every request before the bank does.
	arrived func(*http.Request)
}

func newLine(t *testing.T, bank http.Handler) *line {
	l := &line{t: t, addr: "127.0.0.1:0", bank: bank}
	l.up()
	t.Cleanup(l.down)
	return l
}

func (l *line) up() {
	ln, err := net.Listen("tcp", l.addr)
	require.NoError(l.t, err)
	l.addr = ln.Addr().String()
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if l.arrived != nil {
			l.arrived(r)
		}
		l.bank.ServeHTTP(rw, r)
	})}
	l.srv = srv
	go func() { _ = srv.Serve(ln) }()
}

// down refuses connections, idle ones included.
func (l *line) down() { _ = l.srv.Close() }
