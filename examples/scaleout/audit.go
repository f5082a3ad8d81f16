package main

import (
	"fmt"
	"io"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
)

// outcome is what the audit found.
type outcome struct {
	refunds, succeeded, failed int
	double, open, answers      int
	published, consumed        int
	delivered                  int64
	eventsDiffer               bool
	differences                []string
}

func (o *outcome) differ(format string, args ...any) {
	o.differences = append(o.differences, fmt.Sprintf(format, args...))
}

// audit compares what the journal, the bank, the events and the callers say. It knows
// nothing of how it came about.
func audit(b books) outcome {
	o := outcome{answers: b.answers, delivered: b.delivered}
	for _, w := range b.wrongs {
		o.differ("%s", w)
	}
	entries := map[string]journal.Entry{}
	for _, e := range b.entries {
		if e.Op.IsCorrection() {
			o.differ("%s: corrected, although this bank keeps its word", e.Number)
			continue
		}
		entries[e.Number] = e
	}
	o.refunds = len(entries)
	rows := o.ledger(b.bank, entries)
	if len(b.wants) != len(entries) {
		o.differ("%d refunds in the journal, %d were wanted", len(entries), len(b.wants))
	}
	for _, r := range b.wants {
		e, ok := entries[r.Number]
		if !ok {
			o.differ("%s: wanted, and not in the journal", r.Number)
			continue
		}
		o.number(r, e, rows[r.Number], b.orders[r.Order].Trade)
		o.promise(e, rows[r.Number], b.told[r.Number])
	}
	o.sums(b, entries)
	o.events(b)
	if h := b.health; h.Open() > 0 || h.Unpublished > 0 || h.Pending > 0 || h.Due > 0 {
		o.differ("the journal's health: %s", h)
	}
	return o
}

// ledger looks through the bank's own books.
func (o *outcome) ledger(l sandbox.Ledger, entries map[string]journal.Entry) map[string]sandbox.Refund {
	rows := map[string]sandbox.Refund{}
	for _, r := range l.Refunds {
		rows[r.MerchantRefundNo] = r
		if r.Executions > 1 {
			o.double++
			o.differ("%s: executed %d times", r.MerchantRefundNo, r.Executions)
		}
		if _, ok := entries[r.MerchantRefundNo]; !ok {
			o.differ("%s: %s at the bank, not in the journal", r.MerchantRefundNo, r.Status)
		}
	}
	return rows
}

// number compares one refund: what was wanted, what the journal says of it, and the
// bank's row, which is empty where the bank has none.
func (o *outcome) number(want refund.Request, e journal.Entry, row sandbox.Refund, trade string) {
	if e.Amount != want.Amount || e.Order != want.Order {
		o.differ("%s: wanted %s of %s, recorded %s of %s", e.Number, want.Amount, want.Order, e.Amount, e.Order)
	}
	if row.MerchantRefundNo != "" && (row.Amount != want.Amount.Minor() || row.TradeNo != trade) {
		o.differ("%s: wanted %s of %s, the bank has %d fen of %s", e.Number, want.Amount, trade, row.Amount, row.TradeNo)
	}
	if row.Copies > e.Sends {
		o.differ("%s: %d copies came to the bank, the journal let %d out", e.Number, row.Copies, e.Sends)
	}
	switch e.Status {
	case bankrail.Succeeded:
		o.succeeded++
		if row.Status != sandbox.Success || row.Executions != 1 || row.Moved != e.Settled.Minor() || e.Settled != e.Amount {
			o.differ("%s: succeeded with %s, %q at the bank with %d fen", e.Number, e.Settled, row.Status, row.Moved)
		}
		if e.GatewayNumber != "" && e.GatewayNumber != row.BankRefundNo {
			o.differ("%s: the journal calls it %s, the bank %s", e.Number, e.GatewayNumber, row.BankRefundNo)
		}
	case bankrail.Failed:
		o.failed++
		if row.Executions > 0 || row.Status != "" && row.Status != sandbox.Fail {
			o.differ("%s: failed, %q at the bank with %d executions", e.Number, row.Status, row.Executions)
		}
	default:
		if e.Status.Open() {
			o.open++
		}
		o.differ("%s: %s in the end: %s", e.Number, e.Status, e.Message)
	}
}

