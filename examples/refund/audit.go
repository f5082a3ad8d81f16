package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
)

// outcome is what the audit found.
type outcome struct {
	statuses    map[bankrail.Status]int // of the refunds: the numbers in the journal
	refunds     int
	double      int // numbers executed twice, and intents paid under two numbers
	open        int // Created, Processing or Manual
	corrections int // refunds that the bank executed although it had failed them
	differences []string
}

func (o *outcome) differ(format string, args ...any) {
	o.differences = append(o.differences, fmt.Sprintf(format, args...))
}

// audit compares, number by number, what the journal says with what the bank did.
// It knows nothing of how the journal came to say it.
func audit(b books) outcome {
	o := outcome{statuses: map[bankrail.Status]int{}}
	for _, w := range b.wrongs {
		o.differ("%s", w)
	}
	entries, corrections := map[string]journal.Entry{}, map[string]journal.Entry{}
	for _, e := range b.entries {
		if e.Op.IsCorrection() {
			corrections[e.Number] = e
			continue
		}
		entries[e.Number] = e
	}
	rows := map[string]sandbox.Refund{}
	for _, r := range b.bank.Refunds {
		rows[r.MerchantRefundNo] = r
		if r.Executions > 1 {
			o.double++
			o.differ("%s: the bank executed it %d times", r.MerchantRefundNo, r.Executions)
		}
		if _, ok := entries[r.MerchantRefundNo]; !ok {
			o.differ("%s: the bank has it as %s, the journal does not", r.MerchantRefundNo, r.Status)
		}
	}
	o.refunds, o.corrections = len(entries), len(corrections)
	for _, number := range sorted(entries) {
		e, row := entries[number], rows[number]
		o.statuses[e.Status]++
		o.number(e, row, b.trades[e.Order])
		if c, ok := corrections[number]; ok {
			o.correction(e, c, row)
		} else if e.Status == bankrail.Failed && (row.Executions > 0 || row.Status != "" && row.Status != sandbox.Fail) {
			o.differ("%s: failed in the journal, %s at the bank with %d executions", number, row.Status, row.Executions)
		}
	}
	for _, number := range sorted(corrections) {
		if _, ok := entries[number]; !ok {
			o.differ("%s: a correction of nothing", number)
		}
	}
	o.promise(b, entries, corrections, rows)
	o.sums(b)
	return o
}

// number compares one refund of the journal with the bank's row, which is empty
// where the bank has none.
func (o *outcome) number(e journal.Entry, row sandbox.Refund, trade string) {
	if row.MerchantRefundNo != "" && (row.Amount != e.Amount.Minor() || e.Amount.Currency() != "CNY" || row.TradeNo != trade) {
		o.differ("%s: the journal wants %s of %s, the bank has %d fen of %s", e.Number, e.Amount, trade, row.Amount, row.TradeNo)
	}
	want := map[bankrail.Status]sandbox.Status{bankrail.Succeeded: sandbox.Success, bankrail.Reversed: sandbox.Reversed}[e.Status]
	switch {
	case e.Status.Open():
		o.open++
		o.differ("%s: still %s: %s", e.Number, e.Status, e.Message)
	case want == "":
	case row.Status != want || row.Executions != 1 || row.Moved != e.Settled.Minor() || e.Settled != e.Amount:
		o.differ("%s: %s in the journal with %s, %q at the bank with %d executions of %d fen",
			e.Number, e.Status, e.Settled, row.Status, row.Executions, row.Moved)
	case e.GatewayNumber != "" && e.GatewayNumber != row.BankRefundNo:
		o.differ("%s: the journal calls it %s, the bank %s", e.Number, e.GatewayNumber, row.BankRefundNo)
	}
}

// correction compares the record of a success after failure.
func (o *outcome) correction(e, c journal.Entry, row sandbox.Refund) {
	want := map[bankrail.Status]sandbox.Status{bankrail.Succeeded: sandbox.Success, bankrail.Reversed: sandbox.Reversed}[c.Status]
	if e.Status != bankrail.Failed || want == "" || row.Status != want || row.Executions != 1 || row.Moved != c.Settled.Minor() {
		o.differ("%s: %s and corrected to %s with %s, %q at the bank with %d executions of %d fen",
			e.Number, e.Status, c.Status, c.Settled, row.Status, row.Executions, row.Moved)
	}
}

