// Package journal records every money operation before it is sent, sends it, and
// keeps at it until its outcome is known. It is where bankrail's promise is kept:
// an error of [Book.Create] means that no money moved and none will under this
// number; no error means that it succeeded or is still open.
//
// Hosts use it through an operation (package refund):
//
//	book := journal.New(db, journal.Config{})          // over sqlstore or memstore
//	refunds := refund.New(book, bank, refund.Config{Orders: shop})
//	r, err := refunds.Create(ctx, refund.Request{…})   // calls Book.Create
//	mux.Handle("POST /notify", notify.Handler(book, bank, notify.Config{}))
//	go worker.Run(ctx, book, worker.Config{}, refunds) // calls Book.Work
//
// An [Entry] is one number for ever; a [Store] keeps entries, their history, the
// inbox of notifications, budgets, events and anomalies; a [Driver] is an operation
// seen from here; [Rules] is what a gateway promises.
//
// It is not a general job queue or ledger, and it holds no lock while it waits.
package journal
