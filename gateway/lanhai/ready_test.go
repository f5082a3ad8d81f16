package lanhai_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/store/memstore"
)

// wire is a bank whose status can be set; it counts refunds apart from queries.
type wire struct {
	*desk
	down    bool
	refunds int
	queries int
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/bank/v1/refunds" {
		w.refunds++
	} else {
		w.queries++
	}
	if w.down {
		return &http.Response{StatusCode: http.StatusBadGateway, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return w.desk.RoundTrip(r)
}

// gated is a Gateway in which a test may strike between the record and the send.
type gated struct {
	*lanhai.Gateway
	strike func()
}

func (g *gated) Refund(ctx context.Context, r refund.Request) (bankrail.Receipt, error) {
	if g.strike != nil {
		g.strike()
	}
	return g.Gateway.Refund(ctx, r)
}

var paidOrder = orders{Number: "T77", Status: refund.OrderPaid, Paid: bankrail.CNY(10000)}

type orders refund.Order

func (o orders) Order(context.Context, string) (refund.Order, error) { return refund.Order(o), nil }

// scene is a host with one gateway in virtual time.
type scene struct {
	wire    *wire
	gateway *gated
	store   *memstore.Store
	book    *journal.Book
	refunds *refund.Service
}

func play(t *testing.T, cfg refund.Config, change func(*lanhai.Config)) *scene {
	t.Helper()
	s := &scene{wire: &wire{desk: newDesk(t)}}
	s.wire.reply = func(c call) reply {
		return ok(c, "merchantRefundNo", c.fields["merchantRefundNo"], "status", "SUCCESS", "refundAmount", "1234", "currency", "CNY")
	}
	s.gateway = &gated{Gateway: s.wire.open(func(c *lanhai.Config) {
		c.Transport, c.Breaker.Failures, c.Logger = s.wire, 2, slog.New(slog.DiscardHandler)
		if change != nil {
			change(c)
		}
	})}
	s.store = memstore.New(memstore.Config{})
	s.book = journal.New(s.store, journal.Config{AllowVolatile: true, Logger: slog.New(slog.DiscardHandler), Alarm: func(context.Context, journal.Alarm) {}})
	cfg.Orders = paidOrder
	s.refunds = refund.New(s.book, s.gateway, cfg)
	return s
}

// open lets the breaker open by queries, which leave no refund behind.
func (s *scene) open(t *testing.T) {
	t.Helper()
	s.wire.down = true
	for range 2 {
		_, err := s.gateway.QueryRefund(t.Context(), refund.Request{Number: "R0"})
		require.Error(t, err)
	}
	require.ErrorIs(t, s.gateway.Ready(t.Context()), client.ErrBreakerOpen)
}

func (s *scene) create(t *testing.T, number string) (*refund.Refund, error) {
	t.Helper()
	return s.refunds.Create(t.Context(), refund.Request{Number: number, Order: "T77", Amount: bankrail.CNY(1234), Reason: "不要了"})
}

// nothing requires that a number left no trace.
func (s *scene) nothing(t *testing.T, number string) {
	t.Helper()
	_, err := s.refunds.Get(t.Context(), bankrail.Channel{}, number)
	require.ErrorIs(t, err, bankrail.ErrNotFound)
	require.Zero(t, s.wire.refunds)
	_, err = s.store.Budget(t.Context(), s.gateway.Channel(), "T77")
	require.ErrorIs(t, err, bankrail.ErrNotFound)
}

func TestAnOpenBreakerBeforeTheRecord(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]refund.Config{"fails": {}, "might wait": {SendWithin: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := play(t, cfg, nil)
				s.open(t)
				_, err := s.create(t, "R1")
				require.ErrorIs(t, err, client.ErrBreakerOpen)
				require.NotErrorIs(t, err, bankrail.ErrFailed)
				require.NotErrorIs(t, err, bankrail.ErrUnavailable)
				require.Equal(t, bankrail.NotSent, bankrail.EffectOf(err))
				s.nothing(t, "R1")

				s.wire.down = false // the same number, once the bank is back
				time.Sleep(31 * time.Second)
				r, err := s.create(t, "R1")
				require.NoError(t, err)
				require.Equal(t, bankrail.Succeeded, r.Status)
				require.Equal(t, 1, s.wire.refunds)
			})
		})
	}
}

func TestNoRoomBeforeTheRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := rate.NewLimiter(rate.Every(time.Hour), 1)
		s := play(t, refund.Config{}, func(c *lanhai.Config) { c.Limiter = l })
		require.True(t, l.Allow())
		_, err := s.create(t, "R1")
		require.ErrorIs(t, err, client.ErrBusy)
		require.Equal(t, bankrail.NotSent, bankrail.EffectOf(err))
		s.nothing(t, "R1")
	})
}

func TestABreakerThatOpensAfterTheRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, refund.Config{}, nil)
		s.gateway.strike = func() { s.open(t) }
		for range 2 { // and its repeat
			_, err := s.create(t, "R1")
			require.ErrorIs(t, err, bankrail.ErrFailed)
			require.Equal(t, bankrail.NotSent, bankrail.EffectOf(err))
		}
		require.Zero(t, s.wire.refunds)
		e, err := s.book.Get(t.Context(), bankrail.ID{Channel: s.gateway.Channel(), Op: bankrail.OpRefund, Number: "R1"})
		require.NoError(t, err)
		require.Equal(t, bankrail.Failed, e.Status)
		require.Equal(t, journal.CauseNeverSent, e.Cause)
		b, err := s.store.Budget(t.Context(), s.gateway.Channel(), "T77")
		require.NoError(t, err)
		require.Zero(t, b.Held.Minor(), "given back")
	})
}

func TestARefundWaitsForTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, refund.Config{SendWithin: time.Hour}, nil)
		s.gateway.strike = func() { s.open(t); s.gateway.strike = nil }
		r, err := s.create(t, "R1")
		require.NoError(t, err)
		require.Equal(t, bankrail.Created, r.Status)
		require.Zero(t, s.wire.refunds)
		for range 3 { // the worker comes while it is open: it goes on waiting
			time.Sleep(11 * time.Second)
			s.open(t)
			_, err = s.book.Work(t.Context(), s.refunds, 10, 1)
			require.NoError(t, err)
		}
		require.Zero(t, s.wire.refunds)
		s.wire.down = false
		time.Sleep(31 * time.Second)
		_, err = s.book.Work(t.Context(), s.refunds, 10, 1)
		require.NoError(t, err)
		r, err = s.refunds.Get(t.Context(), bankrail.Channel{}, "R1")
		require.NoError(t, err)
		require.Equal(t, bankrail.Succeeded, r.Status)
		require.Equal(t, 1, s.wire.refunds)
	})
}

func TestARepeatIsAnsweredWhileTheBreakerIsOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, refund.Config{}, nil)
		first, err := s.create(t, "R1")
		require.NoError(t, err)
		s.open(t)
		again, err := s.create(t, "R1")
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Equal(t, 1, s.wire.refunds)
		_, err = s.refunds.Create(t.Context(), refund.Request{Number: "R1", Order: "T77", Amount: bankrail.CNY(1), Reason: "不要了"})
		require.ErrorIs(t, err, bankrail.ErrConflict, "the record answers first")
	})
}

// What is open is asked about although the breaker is open.
func TestAnOpenBreakerDoesNotKeepEntriesOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, refund.Config{}, nil)
		s.wire.down = true
		r, err := s.create(t, "R1")
		require.NoError(t, err, "a 502 says nothing of the refund")
		require.Equal(t, bankrail.Processing, r.Status)
		time.Sleep(time.Minute)
		s.open(t)
		s.wire.down = false
		_, err = s.book.Work(t.Context(), s.refunds, 10, 1)
		require.NoError(t, err)
		r, err = s.refunds.Get(t.Context(), bankrail.Channel{}, "R1")
		require.NoError(t, err)
		require.Equal(t, bankrail.Succeeded, r.Status)
		require.ErrorIs(t, s.gateway.Ready(t.Context()), client.ErrBreakerOpen)
	})
}

func TestAQueuedRefundIsRecordedWhateverTheBreakerSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, refund.Config{Queue: true}, nil)
		s.open(t)
		r, err := s.create(t, "R1")
		require.NoError(t, err)
		require.Equal(t, bankrail.Created, r.Status)
	})
}

func TestTheRateIsTheGateways(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := play(t, refund.Config{}, func(c *lanhai.Config) { c.Rate, c.Burst = 4, 1 })
		start := time.Now()
		for range 5 {
			_, err := s.gateway.QueryRefund(t.Context(), refund.Request{Number: "R0"})
			require.NoError(t, err)
		}
		require.Equal(t, time.Second, time.Since(start).Round(time.Millisecond))
	})
}
