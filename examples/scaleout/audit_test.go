package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
)

// agreeing is books of two refunds of one order, the second of which failed.
func agreeing(t *testing.T) books {
	t.Helper()
	w := wishes{seed: 1, n: 2}
	first, second := w.request(0), w.request(1)
	order, err := w.Order(context.Background(), first.Order)
	require.NoError(t, err)
	require.Equal(t, first.Order, second.Order)
	fen := first.Amount.Minor()
	entry := func(r refund.Request, s bankrail.Status) journal.Entry {
		return journal.Entry{
			ID:     bankrail.ID{Op: bankrail.OpRefund, Number: r.Number},
			Status: s, Order: r.Order, Amount: r.Amount, Sends: 1,
		}
	}
	done := entry(first, bankrail.Succeeded)
	done.Settled, done.GatewayNumber = done.Amount, "LH1"
	said := func(number string, version int64) event {
		return event{id: number + "#" + string(rune('0'+version)), entry: number, version: version}
	}
	events := []event{said(first.Number, 1), said(second.Number, 1), said(second.Number, 3), said(first.Number, 2)}
	return books{
		wants:   []refund.Request{first, second},
		orders:  map[string]refund.Order{order.Number: order},
		entries: []journal.Entry{done, entry(second, bankrail.Failed)},
		held:    map[string]int64{order.Number: fen},
		credits: map[string]int64{order.Number: fen},
		bank: sandbox.Ledger{
			Trades: []sandbox.Trade{{TradeNo: order.Trade, PaidAmount: order.Paid.Minor(), RefundedAmount: fen}},
			Refunds: []sandbox.Refund{
				{MerchantRefundNo: first.Number, BankRefundNo: "LH1", TradeNo: order.Trade, Amount: fen, Status: sandbox.Success, Executions: 1, Moved: fen, Copies: 1},
				{MerchantRefundNo: second.Number, BankRefundNo: "LH2", TradeNo: order.Trade, Amount: second.Amount.Minor(), Status: sandbox.Fail, Copies: 1},
			},
		},
		told:      map[string]verdict{first.Number: {open: true}, second.Number: {open: true, failed: "refused"}},
		answers:   3,
		published: events, consumed: events, delivered: 5,
	}
}

func TestAuditOfBooksThatAgree(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.Equal(t, exitOK, audit(agreeing(t)).report(&out), out.String())
	require.True(t, strings.HasSuffix(out.String(), "events: 4 published, 5 delivered, 4 consumed exactly once\n"+
		"audit: journal equals bank, 2 refunds, 0 double, 0 open\n"), out.String())
}

// TestAuditFinds spoils one thing at a time.
func TestAuditFinds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*books)
		want  string
	}{
		"a second execution":        {func(b *books) { b.bank.Refunds[0].Executions = 2 }, "executed 2 times"},
		"a copy too many":           {func(b *books) { b.bank.Refunds[0].Copies = 2 }, "2 copies came to the bank, the journal let 1 out"},
		"a failure executed":        {func(b *books) { b.bank.Refunds[1].Executions = 1 }, "failed, \"FAIL\" at the bank with 1 executions"},
		"a failure that succeeded":  {func(b *books) { b.bank.Refunds[1].Status = sandbox.Success }, "failed, \"SUCCESS\""},
		"a success that failed":     {func(b *books) { b.bank.Refunds[0].Status = sandbox.Fail }, "\"FAIL\" at the bank"},
		"another amount moved":      {func(b *books) { b.bank.Refunds[0].Moved++ }, "succeeded with"},
		"another amount asked":      {func(b *books) { b.bank.Refunds[1].Amount++ }, "the bank has"},
		"another amount recorded":   {func(b *books) { b.entries[1].Amount = bankrail.CNY(1) }, "recorded"},
		"another payment":           {func(b *books) { b.bank.Refunds[0].TradeNo = "T9" }, "of T9"},
		"another bank number":       {func(b *books) { b.entries[0].GatewayNumber = "LH9" }, "calls it LH9"},
		"still open":                {func(b *books) { b.entries[0].Status = bankrail.Manual }, "manual in the end"},
		"came back":                 {func(b *books) { b.entries[0].Status = bankrail.Reversed }, "reversed in the end"},
		"not recorded":              {func(b *books) { b.entries = b.entries[1:] }, "wanted, and not in the journal"},
		"recorded by nobody":        {func(b *books) { b.wants = b.wants[1:] }, "2 refunds in the journal, 1 were wanted"},
		"not at the bank":           {func(b *books) { b.bank.Refunds = b.bank.Refunds[1:] }, "succeeded with"},
		"a correction":              {func(b *books) { b.entries[1].Op = b.entries[1].Op.Correction() }, "corrected"},
		"told as failed, succeeded": {func(b *books) { b.told[b.wants[0].Number] = verdict{failed: "no"} }, "although Create said: no"},
		"told to nobody":            {func(b *books) { delete(b.told, b.wants[1].Number) }, "nobody was told"},
		"an answer nobody expects":  {func(b *books) { b.wrongs = []string{"R9: odd"} }, "R9: odd"},
		"budget":                    {func(b *books) { b.held[b.wants[0].Order]++ }, "its budget"},
		"credit":                    {func(b *books) { b.credits[b.wants[0].Order] *= 2 }, "credited"},
		"credit of no order":        {func(b *books) { b.credits["O9"] = 1 }, "O9: credited, and no order"},
		"bank's sum":                {func(b *books) { b.bank.Trades[0].RefundedAmount++ }, "fen given back by the bank"},
		"bank's open sum":           {func(b *books) { b.bank.Trades[0].OpenAmount = 1 }, "1 open"},
		"event unsaid":              {func(b *books) { b.published[2].unsaid = true }, "never published"},
		"event lost":                {func(b *books) { b.consumed = b.consumed[:3] }, "published and not consumed"},
		"event twice":               {func(b *books) { b.consumed = append(b.consumed, b.consumed[3]) }, "consumed more than once"},
		"event from nowhere":        {func(b *books) { b.published = b.published[:3] }, "no event of the journal"},
		"events out of order": {func(b *books) {
			b.consumed = []event{b.consumed[3], b.consumed[0], b.consumed[1], b.consumed[2]}
		}, "version 1 was consumed after 2"},
		"delivered too few":   {func(b *books) { b.delivered = 3 }, "4 events consumed of 3 delivered"},
		"health: open":        {func(b *books) { b.health.Processing = 1 }, "health: open 1"},
		"health: unpublished": {func(b *books) { b.health.Unpublished = 1 }, "unpublished 1"},
		"health: pending":     {func(b *books) { b.health.Pending = 1 }, "pending 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := agreeing(t)
			c.spoil(&b)
			var out bytes.Buffer
			require.Equal(t, exitDiffers, audit(b).report(&out), out.String())
			require.Contains(t, out.String(), c.want)
			require.Contains(t, out.String(), "audit: journal differs from bank in ")
		})
	}
}

func TestAuditCountsDoubleAndOpen(t *testing.T) {
	t.Parallel()
	b := agreeing(t)
	b.bank.Refunds[0].Executions = 2
	b.entries[1].Status = bankrail.Processing
	o := audit(b)
	require.Equal(t, 1, o.double)
	require.Equal(t, 1, o.open)
}
