// Package bankrail moves money through bank and payment gateways, and never
// pays twice.
//
// # The promise
//
// Every operation's Create keeps one promise:
//
//	An error means no money moved and none will under this number.
//	No error means it succeeded or is still open.
//
// Open covers everything that is not known: accepted, processing, timed out, a
// connection cut in the middle, an answer that does not verify, a crash. Only a
// query, a notification, a statement or a person ends it. So the code that every
// service contains anyway, "if err != nil, try something else", is safe.
//
// # The tour
//
// A host opens a gateway (package gateway/lanhai), a store (store/sqlstore, or
// store/memstore in tests), a [journal.Book] over that store, and an operation
// over both (package refund):
//
//	bank, err := lanhai.New(lanhai.Config{…})
//	db, err := sqlstore.OpenSQLite("bankrail.db", sqlstore.Config{})
//	book := journal.New(db, journal.Config{})
//	refunds := refund.New(book, bank, refund.Config{Orders: shop})
//	r, err := refunds.Create(ctx, refund.Request{Number: "R1001", Order: "O77", Amount: bankrail.CNY(1234)})
//
// Package notify mounts the bank's notifications on the host's own router,
// package worker settles what is open, package sandbox is the bank to test
// against, package sign answers for every signature, and package client makes
// one signed round trip.
//
// Package broker takes events to other services, package idempotency answers the
// repeated requests of the host's own API, and package store/redisstore locks orders
// and keeps a bank's rate over several processes.
//
// This package holds the words they share: [Money], [Channel], [ID], [Status],
// [Receipt], [Error], [Effect], [Secret] and [Exchange]. It is not for talking to
// a gateway: a typed gateway used alone, without a journal, cannot keep the
// promise.
//
// [journal.Book]: https://pkg.go.dev/github.com/bankrail/bankrail/journal#Book
package bankrail
