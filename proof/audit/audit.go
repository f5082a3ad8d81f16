// Package audit compares what a bank did with what a journal says, with what the host
// was told, with the events it was given and with the notices it acknowledged.
//
//	b := audit.Books{Bank: bank.Ledger(), Told: told, Events: events}
//	err := b.Read(ctx, store)
//	f := b.Audit() // f.Lost and f.Double are empty, or something is wrong
//
// It judges what is left when everything is settled, not what is under way.
package audit

import (
	"context"
	"fmt"
	"strings"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
)

// Counts is how much an audit compared.
type Counts struct{ Refunds, Executed, Manual, Events, Notices int }

// Add adds another audit's.
func (c *Counts) Add(o Counts) {
	c.Refunds += o.Refunds
	c.Executed += o.Executed
	c.Manual += o.Manual
	c.Events += o.Events
	c.Notices += o.Notices
}

// String writes them out.
func (c Counts) String() string {
	return fmt.Sprintf("%d refunds, %d executed, %d for a person, %d events, %d notices acknowledged", c.Refunds, c.Executed, c.Manual, c.Events, c.Notices)
}

// Findings is what an audit found.
type Findings struct {
	Counts
	// Lost lists what is wrong but for the executions too many, which Double lists.
	Lost, Double []string
}

func (f *Findings) lose(format string, args ...any) {
	f.Lost = append(f.Lost, fmt.Sprintf(format, args...))
}

// Books is everything that has to agree.
type Books struct {
	Intents []Intent
	Bank    sandbox.Ledger
	// Paid is what was paid for each order.
	Paid bankrail.Money
	// Entries, History and Budgets are the journal; see Read.
	Entries map[bankrail.ID]journal.Entry
	History map[bankrail.ID][]journal.Step
	Budgets map[string]journal.Budget
	// Inbox holds the numbers of the notices that are durable.
	Inbox map[string]bool
	// Acknowledged lists the notices that the bank was told are taken.
	Acknowledged []string
	Told         []Told
	// Events are in the order in which they were published.
	Events []Event
}

// Intent is one thing that a host wants once, under two numbers: the second is for
// when the first has failed.
type Intent struct{ First, Second string }

