// Package sandbox is a bank to test against: stateful, independent of the rest of
// bankrail, and hostile by default.
//
//	bank, err := sandbox.New(sandbox.Options{Seed: 1})
//	defer bank.Close()
//	srv := httptest.NewServer(bank)                                  // the bank, under /bank/v1
//	_ = bank.AddTrade(sandbox.Trade{TradeNo: "T1", PaidAmount: 9900}) // fen
//	keys := bank.Keys()                                              // what a merchant is given
//
// # What it plays
//
// The refund gateway of a loan bank (蓝海): POST /bank/v1/refunds, /refunds/query
// and /trades/query, signed JSON in both directions, and a signed notification to
// the merchant when a refund ends. It keeps a ledger of what really happened:
// [Bank.Ledger] says how often money moved for each number, whatever the client
// was told. That ledger is the judge of a test.
//
// # Hostile by default
//
// About four in ten refund requests, and as many notifications, are disturbed:
// answers get lost, come late, are cut, unsigned, wrongly signed or about another
// refund; see [Fault]. [Calm] switches this off, [Shares] sets it in per mille, and
// [Bank.Script] directs single faults at single numbers. Every decision derives
// from a hash of the seed, the place, the number and a counter, so that it does not
// depend on the order in which goroutines run.
//
// # Independent
//
// The canonical text and the reading of JSON are written here a second time and
// share nothing with the client side, so that one mistake cannot cancel itself
// out. Of bankrail only package sign's keys and algorithms are used.
//
// # Time
//
// The bank runs on a [Clock]; [Bank.Advance] moves it and runs what became due, in
// order, notifications included. A client has to follow: its timestamps are
// compared with [Bank.Now], so one on another clock is refused with SIGN_ERROR once
// they are 5 minutes apart. Do not call Advance, Settle or Bounce from inside
// the notification endpoint: they wait for it.
//
// It is not a model of any bank's undocumented behaviour, and holds no real money,
// keys or people's data. Its keys are new at each start, are marked "sandbox" and
// must never be given to a real gateway.
package sandbox
