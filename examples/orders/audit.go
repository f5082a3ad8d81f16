package main

import (
	"context"
	"fmt"
	"io"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
)

// findings is what an audit saw.
type findings struct {
	orders, refunds, open int
	disagree              []string
}

// String is the short form.
func (f findings) String() string {
	return fmt.Sprintf("%d refunds recorded, %d open, %d disagree", f.refunds, f.open, len(f.disagree))
}

func (f findings) tell(w io.Writer) {
	for _, d := range f.disagree {
		_, _ = fmt.Fprintln(w, "  "+d)
	}
}

// audit compares every order row with its refund in the journal, and every refund
// that is over with the bank's own books. Nobody writes meanwhile.
func (s *shop) audit(ctx context.Context, j journal.Reader, bank sandbox.Ledger) (findings, error) {
	entries, err := list(ctx, j)
	if err != nil {
		return findings{}, err
	}
	last := map[string]journal.Entry{} // of each order, which has one refund; a correction comes after what it corrects
	var f findings
	for _, e := range entries {
		last[e.Order] = e
	}
	rows, err := s.db.QueryContext(ctx, `SELECT number, status, refund FROM shop_orders ORDER BY number`)
	if err != nil {
		return f, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var number, status, refund string
		if err := rows.Scan(&number, &status, &refund); err != nil {
			return f, err
		}
		f.orders++
		e, recorded := last[number]
		want, is := paid, "none"
		if recorded {
			f.refunds++
			if e.Status.Open() {
				f.open++
			}
			want, is = statusOf(e.Status), e.Status.String()
		}
		if status != want || recorded != (refund != "") {
			f.disagree = append(f.disagree, fmt.Sprintf("order %s is %s with refund %q, its refund is %s", number, status, refund, is))
		}
		if recorded && !e.Status.Open() {
			f.compare(e, bank)
		}
	}
	return f, rows.Err()
}

// compare holds a refund that is over against the bank's books.
func (f *findings) compare(e journal.Entry, bank sandbox.Ledger) {
	row, _ := bank.Refund(e.Number)
	moved := row.Moved
	if row.Status == sandbox.Reversed {
		moved = 0
	}
	if want := map[bool]int64{true: e.Amount.Minor()}[e.Status == bankrail.Succeeded]; moved != want || row.Executions > 1 {
		f.disagree = append(f.disagree, fmt.Sprintf("refund %s is %s, the bank moved %d fen in %d executions", e.Number, e.Status, moved, row.Executions))
	}
}

// list reads the whole journal, page by page.
func list(ctx context.Context, r journal.Reader) ([]journal.Entry, error) {
	var all []journal.Entry
	var q journal.ListQuery
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
