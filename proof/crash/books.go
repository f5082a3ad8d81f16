package main

import (
	"context"
	"errors"

	"github.com/bankrail/bankrail/proof/audit"
)

// audit compares what is left of a world.
func (w *world) audit(ctx context.Context) (found audit.Findings, err error) {
	b := audit.Books{Bank: w.bank.Ledger(), Acknowledged: w.courier.taken(), Paid: w.paid()}
	for _, in := range w.intents() {
		b.Intents = append(b.Intents, audit.Intent{First: in.first.Number, Second: in.second.Number})
	}
	db, err := openStore(w.plan, w.dir)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := b.Read(ctx, db); err != nil {
		return found, err
	}
	if b.Inbox, err = inbox(w.plan, w.dir); err != nil {
		return found, err
	}
	if b.Told, err = readLog[audit.Told](w.dir, toldLog); err != nil {
		return found, err
	}
	if b.Events, err = readLog[audit.Event](w.dir, eventLog); err != nil {
		return found, err
	}
	return b.Audit(), nil
}
