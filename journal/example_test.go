package journal_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/worker"
)

var quiet = slog.New(slog.DiscardHandler)

// example is a bank of the sandbox with one paid order, and a store. A host takes
// sqlstore, which forgets nothing.
func example() (gateway *lanhai.Gateway, db *memstore.Store, end func()) {
	bank, err := sandbox.New(sandbox.Options{Faults: sandbox.Calm, SettleMax: -1})
	check(err)
	check(bank.AddTrade(sandbox.Trade{TradeNo: "O77", PaidAmount: 9900}))
	server := httptest.NewServer(bank)
	signer, err := bank.Keys().Signer()
	check(err)
	verifier, err := bank.Keys().Verifier()
	check(err)
	gateway, err = lanhai.New(lanhai.Config{
		Environment: lanhai.Sandbox, BaseURL: server.URL + "/bank/v1", Merchant: "M1001", Signer: signer, Bank: verifier,
	})
	check(err)
	return gateway, memstore.New(memstore.Config{}), func() {
		gateway.Close()
		server.Close()
		check(bank.Close())
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// A whole host: the book, the operation, the bank's notifications and the worker that
// settles what is open and publishes events.
func Example() {
	bank, db, end := example()
	defer end()
	ctx, stop := context.WithCancel(context.Background())
	page := func(_ context.Context, a journal.Alarm) { fmt.Println("alarm:", a.Kind, a.Entry, a.Text) }
	mayRefund := func(_ context.Context, r refund.Request) error {
		if r.Operator != "li.wei" {
			return errors.New("only li.wei refunds")
		}
		return nil
	}
	mux, shop, bus := http.NewServeMux(), refund.Orders(bank), journal.Publisher(nil)
	book := journal.New(db, journal.Config{Alarm: page, AllowVolatile: true, Logger: quiet})

	refunds := refund.New(book, bank, refund.Config{Orders: shop, Authorize: mayRefund})
	mux.Handle("POST /notify/lanhai", notify.Handler(book, bank, notify.Config{}))
	done := make(chan struct{})
	go func() { defer close(done); worker.Run(ctx, book, worker.Config{Publisher: bus}, refunds) }()

	r, err := refunds.Create(ctx, refund.Request{Number: "R1001", Order: "O77", Amount: bankrail.CNY(1234), Operator: "li.wei"})
	fmt.Println(r.Status, err)
	steps, err := book.Reader().History(ctx, r.ID)
	for _, s := range steps {
		fmt.Println(s.Version, s.From, "->", s.To, s.Source)
	}
	fmt.Println(err)
	stop()
	<-done
	// Output:
	// succeeded <nil>
	// 1 none -> processing host
	// 2 processing -> succeeded answer
	// <nil>
}

// The bank has news of a number that was never sent from here: somebody else uses the
// numbers. Nothing is sent, and a person decides by the bank's record.
func ExampleBook_Decide() {
	bank, db, end := example()
	defer end()
	ctx := context.Background()
	book := journal.New(db, journal.Config{AllowVolatile: true, Logger: quiet, Alarm: func(_ context.Context, a journal.Alarm) {
		fmt.Println("alarm:", a.Kind)
	}})
	refunds := refund.New(book, bank, refund.Config{})
	check(book.Receive(ctx, journal.Notice{
		Channel: bank.Channel(), ID: "N1", Digest: sha256.Sum256([]byte("N1")), At: time.Now(),
		News: []journal.News{{Op: bankrail.OpRefund, Receipt: bankrail.Receipt{Number: "R1001", Status: bankrail.Succeeded, Amount: bankrail.CNY(1234)}}},
	}))
	r, err := refunds.Create(ctx, refund.Request{Number: "R1001", Order: "O77", Amount: bankrail.CNY(1234)})
	fmt.Println(r.Status, err)

	seen, err := book.Get(ctx, r.ID)
	check(err)
	e, err := book.Decide(ctx, refunds, seen.ID, journal.Decision{
		Version: seen.Version, Status: bankrail.Succeeded, Proof: journal.ProofRecord, Reference: "bank record 4711",
		By: "li.wei", Why: "paid at the counter under this number",
	})
	fmt.Println(e.Status, err)
	// Output:
	// alarm: manual
	// manual <nil>
	// succeeded <nil>
}

// A leaked key, a broken order system: stop the operation, and lift the stop later.
func ExampleBook_SetLimit() {
	bank, db, end := example()
	defer end()
	ctx := context.Background()
	book := journal.New(db, journal.Config{AllowVolatile: true, Logger: quiet})
	refunds := refund.New(book, bank, refund.Config{})

	stop := journal.Limit{Channel: bankrail.Channel{Gateway: bank.Channel().Gateway}, Stopped: true, By: "li.wei", Why: "key leaked"}
	check(book.SetLimit(ctx, stop))
	request := refund.Request{Number: "R1001", Order: "O77", Amount: bankrail.CNY(1234)}
	_, err := refunds.Create(ctx, request)
	fmt.Println(errors.Is(err, bankrail.ErrForbidden), err)

	lift := stop
	lift.Stopped, lift.Why = false, "new key is in use"
	check(book.SetLimit(ctx, lift))
	r, err := refunds.Create(ctx, request)
	fmt.Println(r.Status, err)
	// Output:
	// true refund: journal: lanhai-sandbox/M1001/refund/R1001: forbidden: stopped by li.wei: key leaked
	// succeeded <nil>
}

// What a probe or a gauge reads, every half minute.
func ExampleBook_Health() {
	_, db, end := example()
	defer end()
	book := journal.New(db, journal.Config{AllowVolatile: true, Logger: quiet})
	h, err := book.Health(context.Background())
	check(err)
	fmt.Println(h)
	fmt.Println("a worker is late:", h.Late() > 5*time.Minute)
	// Output:
	// open 0, due 0, unpublished 0, pending 0, anomalies 0
	// a worker is late: false
}
