package refund_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/store/storetest"
)

var errRole = errors.New("the role refunds nothing")

func TestOnlyPermittedOperatorsRefund(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := context.Background()
	var asked []string
	s := h.service(refund.Config{Authorize: func(_ context.Context, r refund.Request) error {
		asked = append(asked, r.Operator)
		if r.Operator != "li.wei" {
			return errRole
		}
		return nil
	}})
	r := want
	r.Operator = "intern"
	_, err := s.Create(ctx, r)
	require.ErrorIs(t, err, bankrail.ErrForbidden)
	require.ErrorIs(t, err, errRole)
	require.ErrorContains(t, err, `"intern"`)
	h.unrecorded("R1001")

	done, err := s.Create(ctx, want)
	require.NoError(t, err)
	require.Equal(t, "li.wei", done.Operator)
	require.Equal(t, "li.wei", h.entry("R1001").Operator)

	again, err := s.Create(ctx, r) // a repeat moves nothing, whoever asks
	require.NoError(t, err)
	require.Equal(t, "li.wei", again.Operator, "the first one asked for it")
	require.Equal(t, []string{"intern", "li.wei"}, asked)
}

func TestWhereOrdersComeFrom(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("the gateway knows them", func(t *testing.T) {
		t.Parallel()
		h := open(t)
		s := refund.New(h.book, knowing{h.bank, paid()}, refund.Config{})
		r, err := s.Create(ctx, want)
		require.NoError(t, err)
		require.Equal(t, bankrail.Succeeded, r.Status)
		require.Equal(t, "T77", h.bank.sent[0].Trade)
	})
	t.Run("the host knows better", func(t *testing.T) {
		t.Parallel()
		h := open(t)
		s := refund.New(h.book, knowing{h.bank, paid()}, refund.Config{Orders: shop{}})
		_, err := s.Create(ctx, want)
		require.ErrorIs(t, err, bankrail.ErrNotFound)
		h.unrecorded("R1001")
	})
	t.Run("nobody knows them", func(t *testing.T) {
		t.Parallel()
		h := open(t)
		_, err := refund.New(h.book, h.bank, refund.Config{}).Create(ctx, want)
		var f *bankrail.FieldError
		require.ErrorAs(t, err, &f)
		require.Equal(t, "Config.Orders", f.Field)
		h.unrecorded("R1001")
	})
}

func TestOrderStates(t *testing.T) {
	t.Parallel()
	for status, good := range map[refund.OrderStatus]bool{
		refund.OrderPaid: true, refund.OrderPartlyRefunded: true,
		refund.OrderRefunded: false, refund.OrderUnpaid: false, refund.OrderClosed: false, "": false, "PAID": false,
	} {
		h := open(t)
		s := h.service(refund.Config{Orders: shop{"O77": {Status: status, Paid: bankrail.CNY(10000)}}})
		_, err := s.Create(context.Background(), want)
		if good {
			require.NoError(t, err, status)
			continue
		}
		var state *refund.OrderError
		require.ErrorAs(t, err, &state, status)
		require.Equal(t, refund.OrderError{Order: "O77", Status: status}, *state)
		require.ErrorIs(t, err, bankrail.ErrInvalid)
		h.unrecorded("R1001")
	}
}

