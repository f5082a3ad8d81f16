package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/proof/audit"
	"github.com/bankrail/bankrail/sandbox"
)

// good is a world of one refund in which everything agrees.
func good() (audit.Books, bankrail.ID) {
	in, amount := audit.Intent{First: "R1", Second: "R1-2"}, bankrail.CNY(700)
	id := bankrail.ID{Channel: bankrail.Channel{Gateway: "g", Merchant: "m"}, Op: bankrail.OpRefund, Number: in.First}
	e := journal.Entry{
		ID: id, Version: 2, Status: bankrail.Succeeded, Order: "O0",
		Amount: amount, Settled: amount, Held: amount,
	}
	fen := amount.Minor()
	return audit.Books{
		Intents: []audit.Intent{in}, Paid: bankrail.CNY(2000),
		Bank: sandbox.Ledger{
			Trades:  []sandbox.Trade{{TradeNo: "T-O0", PaidAmount: 2000, RefundedAmount: fen}},
			Refunds: []sandbox.Refund{{MerchantRefundNo: id.Number, Status: sandbox.Success, Amount: fen, Executions: 1, Moved: fen}},
		},
		Entries: map[bankrail.ID]journal.Entry{id: e},
		History: map[bankrail.ID][]journal.Step{id: {
			{Version: 1, To: bankrail.Processing}, {Version: 2, From: bankrail.Processing, To: bankrail.Succeeded},
		}},
		Budgets:      map[string]journal.Budget{e.Order: {Held: e.Held}},
		Inbox:        map[string]bool{"N1": true, "N2 stale 7": true},
		Acknowledged: []string{"N1", "N2"},
		Told:         []audit.Told{{Number: id.Number, What: audit.Calls}, {Number: id.Number, What: audit.Open}},
		Events: []audit.Event{
			{"1", id.Number, "refund", 1, bankrail.Processing}, {"1", id.Number, "refund", 1, bankrail.Processing},
			{"2", id.Number, "refund", 2, bankrail.Succeeded}, {"1", id.Number, "refund", 1, bankrail.Processing},
		},
	}, id
}

func TestAuditTakesWhatAgrees(t *testing.T) {
	t.Parallel()
	b, _ := good()
	f := b.Audit()
	require.Empty(t, f.Lost)
	require.Empty(t, f.Double)
	require.Equal(t, audit.Counts{Refunds: 1, Executed: 1, Events: 4, Notices: 2}, f.Counts)
}

// Whoever audits must see every single thing that can be wrong.
func TestAuditFinds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm         func(b *audit.Books, id bankrail.ID)
		lost, double string
	}{
		"an execution without a row": {harm: func(b *audit.Books, id bankrail.ID) {
			delete(b.Entries, id)
			delete(b.History, id)
		}, lost: "the journal does not"},
		"a number executed twice": {harm: func(b *audit.Books, _ bankrail.ID) { b.Bank.Refunds[0].Executions = 2 }, double: "executed it 2 times"},
		"an intent executed under two numbers": {harm: func(b *audit.Books, _ bankrail.ID) {
			second := b.Bank.Refunds[0]
			second.MerchantRefundNo = b.Intents[0].Second
			b.Bank.Refunds = append(b.Bank.Refunds, second)
		}, double: "executed under this number and under"},
		"a success that never was":      {harm: func(b *audit.Books, _ bankrail.ID) { b.Bank.Refunds = nil }, lost: "executed it 0 times"},
		"an amount that is another":     {harm: func(b *audit.Books, _ bankrail.ID) { b.Bank.Refunds[0].Amount++ }, lost: "succeeded with"},
		"an error told of what moved":   {harm: func(b *audit.Books, _ bankrail.ID) { b.Told[1].What, b.Told[1].Err = audit.Failed, "no" }, lost: "and Create said: no"},
		"a nil told of what has no row": {harm: func(b *audit.Books, _ bankrail.ID) { b.Told[1].Number = "other" }, lost: "Create returned nil"},
		"a refusal of what moved":       {harm: func(b *audit.Books, _ bankrail.ID) { b.Told[1].What = audit.Refused }, lost: "the last that Create said"},
		"an entry left open":            {harm: status(bankrail.Processing), lost: "still processing"},
		"a failure that was executed":   {harm: status(bankrail.Failed), lost: "failed, and the bank executed it"},
		"a gap in a history":            {harm: func(b *audit.Books, id bankrail.ID) { b.History[id][1].Version = 3 }, lost: "step 2 of its history"},
		"a history that ends early":     {harm: func(b *audit.Books, id bankrail.ID) { b.History[id] = b.History[id][:1] }, lost: "its history ends with 1"},
		"a final state that was left":   {harm: func(b *audit.Books, id bankrail.ID) { b.History[id][1].From = bankrail.Failed }, lost: "from failed to succeeded"},
		"an event that was never out":   {harm: func(b *audit.Books, _ bankrail.ID) { b.Events = b.Events[:2] }, lost: "was never published"},
		"an event of no change":         {harm: func(b *audit.Books, _ bankrail.ID) { b.Events[2].Version = 9 }, lost: "has no such change"},
		"events out of order":           {harm: func(b *audit.Books, _ bankrail.ID) { b.Events = b.Events[2:] }, lost: "published first after version 2"},
		"one event id for two changes":  {harm: func(b *audit.Books, _ bankrail.ID) { b.Events[2].ID = "1" }, lost: "one id for two changes"},
		"a notice that is gone":         {harm: func(b *audit.Books, _ bankrail.ID) { delete(b.Inbox, "N2 stale 7") }, lost: "notice N2 was acknowledged"},
		"a statement's line that is gone": {harm: func(b *audit.Books, _ bankrail.ID) {
			b.Told = append(b.Told, audit.Told{What: audit.Taken, Notice: "S-1"})
		}, lost: "notice S-1 was acknowledged"},
		"a budget that is off":             {harm: func(b *audit.Books, _ bankrail.ID) { b.Budgets["O0"] = journal.Budget{} }, lost: "its budget holds"},
		"a trade given back more than all": {harm: func(b *audit.Books, _ bankrail.ID) { b.Bank.Trades[0].PaidAmount = 0 }, lost: "gave back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, id := good()
			c.harm(&b, id)
			f := b.Audit()
			if c.double != "" {
				require.Len(t, f.Double, 1)
				require.Contains(t, f.Double[0], c.double)
				return
			}
			require.NotEmpty(t, f.Lost)
			require.Contains(t, f.Lost[len(f.Lost)-1]+f.Lost[0], c.lost)
		})
	}
}

func status(s bankrail.Status) func(*audit.Books, bankrail.ID) {
	return func(b *audit.Books, id bankrail.ID) {
		e := b.Entries[id]
		e.Status = s
		b.Entries[id] = e
	}
}