// promise holds a number to what Create said of it.
func (o *outcome) promise(e journal.Entry, row sandbox.Refund, v verdict) {
	switch {
	case v.failed != "" && (row.Executions > 0 || e.Status != bankrail.Failed):
		o.differ("%s: %s with %d executions, although Create said: %s", e.Number, e.Status, row.Executions, v.failed)
	case v.failed == "" && !v.open:
		o.differ("%s: nobody was told of it", e.Number)
	}
}

// sums compares the orders: what the bank gave back, what the journal's refunds and
// its budget say, and what the consumer credited by the events.
func (o *outcome) sums(b books, entries map[string]journal.Entry) {
	journal, bank := map[string]int64{}, map[string]int64{}
	for _, e := range entries {
		if e.Status == bankrail.Succeeded {
			journal[e.Order] += e.Settled.Minor()
		}
	}
	for _, t := range b.bank.Trades {
		bank[t.TradeNo] = t.RefundedAmount
		if t.OpenAmount != 0 || t.RefundedAmount > t.PaidAmount {
			o.differ("%s: %d of %d fen given back, %d open", t.TradeNo, t.RefundedAmount, t.PaidAmount, t.OpenAmount)
		}
	}
	for number, order := range b.orders {
		if sum := bank[order.Trade]; journal[number] != sum || b.held[number] != sum || b.credits[number] != sum {
			o.differ("%s: fen given back by the bank %d, the journal %d, its budget %d, credited %d",
				number, sum, journal[number], b.held[number], b.credits[number])
		}
	}
	for number := range b.credits {
		if _, ok := b.orders[number]; !ok {
			o.differ("%s: credited, and no order", number)
		}
	}
}

// events compares the journal's events with what the consumer took: each once, and
// those of an entry in the order of their versions.
func (o *outcome) events(b books) {
	before := len(o.differences)
	taken, last := map[string]int{}, map[string]int64{}
	for _, e := range b.consumed {
		if taken[e.id]++; taken[e.id] == 2 {
			o.differ("%s: consumed more than once", e.id)
		}
		if e.version <= last[e.entry] {
			o.differ("%s: version %d was consumed after %d", e.id, e.version, last[e.entry])
		}
		last[e.entry] = e.version
	}
	for _, e := range b.published {
		switch {
		case e.unsaid:
			o.differ("%s: never published", e.id)
		case taken[e.id] == 0:
			o.differ("%s: published and not consumed", e.id)
		}
		if !e.unsaid {
			o.published++
		}
		delete(taken, e.id)
	}
	for id := range taken {
		o.differ("%s: consumed, and no event of the journal", id)
	}
	o.consumed = len(b.consumed)
	if o.delivered < int64(o.consumed) {
		o.differ("%d events consumed of %d delivered", o.consumed, o.delivered)
	}
	o.eventsDiffer = len(o.differences) > before
}

// report prints the outcome and returns the exit code. Its last line is the verdict.
func (o outcome) report(w io.Writer) int {
	const most = 20
	for i, d := range o.differences {
		if i == most {
			_, _ = fmt.Fprintf(w, "  and %d more\n", len(o.differences)-most)
			break
		}
		_, _ = fmt.Fprintln(w, "  "+d)
	}
	_, _ = fmt.Fprintf(w, "Create answered %d times; %d refunds succeeded, %d failed.\n", o.answers, o.succeeded, o.failed)
	how := "exactly once"
	if o.eventsDiffer {
		how = "in all, which differs"
	}
	_, _ = fmt.Fprintf(w, "events: %d published, %d delivered, %d consumed %s\n", o.published, o.delivered, o.consumed, how)
	if len(o.differences) > 0 {
		_, _ = fmt.Fprintf(w, "audit: journal differs from bank in %d places, %d refunds, %d double, %d open\n",
			len(o.differences), o.refunds, o.double, o.open)
		return exitDiffers
	}
	_, _ = fmt.Fprintf(w, "audit: journal equals bank, %d refunds, %d double, %d open\n", o.refunds, o.double, o.open)
	return exitOK
}