// Read takes in what a journal says.
func (b *Books) Read(ctx context.Context, r journal.Reader) error {
	b.Entries, b.History, b.Budgets = map[bankrail.ID]journal.Entry{}, map[bankrail.ID][]journal.Step{}, map[string]journal.Budget{}
	for q := (journal.ListQuery{}); ; {
		page, next, err := r.List(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range page {
			b.Entries[e.ID] = e
			if b.History[e.ID], err = r.History(ctx, e.ID); err != nil {
				return err
			}
			if b.Budgets[e.Order], err = r.Budget(ctx, e.Channel, e.Order); err != nil {
				return err
			}
		}
		if q.After = next; next == "" {
			return nil
		}
	}
}

// Audit compares everything with everything. It knows nothing of how it came about.
func (b Books) Audit() Findings {
	f := Findings{}
	f.Refunds, f.Events = len(b.Entries), len(b.Events)
	b.numbers(&f)
	b.promises(&f)
	b.histories(&f)
	b.published(&f)
	b.notices(&f)
	b.sums(&f)
	return f
}

// entry finds the entry of a number and its correction.
func (b Books) entry(number string, op bankrail.Op) (journal.Entry, bool) {
	for id, e := range b.Entries {
		if id.Number == number && id.Op == op {
			return e, true
		}
	}
	return journal.Entry{}, false
}

// numbers compares each execution with its row and each row with its execution.
func (b Books) numbers(f *Findings) {
	rows := map[string]sandbox.Refund{}
	for _, r := range b.Bank.Refunds {
		rows[r.MerchantRefundNo] = r
		f.Executed += r.Executions
		if r.Executions > 1 {
			f.Double = append(f.Double, fmt.Sprintf("%s: the bank executed it %d times", r.MerchantRefundNo, r.Executions))
		}
		if _, ok := b.entry(r.MerchantRefundNo, bankrail.OpRefund); !ok {
			f.lose("%s: the bank has it as %s, the journal does not", r.MerchantRefundNo, r.Status)
		}
	}
	for id, e := range b.Entries {
		row := rows[id.Number]
		_, corrected := b.entry(id.Number, bankrail.OpRefund.Correction())
		switch {
		case e.Status == bankrail.Manual:
			f.Manual++
		case e.Status.Open():
			f.lose("%s: still %s", id, e.Status)
		case e.Status == bankrail.Succeeded && (row.Executions == 0 || row.Amount != e.Settled.Minor()):
			f.lose("%s: succeeded with %s, the bank executed it %d times with %d fen", id, e.Settled, row.Executions, row.Amount)
		case e.Status == bankrail.Failed && row.Executions > 0 && !corrected:
			f.lose("%s: failed, and the bank executed it %d times", id, row.Executions)
		}
	}
	for _, in := range b.Intents {
		if rows[in.First].Executions > 0 && rows[in.Second].Executions > 0 {
			f.Double = append(f.Double, fmt.Sprintf("%s: executed under this number and under %s", in.First, in.Second))
		}
	}
}

// promises holds the bank's books to what the host was told.
func (b Books) promises(f *Findings) {
	last := map[string]Told{}
	for _, t := range b.Told {
		if t.Number == "" {
			continue
		}
		last[t.Number] = t
		e, ok := b.entry(t.Number, bankrail.OpRefund)
		row, _ := b.Bank.Refund(t.Number)
		_, corrected := b.entry(t.Number, bankrail.OpRefund.Correction())
		switch {
		case t.What == Open && !ok:
			f.lose("%s: Create returned nil, and it is not in the journal", t.Number)
		case t.What == Failed && row.Executions > 0 && !corrected:
			f.lose("%s: the bank executed it, and Create said: %s", t.Number, t.Err)
		case t.What == Failed && e.Status != bankrail.Failed:
			f.lose("%s: %q in the journal, and Create said: %s", t.Number, e.Status, t.Err)
		}
	}
	for number, t := range last {
		if row, known := b.Bank.Refund(number); known && t.What == Refused {
			f.lose("%s: the bank has it as %s, and the last that Create said was: %s", number, row.Status, t.Err)
		}
	}
}

// histories wants every version once, from where the one before ended.
func (b Books) histories(f *Findings) {
	for id, e := range b.Entries {
		from := bankrail.Status(0)
		for i, s := range b.History[id] {
			if s.Version != int64(i+1) || s.From != from {
				f.lose("%s: step %d of its history is version %d from %s, after %s", id, i+1, s.Version, s.From, from)
			}
			if s.From.Final() && s.To != s.From && !(s.From == bankrail.Succeeded && s.To == bankrail.Reversed) {
				f.lose("%s: from %s to %s", id, s.From, s.To)
			}
			from = s.To
		}
		if n := len(b.History[id]); int64(n) != e.Version || from != e.Status {
			f.lose("%s: version %d is %s, its history ends with %d as %s", id, e.Version, e.Status, n, from)
		}
	}
}

// published wants an event of every change of status, at least once and in order, and
// none of a change that never was.
func (b Books) published(f *Findings) {
	type change struct {
		number, op string
		version    int64
	}
	wanted := map[change]bankrail.Status{}
	for id, steps := range b.History {
		for _, s := range steps {
			if s.From != s.To {
				wanted[change{id.Number, string(id.Op), s.Version}] = s.To
			}
		}
	}
	seen := map[change]bool{}
	last := map[[2]string]int64{}
	ids := map[string]change{}
	for _, e := range b.Events {
		c := change{e.Number, e.Op, e.Version}
		if want, ok := wanted[c]; !ok || want != e.Status {
			f.lose("%s: published as %s, the journal has no such change", e.ID, e.Status)
		}
		if before, ok := ids[e.ID]; ok && before != c {
			f.lose("%s: one id for two changes", e.ID)
		}
		ids[e.ID] = c
		if of := [2]string{e.Op, e.Number}; !seen[c] {
			if e.Version < last[of] {
				f.lose("%s: published first after version %d", e.ID, last[of])
			}
			seen[c], last[of] = true, e.Version
		}
	}
	for c, to := range wanted {
		if !seen[c] {
			f.lose("%s %s: version %d, %s, was never published", c.op, c.number, c.version, to)
		}
	}
}

// notices wants everything that was acknowledged in the inbox. A recording is kept
// under its number and time.
func (b Books) notices(f *Findings) {
	acked := b.Acknowledged
	for _, t := range b.Told {
		if t.What == Taken {
			acked = append(acked, t.Notice)
		}
	}
	f.Notices = len(acked)
	recorded := map[string]bool{}
	for id := range b.Inbox {
		name, _, _ := strings.Cut(id, " stale ")
		recorded[name] = true
	}
	for _, id := range acked {
		if !recorded[id] {
			f.lose("notice %s was acknowledged and is not in the inbox", id)
		}
	}
}

// sums wants every order to hold what its refunds hold, and no more than was paid.
func (b Books) sums(f *Findings) {
	held := map[string]int64{}
	for _, e := range b.Entries {
		held[e.Order] += e.Held.Minor()
	}
	for order, budget := range b.Budgets {
		if budget.Held.Minor() != held[order] || held[order] > b.Paid.Minor() {
			f.lose("order %s: its budget holds %s, its refunds %d of %s paid", order, budget.Held, held[order], b.Paid)
		}
	}
	for _, t := range b.Bank.Trades {
		if t.RefundedAmount > t.PaidAmount {
			f.lose("trade %s: the bank gave back %d of %d fen", t.TradeNo, t.RefundedAmount, t.PaidAmount)
		}
	}
}
