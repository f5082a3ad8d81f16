package refund_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/store/memstore"
)

// A number stands for one refund: repeating it is safe, reusing it is refused, and
// an order gives back no more than was paid.
func ExampleService_Create() {
	ctx := context.Background()
	book := journal.New(memstore.New(memstore.Config{}), journal.Config{AllowVolatile: true})
	gateway := &bank{channel: bankrail.Channel{Gateway: "bank-sandbox", Merchant: "M1"}}
	refunds := refund.New(book, gateway, refund.Config{Orders: shop{
		"O77": {Status: refund.OrderPaid, Paid: bankrail.CNY(10000)},
	}})

	request := refund.Request{Number: "R1001", Order: "O77", Amount: bankrail.CNY(1234), Reason: "sold out"}
	for range 2 {
		r, err := refunds.Create(ctx, request)
		if err != nil {
			fmt.Println("no money moved:", err)
			return
		}
		fmt.Println(r.Number, r.Status, r.Refunded)
	}

	request.Amount = bankrail.CNY(9999)
	_, err := refunds.Create(ctx, request)
	var conflict *journal.ConflictError
	if errors.As(err, &conflict) {
		fmt.Println("R1001 stands for", conflict.Existing.Amount)
	}

	request.Number = "R1002"
	_, err = refunds.Create(ctx, request)
	fmt.Println(errors.Is(err, bankrail.ErrBudget))
	fmt.Println("sent:", len(gateway.sent))
	// Output:
	// R1001 succeeded 12.34 CNY
	// R1001 succeeded 12.34 CNY
	// R1001 stands for 12.34 CNY
	// true
	// sent: 1
}

// Only permitted roles may refund; nothing is recorded for the others.
func ExampleConfig_authorize() {
	book := journal.New(memstore.New(memstore.Config{}), journal.Config{AllowVolatile: true})
	gateway := &bank{channel: bankrail.Channel{Gateway: "bank-sandbox", Merchant: "M1"}}
	refunds := refund.New(book, gateway, refund.Config{
		Orders: shop{"O77": {Status: refund.OrderPaid, Paid: bankrail.CNY(10000)}},
		Authorize: func(_ context.Context, r refund.Request) error {
			if r.Operator != "finance" {
				return errors.New("only finance refunds")
			}
			return nil
		},
	})
	_, err := refunds.Create(context.Background(), refund.Request{
		Number: "R1001", Order: "O77", Amount: bankrail.CNY(1234), Operator: "support",
	})
	fmt.Println(err)
	fmt.Println(errors.Is(err, bankrail.ErrForbidden))
	// Output:
	// refund: forbidden: operator "support": only finance refunds
	// true
}
