package refund_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	start = time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	ch    = bankrail.Channel{Gateway: "test-sandbox", Merchant: "M1"}
	want  = refund.Request{Number: "R1001", Order: "O77", Amount: bankrail.CNY(1234), Reason: "sold out", Operator: "li.wei"}
)

// bank is a gateway that succeeds, unless told otherwise, and remembers.
type bank struct {
	channel bankrail.Channel
	check   func(refund.Request) error
	refund  func(refund.Request) (bankrail.Receipt, error)

	mu    sync.Mutex
	sent  []refund.Request
	asked []refund.Request
}

func (b *bank) Channel() bankrail.Channel { return b.channel }

func (*bank) Rules(bankrail.Op) journal.Rules {
	return journal.Rules{Dedupe: journal.DedupeAll, Horizon: 24 * time.Hour}
}

func (b *bank) CheckRefund(r refund.Request) error {
	if b.check != nil {
		return b.check(r)
	}
	return nil
}

func (b *bank) Refund(_ context.Context, r refund.Request) (bankrail.Receipt, error) {
	b.mu.Lock()
	b.sent = append(b.sent, r)
	b.mu.Unlock()
	if b.refund != nil {
		return b.refund(r)
	}
	return succeeded(r), nil
}

func (b *bank) QueryRefund(_ context.Context, r refund.Request) (bankrail.Receipt, error) {
	b.mu.Lock()
	b.asked = append(b.asked, r)
	b.mu.Unlock()
	return succeeded(r), nil
}

func succeeded(r refund.Request) bankrail.Receipt {
	return bankrail.Receipt{Number: r.Number, Status: bankrail.Succeeded, Amount: r.Amount}
}

// knowing is a bank that knows the orders too.
type knowing struct {
	*bank
	shop
}

// shop is a host's order table.
type shop map[string]refund.Order

func (s shop) Order(_ context.Context, number string) (refund.Order, error) {
	o, found := s[number]
	if !found {
		return refund.Order{}, fmt.Errorf("shop: %w", bankrail.ErrNotFound)
	}
	return o, nil
}

// paid is a shop with order O77 of 100 yuan, trade T77.
func paid() shop {
	return shop{"O77": {Number: "O77", Trade: "T77", Status: refund.OrderPaid, Paid: bankrail.CNY(10000)}}
}

// house is a host with a journal in memory.
type house struct {
	t      *testing.T
	bank   *bank
	now    time.Time
	store  *memstore.Store
	faulty *storetest.Faulty
	book   *journal.Book
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, bank: &bank{channel: ch}, now: start}
	h.store = memstore.New(memstore.Config{Now: func() time.Time { return h.now }})
	h.faulty = storetest.NewFaulty(h.store)
	h.book = journal.New(h.faulty, journal.Config{
		AllowVolatile: true, Now: func() time.Time { return h.now }, Alarm: func(context.Context, journal.Alarm) {},
	})
	return h
}

func (h *house) service(cfg refund.Config) *refund.Service {
	if cfg.Orders == nil {
		cfg.Orders = paid()
	}
	return refund.New(h.book, h.bank, cfg)
}

func (h *house) entry(number string) journal.Entry {
	h.t.Helper()
	e, err := h.store.Get(context.Background(), bankrail.ID{Channel: ch, Op: bankrail.OpRefund, Number: number})
	require.NoError(h.t, err)
	return e
}

func (h *house) unrecorded(number string) {
	h.t.Helper()
	_, err := h.store.Get(context.Background(), bankrail.ID{Channel: ch, Op: bankrail.OpRefund, Number: number})
	require.ErrorIs(h.t, err, bankrail.ErrNotFound)
	require.Empty(h.t, h.bank.sent)
}
