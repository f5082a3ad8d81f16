package lanhai_test

import (
	"context"
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
	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/store/memstore"
)

// house is a host with its journal, its notification endpoint, and the bank.
type house struct {
	bank    *sandbox.Bank
	gateway *lanhai.Gateway
	book    *journal.Book
	refunds *refund.Service
	mu      sync.Mutex
	noted   []error
}

func build(t *testing.T, change func(*sandbox.Options)) *house {
	t.Helper()
	h := &house{}
	opts := sandbox.Options{
		Seed: 7, Clock: sandbox.NewClock(start), Faults: sandbox.Calm, SettleMin: 10 * time.Second, SettleMax: 10 * time.Second,
		Trades: []sandbox.Trade{{TradeNo: "T77", PaidAmount: 10000}, {TradeNo: "C1", PaidAmount: 100, Status: sandbox.Closed}},
	}
	if change != nil {
		change(&opts)
	}
	var err error
	h.bank, err = sandbox.New(opts)
	require.NoError(t, err)
	srv := httptest.NewServer(h.bank)
	mux := http.NewServeMux()
	shop := httptest.NewServer(mux)

	k := h.bank.Keys()
	private, err := sign.ParsePrivateKey([]byte(k.MerchantPrivatePEM))
	require.NoError(t, err)
	signer, err := sign.NewSigner(private, sign.SignerConfig{KeyID: k.MerchantKeyID})
	require.NoError(t, err)
	public, err := sign.ParsePublicKey([]byte(k.BankPublicPEM))
	require.NoError(t, err)
	ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: k.BankKeyID, Key: public})
	require.NoError(t, err)
	h.gateway, err = lanhai.New(lanhai.Config{
		Environment: lanhai.Sandbox, BaseURL: srv.URL + "/bank/v1", Merchant: k.Merchant, Signer: signer, Bank: ring,
		NotifyURL: shop.URL + "/notify", Now: h.bank.Now,
	})
	require.NoError(t, err)
	h.book = journal.New(memstore.New(memstore.Config{Now: h.bank.Now}), journal.Config{
		Now: h.bank.Now, AllowVolatile: true, Alarm: func(context.Context, journal.Alarm) {},
	})
	h.refunds = refund.New(h.book, h.gateway, refund.Config{})
	mux.Handle("POST /notify", notify.Handler(h.book, h.gateway, notify.Config{
		Now: h.bank.Now, Observe: func(_ context.Context, err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.noted = append(h.noted, err)
		},
	}))
	t.Cleanup(func() {
		require.NoError(t, h.bank.Close())
		h.gateway.Close()
		srv.Close()
		shop.Close()
	})
	return h
}

func (h *house) create(number string, fen int64) (*refund.Refund, error) {
	return h.refunds.Create(context.Background(), refund.Request{Number: number, Order: "T77", Amount: bankrail.CNY(fen), Reason: "不要了"})
}

func (h *house) status(t *testing.T, number string) bankrail.Status {
	t.Helper()
	r, err := h.refunds.Get(context.Background(), bankrail.Channel{}, number)
	require.NoError(t, err)
	return r.Status
}

func TestAgainstTheSandbox(t *testing.T) {
	t.Parallel()
	for _, alg := range []sign.Algorithm{sign.SM2SM3, sign.RSASHA256} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			h := build(t, func(o *sandbox.Options) { o.Algorithm = alg })
			ctx := context.Background()

			o, err := h.gateway.Order(ctx, "T77")
			require.NoError(t, err)
			require.Equal(t, refund.Order{Number: "T77", Trade: "T77", Status: refund.OrderPaid, Paid: bankrail.CNY(10000)}, o)
			_, err = h.gateway.Order(ctx, "T78")
			require.ErrorIs(t, err, bankrail.ErrNotFound)

			r, err := h.create("R1", 4000)
			require.NoError(t, err)
			require.Equal(t, bankrail.Processing, r.Status)
			require.NotEmpty(t, r.GatewayNumber)
			asked, err := h.gateway.QueryRefund(ctx, refund.Request{Number: "R1", Trade: "T77"})
			require.NoError(t, err)
			require.Equal(t, bankrail.Processing, asked.Status)
			require.Equal(t, start, asked.At)
			_, err = h.gateway.QueryRefund(ctx, refund.Request{Number: "R9"})
			require.ErrorIs(t, err, bankrail.ErrNotFound)

			h.bank.Advance(10 * time.Second) // settles and notifies
			require.Equal(t, bankrail.Succeeded, h.status(t, "R1"))
			steps, err := h.book.Reader().History(ctx, r.ID)
			require.NoError(t, err)
			require.Equal(t, journal.SourceNotification, steps[len(steps)-1].Source)
			require.True(t, h.bank.Notices()[0].Acknowledged)

			again, err := h.create("R1", 4000)
			require.NoError(t, err)
			require.Equal(t, bankrail.Succeeded, again.Status)
			require.Equal(t, bankrail.CNY(4000), again.Refunded)

			require.NoError(t, h.bank.Bounce("R1"))
			h.bank.Advance(0)
			require.Equal(t, bankrail.Reversed, h.status(t, "R1"))

			_, err = h.create("R2", 10001)
			require.ErrorIs(t, err, bankrail.ErrBudget)
			_, err = h.refunds.Create(ctx, refund.Request{Number: "R3", Order: "C1", Amount: bankrail.CNY(1)})
			var state *refund.OrderError
			require.ErrorAs(t, err, &state)
			require.Equal(t, refund.OrderClosed, state.Status)

			row, found := h.bank.Ledger().Refund("R1")
			require.True(t, found)
			require.Equal(t, 1, row.Executions)
			require.Len(t, h.bank.Ledger().Refunds, 1)
			require.Empty(t, h.noted)
		})
	}
}

