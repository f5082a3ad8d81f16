package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
)

// good is a world of one refund in which everything agrees.
func good() (books, bankrail.ID) {
	p := plan{Index: 0, Numbers: 2}
	in := p.intents()[0]
	id := bankrail.ID{Channel: bankrail.Channel{Gateway: "g", Merchant: "m"}, Op: bankrail.OpRefund, Number: in.first.Number}
	e := journal.Entry{
		ID: id, Version: 2, Status: bankrail.Succeeded, Order: in.first.Order,
		Amount: in.first.Amount, Settled: in.first.Amount, Held: in.first.Amount,
	}
	fen := in.first.Amount.Minor()
	return books{
		intents: []intent{in}, paidEach: p.paid(),
		bank: sandbox.Ledger{
			Trades:  []sandbox.Trade{{TradeNo: "T-O0", PaidAmount: 2000, RefundedAmount: fen}},
			Refunds: []sandbox.Refund{{MerchantRefundNo: id.Number, Status: sandbox.Success, Amount: fen, Executions: 1, Moved: fen}},
		},
		entries: map[bankrail.ID]journal.Entry{id: e},
		history: map[bankrail.ID][]journal.Step{id: {
			{Version: 1, To: bankrail.Processing}, {Version: 2, From: bankrail.Processing, To: bankrail.Succeeded},
		}},
		budgets: map[string]journal.Budget{e.Order: {Held: e.Held}},
		inbox:   map[string]bool{"N1": true, "N2 stale 7": true},
		acked:   []string{"N1", "N2"},
		told:    []toldLine{{Number: id.Number, What: calls}, {Number: id.Number, What: isOpen}},
		events: []eventLine{
			{"1", id.Number, "refund", 1, bankrail.Processing}, {"1", id.Number, "refund", 1, bankrail.Processing},
			{"2", id.Number, "refund", 2, bankrail.Succeeded}, {"1", id.Number, "refund", 1, bankrail.Processing},
		},
	}, id
}

func TestAuditTakesWhatAgrees(t *testing.T) {
	t.Parallel()
	b, _ := good()
	f := b.audit()
	require.Empty(t, f.lost)
	require.Empty(t, f.double)
	require.Equal(t, counts{refunds: 1, executed: 1, events: 4, notices: 2}, f.counts)
}

// Whoever audits must see every single thing that can be wrong.
func TestAuditFinds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm         func(b *books, id bankrail.ID)
		lost, double string
	}{
		"an execution without a row": {harm: func(b *books, id bankrail.ID) {
			delete(b.entries, id)
			delete(b.history, id)
		}, lost: "the journal does not"},
		"a number executed twice": {harm: func(b *books, _ bankrail.ID) { b.bank.Refunds[0].Executions = 2 }, double: "executed it 2 times"},
		"an intent executed under two numbers": {harm: func(b *books, _ bankrail.ID) {
			second := b.bank.Refunds[0]
			second.MerchantRefundNo = b.intents[0].second.Number
			b.bank.Refunds = append(b.bank.Refunds, second)
		}, double: "executed under this number and under"},
		"a success that never was":         {harm: func(b *books, _ bankrail.ID) { b.bank.Refunds = nil }, lost: "executed it 0 times"},
		"an amount that is another":        {harm: func(b *books, _ bankrail.ID) { b.bank.Refunds[0].Amount++ }, lost: "succeeded with"},
		"an error told of what moved":      {harm: func(b *books, _ bankrail.ID) { b.told[1].What, b.told[1].Err = failed, "no" }, lost: "and Create said: no"},
		"a nil told of what has no row":    {harm: func(b *books, _ bankrail.ID) { b.told[1].Number = "other" }, lost: "Create returned nil"},
		"a refusal of what moved":          {harm: func(b *books, _ bankrail.ID) { b.told[1].What = refused }, lost: "the last that Create said"},
		"an entry left open":               {harm: status(bankrail.Processing), lost: "still processing"},
		"a failure that was executed":      {harm: status(bankrail.Failed), lost: "failed, and the bank executed it"},
		"a gap in a history":               {harm: func(b *books, id bankrail.ID) { b.history[id][1].Version = 3 }, lost: "step 2 of its history"},
		"a history that ends early":        {harm: func(b *books, id bankrail.ID) { b.history[id] = b.history[id][:1] }, lost: "its history ends with 1"},
		"a final state that was left":      {harm: func(b *books, id bankrail.ID) { b.history[id][1].From = bankrail.Failed }, lost: "from failed to succeeded"},
		"an event that was never out":      {harm: func(b *books, _ bankrail.ID) { b.events = b.events[:2] }, lost: "was never published"},
		"an event of no change":            {harm: func(b *books, _ bankrail.ID) { b.events[2].Version = 9 }, lost: "has no such change"},
		"events out of order":              {harm: func(b *books, _ bankrail.ID) { b.events = b.events[2:] }, lost: "published first after version 2"},
		"one event id for two changes":     {harm: func(b *books, _ bankrail.ID) { b.events[2].ID = "1" }, lost: "one id for two changes"},
		"a notice that is gone":            {harm: func(b *books, _ bankrail.ID) { delete(b.inbox, "N2 stale 7") }, lost: "notice N2 was acknowledged"},
		"a statement's line that is gone":  {harm: func(b *books, _ bankrail.ID) { b.told = append(b.told, toldLine{What: taken, Notice: "S-1"}) }, lost: "notice S-1 was acknowledged"},
		"a budget that is off":             {harm: func(b *books, _ bankrail.ID) { b.budgets["O0"] = journal.Budget{} }, lost: "its budget holds"},
		"a trade given back more than all": {harm: func(b *books, _ bankrail.ID) { b.bank.Trades[0].PaidAmount = 0 }, lost: "gave back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, id := good()
			c.harm(&b, id)
			f := b.audit()
			if c.double != "" {
				require.Len(t, f.double, 1)
				require.Contains(t, f.double[0], c.double)
				return
			}
			require.NotEmpty(t, f.lost)
			require.Contains(t, f.lost[len(f.lost)-1]+f.lost[0], c.lost)
		})
	}
}

func status(s bankrail.Status) func(*books, bankrail.ID) {
	return func(b *books, id bankrail.ID) {
		e := b.entries[id]
		e.Status = s
		b.entries[id] = e
	}
}