// promise holds the bank's books to what Create said: an error means that no money
// moved, and one intent was paid once whatever the shop tried after an error.
func (o *outcome) promise(b books, entries, corrections map[string]journal.Entry, rows map[string]sandbox.Refund) {
	for _, number := range sorted(b.told) {
		t, row := b.told[number], rows[number]
		_, corrected := corrections[number]
		_, recorded := entries[number]
		switch {
		case t.failed != nil && row.Executions > 0 && !corrected:
			o.differ("%s: executed, although Create said: %v", number, t.failed)
		case t.other != nil && !t.open && t.failed == nil && row.MerchantRefundNo != "":
			o.differ("%s: known to the bank, although Create said: %v", number, t.other)
		case (t.open || t.failed != nil) && !recorded:
			o.differ("%s: Create answered for it, and it is not in the journal", number)
		}
	}
	for _, in := range b.intents {
		first, second := rows[in.request.Number], rows[in.second().Number]
		if first.Status == sandbox.Success && second.Status == sandbox.Success {
			o.double++
			o.differ("%s: paid under this number and under %s", in.request.Number, in.second().Number)
		}
	}
}

// sums compares the orders: what the bank gave back of each payment, what the
// journal holds of its budget, and what the events told the shop.
func (o *outcome) sums(b books) {
	bank, journal := map[string]int64{}, map[string]int64{}
	for _, r := range b.bank.Refunds {
		if r.Status == sandbox.Success {
			bank[r.TradeNo] += r.Amount
		}
	}
	for _, e := range b.entries {
		if e.Status == bankrail.Succeeded {
			journal[b.trades[e.Order]] += e.Settled.Minor()
		}
	}
	held := map[string]int64{}
	for order, m := range b.held {
		held[b.trades[order]] = m.Minor()
	}
	seen := map[string]bool{}
	for _, t := range b.bank.Trades {
		n := t.TradeNo
		seen[n] = true
		if t.OpenAmount != 0 || t.RefundedAmount > t.PaidAmount {
			o.differ("%s: the bank gave back %d of %d fen, and %d are open", n, t.RefundedAmount, t.PaidAmount, t.OpenAmount)
		}
		if s := t.RefundedAmount; bank[n] != s || journal[n] != s || held[n] != s || b.shop[n] != s {
			o.differ("%s: fen given back by the bank %d, its refunds %d, the journal %d, its budget %d, the order table %d",
				n, s, bank[n], journal[n], held[n], b.shop[n])
		}
	}
	for n, sum := range b.shop {
		if !seen[n] && (sum != 0 || journal[n] != 0 || held[n] != 0) {
			o.differ("%s: the bank has no such payment; the journal gave back %d fen, the order table %d", n, journal[n], sum)
		}
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// report prints the outcome and returns the exit code. Its last line is the verdict.
func (o outcome) report(w io.Writer) int {
	const most = 20
	s := o.statuses
	_, _ = fmt.Fprintf(w, "The journal has %d refunds, that is numbers: %d succeeded, %d came back, %d failed, %d open (%d of them for a person).\n",
		o.refunds, s[bankrail.Succeeded], s[bankrail.Reversed], s[bankrail.Failed], o.open, s[bankrail.Manual])
	_, _ = fmt.Fprintf(w, "Of the failed, %d were executed by the bank all the same and are corrected.\n", o.corrections)
	if len(o.differences) == 0 {
		_, _ = fmt.Fprintf(w, "audit: journal equals bank, %d refunds, %d double, %d open\n", o.refunds, o.double, o.open)
		return exitOK
	}
	for i, d := range o.differences {
		if i == most {
			_, _ = fmt.Fprintf(w, "  and %d more\n", len(o.differences)-most)
			break
		}
		_, _ = fmt.Fprintln(w, "  "+d)
	}
	_, _ = fmt.Fprintf(w, "audit: journal differs from bank in %d places, %d refunds, %d double, %d open\n",
		len(o.differences), o.refunds, o.double, o.open)
	return exitDiffers
}
