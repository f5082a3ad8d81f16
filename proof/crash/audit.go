package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
)

// counts is how much an audit compared.
type counts struct{ refunds, executed, manual, events, notices int }

func (c *counts) add(o counts) {
	c.refunds += o.refunds
	c.executed += o.executed
	c.manual += o.manual
	c.events += o.events
	c.notices += o.notices
}

func (c counts) String() string {
	return fmt.Sprintf("%d refunds, %d executed, %d for a person, %d events, %d notices acknowledged", c.refunds, c.executed, c.manual, c.events, c.notices)
}

// findings is what an audit found.
type findings struct {
	counts
	lost, double []string
}

func (f *findings) lose(format string, args ...any) {
	f.lost = append(f.lost, fmt.Sprintf(format, args...))
}

// books is everything that has to agree.
type books struct {
	intents  []intent
	bank     sandbox.Ledger
	entries  map[bankrail.ID]journal.Entry
	history  map[bankrail.ID][]journal.Step
	budgets  map[string]journal.Budget
	inbox    map[string]bool
	acked    []string
	told     []toldLine
	events   []eventLine
	forgets  bool
	paidEach bankrail.Money
}

// audit compares what is left of a world. It knows nothing of how it came about.
func (w *world) audit(ctx context.Context) (findings, error) {
	b, err := w.books(ctx)
	if err != nil {
		return findings{}, err
	}
	return b.audit(), nil
}

func (w *world) books(ctx context.Context) (b books, err error) {
	b = books{
		intents: w.intents(), bank: w.bank.Ledger(), acked: w.courier.taken(), forgets: w.Forgetful, paidEach: w.paid(),
		entries: map[bankrail.ID]journal.Entry{}, history: map[bankrail.ID][]journal.Step{}, budgets: map[string]journal.Budget{},
	}
	db, err := openStore(w.plan, w.dir)
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for q := (journal.ListQuery{}); ; {
		page, next, err := db.List(ctx, q)
		if err != nil {
			return b, err
		}
		for _, e := range page {
			b.entries[e.ID] = e
			if b.history[e.ID], err = db.History(ctx, e.ID); err != nil {
				return b, err
			}
			if b.budgets[e.Order], err = db.Budget(ctx, e.Channel, e.Order); err != nil {
				return b, err
			}
		}
		if q.After = next; next == "" {
			break
		}
	}
	if b.inbox, err = inbox(w.plan, w.dir); err != nil {
		return b, err
	}
	if b.told, err = readLog[toldLine](w.dir, toldLog); err != nil {
		return b, err
	}
	b.events, err = readLog[eventLine](w.dir, eventLog)
	return b, err
}

func (b books) audit() findings {
	f := findings{}
	f.refunds, f.events = len(b.entries), len(b.events)
	b.numbers(&f)
	b.promises(&f)
	b.histories(&f)
	b.published(&f)
	b.notices(&f)
	b.sums(&f)
	return f
}

// entry finds the entry of a number and its correction.
func (b books) entry(number string, op bankrail.Op) (journal.Entry, bool) {
	for id, e := range b.entries {
		if id.Number == number && id.Op == op {
			return e, true
		}
	}
	return journal.Entry{}, false
}

// numbers compares each execution with its row and each row with its execution.
func (b books) numbers(f *findings) {
	rows := map[string]sandbox.Refund{}
	for _, r := range b.bank.Refunds {
		rows[r.MerchantRefundNo] = r
		f.executed += r.Executions
		if r.Executions > 1 {
			f.double = append(f.double, fmt.Sprintf("%s: the bank executed it %d times", r.MerchantRefundNo, r.Executions))
		}
		if _, ok := b.entry(r.MerchantRefundNo, bankrail.OpRefund); !ok {
			f.lose("%s: the bank has it as %s, the journal does not", r.MerchantRefundNo, r.Status)
		}
	}
	for id, e := range b.entries {
		row := rows[id.Number]
		_, corrected := b.entry(id.Number, bankrail.OpRefund.Correction())
		switch {
		case e.Status == bankrail.Manual:
			f.manual++
		case e.Status.Open():
			f.lose("%s: still %s", id, e.Status)
		case e.Status == bankrail.Succeeded && (row.Executions == 0 || row.Amount != e.Settled.Minor()):
			f.lose("%s: succeeded with %s, the bank executed it %d times with %d fen", id, e.Settled, row.Executions, row.Amount)
		case e.Status == bankrail.Failed && row.Executions > 0 && !corrected:
			f.lose("%s: failed, and the bank executed it %d times", id, row.Executions)
		}
	}
	for _, in := range b.intents {
		if rows[in.first.Number].Executions > 0 && rows[in.second.Number].Executions > 0 {
			f.double = append(f.double, fmt.Sprintf("%s: executed under this number and under %s", in.first.Number, in.second.Number))
		}
	}
}