func TestWhatAnOrderLeaves(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		order  refund.Order
		amount bankrail.Money
		err    error
	}{
		{"all of it", refund.Order{Paid: bankrail.CNY(1000)}, bankrail.CNY(1000), nil},
		{"a fen more", refund.Order{Paid: bankrail.CNY(1000)}, bankrail.CNY(1001), bankrail.ErrBudget},
		{"all that was not refunded elsewhere", refund.Order{Paid: bankrail.CNY(1000), Elsewhere: bankrail.CNY(400)}, bankrail.CNY(600), nil},
		{"a fen more than that", refund.Order{Paid: bankrail.CNY(1000), Elsewhere: bankrail.CNY(400)}, bankrail.CNY(601), bankrail.ErrBudget},
		{"all was refunded elsewhere", refund.Order{Paid: bankrail.CNY(1000), Elsewhere: bankrail.CNY(1000)}, bankrail.CNY(1), bankrail.ErrBudget},
		{"more than all was", refund.Order{Paid: bankrail.CNY(1000), Elsewhere: bankrail.CNY(2000)}, bankrail.CNY(1), bankrail.ErrBudget},
		{"less than nothing was refunded elsewhere", refund.Order{Paid: bankrail.CNY(1000), Elsewhere: bankrail.CNY(-500)}, bankrail.CNY(1000), bankrail.ErrInvalid},
		{"refunded elsewhere in another currency", refund.Order{Paid: bankrail.CNY(1000), Elsewhere: yen(1)}, bankrail.CNY(1), bankrail.ErrInvalid},
		{"paid in another currency", refund.Order{Paid: yen(1000)}, bankrail.CNY(1), bankrail.ErrInvalid},
		{"nothing was paid", refund.Order{}, bankrail.CNY(1), bankrail.ErrInvalid},
		{"nothing was paid, in yuan", refund.Order{Paid: bankrail.CNY(0)}, bankrail.CNY(1), bankrail.ErrBudget},
		{"a negative payment", refund.Order{Paid: bankrail.CNY(-1000)}, bankrail.CNY(1), bankrail.ErrBudget},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			tt.order.Status = refund.OrderPaid
			r := want
			r.Amount = tt.amount
			_, err := h.service(refund.Config{Orders: shop{"O77": tt.order}}).Create(context.Background(), r)
			if tt.err == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tt.err)
			if errors.Is(err, bankrail.ErrFailed) { // the journal's word, for ever
				require.Equal(t, bankrail.Failed, h.entry("R1001").Status)
				require.Empty(t, h.bank.sent)
				return
			}
			h.unrecorded("R1001")
		})
	}
}

func TestTheGatewayChecksTheTradeThatIsSent(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := context.Background()
	var checked []string
	h.bank.check = func(r refund.Request) error {
		checked = append(checked, r.Trade)
		if r.Trade != "T77" {
			return &bankrail.FieldError{Field: "trade", Problem: "the bank takes T77 only"}
		}
		return nil
	}
	s := h.service(refund.Config{Orders: shop{
		"2026/77": {Trade: "T77", Status: refund.OrderPaid, Paid: bankrail.CNY(10000)},
		"T77":     {Trade: "2026/77", Status: refund.OrderPaid, Paid: bankrail.CNY(10000)},
		"O79":     {Status: refund.OrderPaid, Paid: bankrail.CNY(10000)},
	}})
	r := want
	r.Order = "2026/77"
	_, err := s.Create(ctx, r)
	require.NoError(t, err, "the order's own number never goes to the bank")
	require.Equal(t, "T77", h.bank.sent[0].Trade)

	for i, order := range []string{"T77", "O79"} {
		r.Number, r.Order = fmt.Sprintf("R2-%d", i), order
		_, err = s.Create(ctx, r)
		var f *bankrail.FieldError
		require.ErrorAs(t, err, &f)
		require.Equal(t, "trade", f.Field)
		_, err = s.Get(ctx, ch, r.Number)
		require.ErrorIs(t, err, bankrail.ErrNotFound, "refused before it is recorded")
	}
	require.Equal(t, []string{"T77", "2026/77", "O79"}, checked)
}

// The gateway says what it cannot do before anything is recorded.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bank.check = func(refund.Request) error { return fmt.Errorf("test: %w", bankrail.ErrUnsupported) }
	_, err := h.service(refund.Config{}).Create(context.Background(), want)
	require.ErrorIs(t, err, bankrail.ErrUnsupported)
	h.unrecorded("R1001")
}

