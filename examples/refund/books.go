package main

import (
	"context"
	"errors"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
)

// books is everything that must agree in the end.
type books struct {
	entries []journal.Entry           // the journal's, corrections included
	held    map[string]bankrail.Money // what the journal holds of each order's budget
	bank    sandbox.Ledger            // what really happened
	trades  map[string]string         // the bank's number of each order's payment
	shop    map[string]int64          // what the order table says was given back, in fen, by trade
	intents []intent
	told    map[string]told
	wrongs  []string // answers of Create that the shop did not expect
}

// books collects what the audit compares.
func (s *scene) books(ctx context.Context) (books, error) {
	b := books{
		held: map[string]bankrail.Money{}, trades: map[string]string{}, shop: s.shop.refunded(), intents: s.load.intents,
	}
	b.told, b.wrongs = s.load.heard()
	reader := s.rail.book.Reader()
	var err error
	if b.bank, err = s.bank.ledger(ctx); err != nil {
		return b, err
	}
	if b.entries, err = list(ctx, reader, journal.ListQuery{}); err != nil {
		return b, err
	}
	for number, o := range s.shop.orders {
		b.trades[number] = o.Trade
		held, err := reader.Budget(ctx, s.rail.refunds.Channel(), number)
		if err != nil && !errors.Is(err, bankrail.ErrNotFound) {
			return b, err
		}
		b.held[number] = held.Held
	}
	return b, nil
}

// list reads the whole journal, page by page.
func list(ctx context.Context, r journal.Reader, q journal.ListQuery) ([]journal.Entry, error) {
	var all []journal.Entry
	for {
		page, next, err := r.List(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if next == "" {
			return all, nil
		}
		q.After = next
	}
}