// promises holds the bank's books to what the host was told.
func (b books) promises(f *findings) {
	last := map[string]toldLine{}
	for _, t := range b.told {
		if t.Number == "" {
			continue
		}
		last[t.Number] = t
		e, ok := b.entry(t.Number, bankrail.OpRefund)
		row, _ := b.bank.Refund(t.Number)
		_, corrected := b.entry(t.Number, bankrail.OpRefund.Correction())
		switch {
		case t.What == isOpen && !ok:
			f.lose("%s: Create returned nil, and it is not in the journal", t.Number)
		case t.What == failed && row.Executions > 0 && !corrected:
			f.lose("%s: the bank executed it, and Create said: %s", t.Number, t.Err)
		case t.What == failed && e.Status != bankrail.Failed:
			f.lose("%s: %q in the journal, and Create said: %s", t.Number, e.Status, t.Err)
		}
	}
	for number, t := range last {
		if row, known := b.bank.Refund(number); known && t.What == refused {
			f.lose("%s: the bank has it as %s, and the last that Create said was: %s", number, row.Status, t.Err)
		}
	}
}

// histories wants every version once, from where the one before ended.
func (b books) histories(f *findings) {
	for id, e := range b.entries {
		from := bankrail.Status(0)
		for i, s := range b.history[id] {
			if s.Version != int64(i+1) || s.From != from {
				f.lose("%s: step %d of its history is version %d from %s, after %s", id, i+1, s.Version, s.From, from)
			}
			if s.From.Final() && s.To != s.From && !(s.From == bankrail.Succeeded && s.To == bankrail.Reversed) {
				f.lose("%s: from %s to %s", id, s.From, s.To)
			}
			from = s.To
		}
		if n := len(b.history[id]); int64(n) != e.Version || from != e.Status {
			f.lose("%s: version %d is %s, its history ends with %d as %s", id, e.Version, e.Status, n, from)
		}
	}
}

// published wants an event of every change of status, at least once and in order, and
// none of a change that never was.
func (b books) published(f *findings) {
	type change struct {
		number, op string
		version    int64
	}
	wanted := map[change]bankrail.Status{}
	for id, steps := range b.history {
		for _, s := range steps {
			if s.From != s.To {
				wanted[change{id.Number, string(id.Op), s.Version}] = s.To
			}
		}
	}
	seen := map[change]bool{}
	last := map[[2]string]int64{}
	ids := map[string]change{}
	for _, e := range b.events {
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
func (b books) notices(f *findings) {
	acked := b.acked
	for _, t := range b.told {
		if t.What == taken {
			acked = append(acked, t.Notice)
		}
	}
	f.notices = len(acked)
	recorded := map[string]bool{}
	for id := range b.inbox {
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
func (b books) sums(f *findings) {
	held := map[string]int64{}
	for _, e := range b.entries {
		held[e.Order] += e.Held.Minor()
	}
	for order, budget := range b.budgets {
		if budget.Held.Minor() != held[order] || held[order] > b.paidEach.Minor() {
			f.lose("order %s: its budget holds %s, its refunds %d of %s paid", order, budget.Held, held[order], b.paidEach)
		}
	}
	for _, t := range b.bank.Trades {
		if t.RefundedAmount > t.PaidAmount {
			f.lose("trade %s: the bank gave back %d of %d fen", t.TradeNo, t.RefundedAmount, t.PaidAmount)
		}
	}
}