func TestConcurrentRefundsNeverExceedWhatWasPaid(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := context.Background()
	s := h.service(refund.Config{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	var moved int64
	refusals := 0
	for i := range 32 {
		wg.Go(func() {
			r := want
			r.Number, r.Amount = fmt.Sprintf("R%d", i), bankrail.CNY(int64(700+i))
			got, err := s.Create(ctx, r)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				moved += got.Refunded.Minor()
				return
			}
			refusals++
			if !errors.Is(err, bankrail.ErrBudget) {
				t.Errorf("%s: %v", r.Number, err)
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, moved, int64(10000))
	require.Greater(t, moved, int64(10000-700), "as much as fits")
	require.Equal(t, 32-refusals, len(h.bank.sent))
	b, err := h.store.Budget(ctx, ch, "O77")
	require.NoError(t, err)
	require.Equal(t, bankrail.CNY(moved), b.Held)
}

func TestOneNumberFromManyCallersIsSentOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	s := h.service(refund.Config{})
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			r, err := s.Create(context.Background(), want)
			if err != nil || r.Status.Final() && r.Status != bankrail.Succeeded {
				t.Errorf("%v, %v", r, err)
			}
		})
	}
	wg.Wait()
	require.Len(t, h.bank.sent, 1)
}

func TestManyMerchants(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := context.Background()
	two := bankrail.Channel{Gateway: "test-sandbox", Merchant: "M2"}
	banks := map[bankrail.Channel]*bank{ch: {channel: ch}, two: {channel: two}}
	var away bool
	route := func(_ context.Context, c bankrail.Channel) (refund.Gateway, error) {
		if b, known := banks[c]; known && !away {
			return b, nil
		}
		return nil, fmt.Errorf("no gateway for %s", c)
	}
	s := refund.NewRouted(h.book, route, refund.Config{Orders: paid()})
	for _, c := range []bankrail.Channel{ch, two} {
		r := want
		r.Channel = c // the same number and order: another entry, another budget
		r.Amount = bankrail.CNY(10000)
		got, err := s.Create(ctx, r)
		require.NoError(t, err)
		require.Equal(t, c, got.Channel)
		require.Len(t, banks[c].sent, 1)
	}
	_, err := s.Create(ctx, want)
	var f *bankrail.FieldError
	require.ErrorAs(t, err, &f)
	require.Equal(t, "channel", f.Field)
	r := want
	r.Channel = bankrail.Channel{Gateway: "test-sandbox", Merchant: "M3"}
	_, err = s.Create(ctx, r)
	require.ErrorContains(t, err, "M3")
	_, err = s.Get(ctx, r.Channel, r.Number)
	require.ErrorIs(t, err, bankrail.ErrNotFound)

	// An entry whose gateway is not configured any more stays as it is.
	banks[two].refund = func(refund.Request) (bankrail.Receipt, error) { return bankrail.Receipt{}, errors.New("cut") }
	r = want
	r.Number, r.Order, r.Channel, r.Amount = "R2", "O77", two, bankrail.CNY(1)
	s = refund.NewRouted(h.book, route, refund.Config{Orders: shop{"O77": {Status: refund.OrderPaid, Paid: bankrail.CNY(20000)}}})
	open, err := s.Create(ctx, r)
	require.NoError(t, err)
	require.Equal(t, bankrail.Processing, open.Status)
	away = true
	for range 20 {
		h.now = h.now.Add(time.Hour)
		_, err = h.book.Work(ctx, s, 10, 1)
		require.NoError(t, err)
	}
	got, err := s.Get(ctx, two, "R2")
	require.NoError(t, err)
	require.Equal(t, bankrail.Processing, got.Status)
	away = false
	h.now = h.now.Add(time.Hour)
	_, err = h.book.Work(ctx, s, 10, 1)
	require.NoError(t, err)
	got, err = s.Get(ctx, two, "R2")
	require.NoError(t, err)
	require.Equal(t, bankrail.Succeeded, got.Status)
}

func TestAJournalThatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := context.Background()
	s := h.service(refund.Config{})
	h.faulty.Next(storetest.GetFails, 1)
	_, err := s.Create(ctx, want)
	require.ErrorIs(t, err, bankrail.ErrUnavailable)
	require.NotErrorIs(t, err, bankrail.ErrFailed)
	require.ErrorContains(t, err, "repeat the same number")
	h.unrecorded("R1001")
	h.faulty.Next(storetest.GetFails, 1)
	_, err = s.Get(ctx, ch, "R1001")
	require.ErrorIs(t, err, bankrail.ErrUnavailable)
	r, err := s.Create(ctx, want)
	require.NoError(t, err)
	require.Equal(t, bankrail.Succeeded, r.Status)
}

func TestRefusalsKeepTheGatewaysWord(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := context.Background()
	refusal := &bankrail.Error{Gateway: "test-sandbox", Op: bankrail.OpRefund, Code: "NOT_ENOUGH", Message: "no funds", RequestID: "q1", Effect: bankrail.Refused}
	h.bank.refund = func(refund.Request) (bankrail.Receipt, error) { return bankrail.Receipt{}, refusal }
	s := h.service(refund.Config{})
	for range 2 { // the call that failed, and its repeat
		_, err := s.Create(ctx, want)
		require.ErrorIs(t, err, bankrail.ErrFailed)
		var e *bankrail.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "NOT_ENOUGH", e.Code)
		require.Equal(t, "no funds", e.Message)
		require.Equal(t, bankrail.Refused, bankrail.EffectOf(err))
	}
	require.Len(t, h.bank.sent, 1)
	r, err := s.Get(ctx, ch, "R1001")
	require.NoError(t, err)
	require.Equal(t, bankrail.Failed, r.Status)
	require.Equal(t, "NOT_ENOUGH", r.Code)
}

// The bank said no and did it: whoever reads the refund must see the money.
func TestALateSuccessShowsToWhoeverReads(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := context.Background()
	h.bank.refund = func(refund.Request) (bankrail.Receipt, error) {
		return bankrail.Receipt{}, &bankrail.Error{Code: "NO", Effect: bankrail.Refused}
	}
	s := h.service(refund.Config{})
	_, err := s.Create(ctx, want)
	require.ErrorIs(t, err, bankrail.ErrFailed)
	require.NoError(t, h.book.Receive(ctx, journal.Notice{Channel: ch, ID: "N1", At: start, News: []journal.News{{
		Op: bankrail.OpRefund, Receipt: bankrail.Receipt{Number: "R1001", Status: bankrail.Succeeded, Amount: bankrail.CNY(1234)},
	}}}))
	created, err := s.Create(ctx, want)
	require.NoError(t, err, "an error would say that no money moved")
	read, err := s.Get(ctx, ch, "R1001")
	require.NoError(t, err)
	require.Equal(t, created, read)
	require.True(t, read.Late)
	require.Equal(t, bankrail.Succeeded, read.Status)
	require.Equal(t, bankrail.CNY(1234), read.Refunded)
	require.Equal(t, "R1001", read.Number)
	require.Equal(t, bankrail.OpRefund, read.Op)
}

func TestAQueuedRefundIsSentByTheWorker(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := context.Background()
	s := h.service(refund.Config{Queue: true})
	r, err := s.Create(ctx, want)
	require.NoError(t, err)
	require.Equal(t, bankrail.Created, r.Status)
	require.Empty(t, h.bank.sent)
	n, err := h.book.Work(ctx, s, 10, 1)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	r, err = s.Get(ctx, bankrail.Channel{}, "R1001")
	require.NoError(t, err)
	require.Equal(t, bankrail.Succeeded, r.Status)
	require.Equal(t, want.Amount, r.Refunded)
}
