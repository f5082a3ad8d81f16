package wire_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/proof/audit"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/worker"
)

// The schedule of a day, shortened; what must hold between the defaults holds here.
const (
	callTimeout = 500 * time.Millisecond
	sendBy      = time.Second
	bankDelay   = 400 * time.Millisecond
	visible     = 700 * time.Millisecond
	patience    = 90 * time.Second
)

const (
	orders = 4
	paid   = 1_000_000_00
)

// host is a host in this process, with its bank.
type host struct {
	bank    *sandbox.Bank
	book    *journal.Book
	refunds *refund.Service

	mu      sync.Mutex
	intents []audit.Intent
	told    []audit.Told
	acked   []string
	events  []audit.Event
}

// newHost starts a bank, and a host over a store.
func newHost(t *testing.T, store journal.Store, locker idempotency.Locker) *host {
	t.Helper()
	h := &host{}
	var trades []sandbox.Trade
	for i := range orders {
		trades = append(trades, sandbox.Trade{TradeNo: fmt.Sprintf("T-O%d", i), PaidAmount: paid})
	}
	var err error
	h.bank, err = sandbox.New(sandbox.Options{
		Seed: 1, Trades: trades, SettleMax: 300 * time.Millisecond, Delay: bankDelay, StaleQuery: 300 * time.Millisecond,
		NotifySchedule: slices.Repeat([]time.Duration{200 * time.Millisecond}, 20),
	})
	require.NoError(t, err)
	front := httptest.NewServer(h.bank)
	mux := http.NewServeMux()
	desk := httptest.NewServer(mux)
	t.Cleanup(func() {
		require.NoError(t, h.bank.Close())
		front.Close()
		desk.Close()
	})
	gw := gateway(t, h.bank.Keys(), front.URL+"/bank/v1", desk.URL+"/notify")
	h.book = journal.New(store, journal.Config{
		SendBy: sendBy, CallTimeout: callTimeout, StoreTimeout: 2 * time.Second, Locker: locker, LockWait: 200 * time.Millisecond,
		Tries:  slices.Repeat([]time.Duration{callTimeout}, 100),
		Logger: slog.New(slog.DiscardHandler), Alarm: func(context.Context, journal.Alarm) {},
	})
	h.refunds = refund.New(h.book, gw, refund.Config{Orders: h, SendWithin: 10 * time.Second})
	mux.Handle("POST /notify", h.desk(notify.Handler(h.book, gw, notify.Config{Observe: func(context.Context, error) {}})))
	return h
}

func gateway(t *testing.T, keys sandbox.Keys, bankURL, notifyURL string) *lanhai.Gateway {
	t.Helper()
	own, err := sign.ParsePrivateKey([]byte(keys.MerchantPrivatePEM))
	require.NoError(t, err)
	signer, err := sign.NewSigner(own, sign.SignerConfig{KeyID: keys.MerchantKeyID})
	require.NoError(t, err)
	theirs, err := sign.ParsePublicKey([]byte(keys.BankPublicPEM))
	require.NoError(t, err)
	ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: keys.BankKeyID, Key: theirs})
	require.NoError(t, err)
	gw, err := lanhai.New(lanhai.Config{
		Environment: lanhai.Sandbox, BaseURL: bankURL, Merchant: keys.Merchant, Signer: signer, Bank: ring, NotifyURL: notifyURL,
		ConnectTimeout: 200 * time.Millisecond, ReadTimeout: 300 * time.Millisecond, CallTimeout: callTimeout,
		Breaker: client.Breaker{OpenFor: 300 * time.Millisecond}, Logger: slog.New(slog.DiscardHandler),
		Rules: &journal.Rules{Dedupe: journal.DedupeAll, Horizon: time.Hour, Visible: visible, Settles: time.Minute},
	})
	require.NoError(t, err)
	t.Cleanup(gw.Close)
	return gw
}

// Order is the host's order table.
func (h *host) Order(_ context.Context, number string) (refund.Order, error) {
	return refund.Order{Number: number, Trade: "T-" + number, Status: refund.OrderPaid, Paid: bankrail.CNY(paid)}, nil
}

