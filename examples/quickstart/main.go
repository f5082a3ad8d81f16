package main

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/store/sqlstore"
)

func main() {
	bank := must(sandbox.New(sandbox.Options{Faults: sandbox.Calm, SettleMax: -1})) // a bank to test against
	check(bank.AddTrade(sandbox.Trade{TradeNo: "O77", PaidAmount: 9900}))           // 99.00 yuan were paid
	gateway := must(lanhai.New(lanhai.Config{
		Environment: lanhai.Sandbox, BaseURL: httptest.NewServer(bank).URL + "/bank/v1", Merchant: "M1001",
		Signer: must(bank.Keys().Signer()), Bank: must(bank.Keys().Verifier()),
	}))
	db := must(sqlstore.OpenSQLite("bankrail.db", sqlstore.Config{}))
	refunds := refund.New(journal.New(db, journal.Config{}), gateway, refund.Config{})
	r, err := refunds.Create(context.Background(), refund.Request{Number: "R1001", Order: "O77", Amount: bankrail.CNY(1234)})
	check(err)                                  // an error: no money moved, and none will
	fmt.Println(r.Number, r.Status, r.Refunded) // no error: it succeeded, or is still open
}

func must[T any](v T, err error) T { check(err); return v }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