func TestARefundThatSucceedsAtOnce(t *testing.T) {
	t.Parallel()
	h := build(t, func(o *sandbox.Options) { o.SettleMin, o.SettleMax = -1, -1 })
	r, err := h.create("R1", 10000)
	require.NoError(t, err)
	require.Equal(t, bankrail.Succeeded, r.Status)
	require.Equal(t, bankrail.CNY(10000), r.Refunded)
	h.bank.Advance(0)
	require.Equal(t, bankrail.Succeeded, h.status(t, "R1"))
}

func TestARefundThatFails(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	require.NoError(t, h.bank.Script("R1", sandbox.FinalFail))
	r, err := h.create("R1", 10000)
	require.NoError(t, err)
	require.Equal(t, bankrail.Processing, r.Status)
	h.bank.Advance(10 * time.Second)
	require.Equal(t, bankrail.Failed, h.status(t, "R1"))
	_, err = h.create("R1", 10000)
	require.ErrorIs(t, err, bankrail.ErrFailed)
	r, err = h.create("R2", 10000) // the whole order is free again
	require.NoError(t, err)
	require.Equal(t, bankrail.Processing, r.Status)
}

func TestARefundThatTheBankRefuses(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	require.NoError(t, h.bank.Script("R1", sandbox.BalanceNotEnough))
	_, err := h.create("R1", 100)
	require.ErrorIs(t, err, bankrail.ErrFailed)
	var e *bankrail.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "BALANCE_NOT_ENOUGH", e.Code)
	require.True(t, e.Deferred)
	require.Empty(t, h.bank.Ledger().Refunds)
}

// Whatever the bank does to its answer, nil means open, and its word settles it.
func TestEveryFaultStaysOpenUntilTheNotification(t *testing.T) {
	t.Parallel()
	for _, fault := range []sandbox.Fault{
		sandbox.ReplyLost, sandbox.SystemError, sandbox.GatewayPage, sandbox.HTMLOK, sandbox.CutReply, sandbox.WrongSign,
		sandbox.AbsentSign, sandbox.UnsignedRefusal, sandbox.OtherNumber, sandbox.OtherAmount, sandbox.ConnectionDies,
		sandbox.EarlyNotice,
	} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			h := build(t, nil)
			require.NoError(t, h.bank.Script("R1", fault))
			r, err := h.create("R1", 4000)
			require.NoError(t, err)
			if fault != sandbox.EarlyNotice {
				require.Equal(t, bankrail.Processing, r.Status)
			}
			h.bank.Advance(10 * time.Second)
			require.Equal(t, bankrail.Succeeded, h.status(t, "R1"))
			row, _ := h.bank.Ledger().Refund("R1")
			require.Equal(t, 1, row.Executions)
		})
	}
}

func TestHostileNotifications(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault sandbox.Fault
		noted error // what Observe gets, if anything
		later bool  // settles with the next delivery
	}{
		{sandbox.NoticeLost, nil, true},
		{sandbox.NoticeDuplicated, nil, false},
		{sandbox.NoticeTampered, notify.ErrForged, true},
		{sandbox.NoticeUnknownKey, notify.ErrForged, true},
		{sandbox.NoticeForged, notify.ErrForged, false},
		{sandbox.NoticeUnknownNumber, nil, false},
		{sandbox.NoticeOtherMerchant, notify.ErrForged, false},
		{sandbox.NoticeProcessingAfter, nil, false},
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			t.Parallel()
			h := build(t, nil)
			require.NoError(t, h.bank.ScriptNotify("R1", tt.fault))
			_, err := h.create("R1", 4000)
			require.NoError(t, err)
			h.bank.Advance(10 * time.Second)
			if tt.later {
				require.Equal(t, bankrail.Processing, h.status(t, "R1"))
				h.bank.Advance(15 * time.Second)
			}
			require.Equal(t, bankrail.Succeeded, h.status(t, "R1"))
			if tt.noted == nil {
				require.Empty(t, h.noted)
				return
			}
			require.Len(t, h.noted, 1)
			require.ErrorIs(t, h.noted[0], tt.noted)
		})
	}
}

// A notification outside the window is acknowledged and concludes nothing: the
// worker's next look asks the bank.
func TestStaleNotificationsHaveTheBankAsked(t *testing.T) {
	t.Parallel()
	for _, fault := range []sandbox.Fault{sandbox.NoticeDayOld, sandbox.NoticeDayAhead} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			h := build(t, nil)
			ctx := context.Background()
			require.NoError(t, h.bank.ScriptNotify("R1", fault))
			_, err := h.create("R1", 4000)
			require.NoError(t, err)
			n, err := h.book.Work(ctx, h.refunds, 10, 1)
			require.NoError(t, err)
			require.Zero(t, n, "nothing is due yet")
			h.bank.Advance(10 * time.Second)
			require.Equal(t, bankrail.Processing, h.status(t, "R1"))
			require.Len(t, h.noted, 1)
			require.ErrorIs(t, h.noted[0], notify.ErrStale)

			n, err = h.book.Work(ctx, h.refunds, 10, 1)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.Equal(t, bankrail.Succeeded, h.status(t, "R1"))
		})
	}
}