// desk remembers which notifications were acknowledged.
func (h *host) desk(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		var n struct {
			ID string `json:"notifyId"`
		}
		if rec.Code == http.StatusOK && json.Unmarshal(body, &n) == nil {
			h.note(func() { h.acked = append(h.acked, n.ID) })
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
}

func (h *host) note(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// Publish is where events go in the tests that have no broker.
func (h *host) Publish(_ context.Context, e journal.Event) error {
	h.note(func() { h.events = append(h.events, published(e)) })
	return nil
}

func published(e journal.Event) audit.Event {
	return audit.Event{ID: e.ID, Number: e.Entry.Number, Op: string(e.Entry.Op), Version: e.Version, Status: e.Status}
}

// work runs the worker until the returned func is called.
func (h *host) work(ctx context.Context, p journal.Publisher) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		worker.Run(ctx, h.book, worker.Config{
			Interval: 25 * time.Millisecond, SweepInterval: 500 * time.Millisecond, Publisher: p,
			Logger: slog.New(slog.DiscardHandler),
		}, h.refunds)
	}()
	return func() {
		cancel()
		<-done
	}
}

// refund asks for one refund after the other from four goroutines until bad is
// closed, and finishes what it began.
func (h *host) refund(ctx context.Context, bad <-chan struct{}) {
	var wg sync.WaitGroup
	for clerk := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-bad:
					return
				default:
				}
				h.want(ctx, fmt.Sprintf("W%d-%d", clerk, i), (clerk+i)%orders)
			}
		})
	}
	wg.Wait()
}

// want does what hosts do: after an error that says so it takes another number.
func (h *host) want(ctx context.Context, number string, order int) {
	in := audit.Intent{First: number, Second: number + "-2"}
	h.note(func() { h.intents = append(h.intents, in) })
	r := refund.Request{Order: fmt.Sprintf("O%d", order), Amount: bankrail.CNY(100), Reason: "sold out"}
	for _, r.Number = range []string{in.First, in.Second} {
		if err := h.create(ctx, r); !errors.Is(err, bankrail.ErrFailed) {
			return
		}
	}
}

// create repeats a number until it was told something of it.
func (h *host) create(ctx context.Context, r refund.Request) error {
	for {
		h.tell(audit.Told{Number: r.Number, What: audit.Calls})
		got, err := h.refunds.Create(ctx, r)
		what := audit.Open
		switch {
		case errors.Is(err, bankrail.ErrUnavailable), err == nil && got.Unconfirmed:
			what = audit.Unknown
		case errors.Is(err, bankrail.ErrFailed):
			what = audit.Failed
		case err != nil:
			what = audit.Refused
		}
		h.tell(audit.Told{Number: r.Number, What: what, Err: fmt.Sprint(err)})
		if what != audit.Unknown || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (h *host) tell(t audit.Told) { h.note(func() { h.told = append(h.told, t) }) }

// settle waits until nothing is open but what waits for a person, and all is published.
func (h *host) settle(t *testing.T, store journal.Store) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, s := range []bankrail.Status{bankrail.Created, bankrail.Processing} {
			open, _, err := store.List(t.Context(), journal.ListQuery{Status: s, Limit: 1})
			if err != nil || len(open) > 0 {
				return false
			}
		}
		health, err := store.Health(t.Context())
		return err == nil && health.Unpublished == 0
	}, patience, 50*time.Millisecond, "everything has to settle once the wire is good")
}

// audit compares the bank's books with everything else; inbox lists what is durable.
func (h *host) audit(t *testing.T, store journal.Store, inbox map[string]bool) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	b := audit.Books{
		Intents: h.intents, Bank: h.bank.Ledger(), Paid: bankrail.CNY(paid), Inbox: inbox,
		Acknowledged: h.acked, Told: h.told, Events: h.events,
	}
	require.NoError(t, b.Read(t.Context(), store))
	f := b.Audit()
	t.Log(f.Counts)
	require.Empty(t, f.Double)
	require.Empty(t, f.Lost)
	require.Greater(t, f.Executed, 4, "a wire over which nothing goes proves nothing")
	require.NotEmpty(t, h.acked)
}
