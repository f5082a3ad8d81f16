package bankrail_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
)

func ExampleParseMoney() {
	m, err := bankrail.ParseMoney("12.34", "CNY")
	fmt.Println(m.Minor(), m, err)
	_, err = bankrail.ParseMoney("12.345", "CNY")
	fmt.Println(err)
	// Output:
	// 1234 12.34 CNY <nil>
	// amount: CNY has 2 decimals, not 3
}

func ExampleMoney_Add() {
	sum, err := bankrail.CNY(1000).Add(bankrail.CNY(234))
	fmt.Println(sum, err)
	yen, _ := bankrail.NewMoney(300, "JPY")
	_, err = sum.Add(yen)
	fmt.Println(err)
	// Output:
	// 12.34 CNY <nil>
	// currency: CNY and JPY do not mix
}

func ExampleNumberGenerator() {
	g := bankrail.NumberGenerator{
		Prefix: "R", Machine: 7,
		Now: func() time.Time { return time.Date(2026, 7, 28, 4, 0, 0, 0, time.UTC) },
	}
	for range 2 {
		fmt.Println(g.Next())
	}
	// Output:
	// R202607281200000007000000 <nil>
	// R202607281200000007000001 <nil>
}

func ExampleEffectOf() {
	refused := &bankrail.Error{Gateway: "lanhai-production", Op: bankrail.OpRefund, Code: "TRADE_NOT_EXIST", Effect: bankrail.Refused}
	fmt.Println(bankrail.EffectOf(fmt.Errorf("host: %w", refused)))
	fmt.Println(bankrail.EffectOf(errors.New("connection reset")))
	// Output:
	// refused
	// unknown
}

func ExampleStatus() {
	for _, s := range []bankrail.Status{bankrail.Processing, bankrail.Succeeded} {
		fmt.Println(s, "open:", s.Open(), "may be asked:", s.MayAsk(), "may come back:", s.MayBecome(bankrail.Reversed))
	}
	// Output:
	// processing open: true may be asked: true may come back: false
	// succeeded open: false may be asked: false may come back: true
}

func ExampleSecret() {
	card := bankrail.NewSecret("6222021234567890")
	fmt.Printf("%v %+v %#v\n", card, struct{ Card bankrail.Secret }{card}, card)
	// Output: [secret] {Card:[secret]} [secret]
}
