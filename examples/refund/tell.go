package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
)

// tale is a refund with its history and the bank's row of it.
type tale struct {
	entry journal.Entry
	steps []journal.Step
	row   sandbox.Refund
}

// plots are the kinds of tale worth telling, each by what happened.
var plots = []struct {
	title string
	is    func(tale) bool
}{
	{"The answer was lost; a query found the refund, and nothing was sent again.", func(t tale) bool {
		return t.is(bankrail.Succeeded, 1) && t.noted(journal.SourceAnswer, "outcome unknown") && t.end().Source == journal.SourceQuery
	}},
	{"The request was lost; when the bank could not have it any more, the same number was sent again.", func(t tale) bool {
		return t.is(bankrail.Succeeded, 2) && t.noted(journal.SourceQuery, "may be sent again") && !t.echoed()
	}},
	{"The bank had it, denied it, and refused the second copy: perhaps the echo of the first, so it was asked again.", func(t tale) bool {
		return t.entry.Status.Final() && t.echoed()
	}},
	{"The news overtook the answer.", func(t tale) bool {
		return t.is(bankrail.Succeeded, 1) && len(t.steps) == 2 && t.end().Source == journal.SourceNotification
	}},
	{"The bank said \"not now\"; the number waited and was sent again.", func(t tale) bool {
		return t.is(bankrail.Succeeded, 2) && t.noted(journal.SourceAnswer, "refused for now")
	}},
	{"The money arrived, and came back.", func(t tale) bool {
		return t.entry.Status == bankrail.Reversed
	}},
	{"The bank reported failure, and did it all the same: a correction holds the money, the order is stopped.", func(t tale) bool {
		return t.entry.Op.IsCorrection()
	}},
}

// is reports whether the refund ended so, with so many copies sent.
func (t tale) is(s bankrail.Status, sends int) bool {
	return t.entry.Status == s && t.entry.Sends == sends
}

// echoed reports whether a second copy was refused, in one of the bank's two ways.
func (t tale) echoed() bool {
	return t.noted(journal.SourceAnswer, "echo of an earlier copy") || t.noted(journal.SourceAnswer, "NO_CONFLICT")
}

func (t tale) noted(s journal.Source, part string) bool {
	for _, step := range t.steps {
		if step.Source == s && strings.Contains(step.Note, part) {
			return true
		}
	}
	return false
}

func (t tale) end() journal.Step { return t.steps[len(t.steps)-1] }

// tell prints one refund of each plot that happened.
func tell(ctx context.Context, w io.Writer, r journal.Reader, entries []journal.Entry, bank sandbox.Ledger) error {
	var tales []tale
	for _, e := range entries {
		t := tale{entry: e}
		t.row, _ = bank.Refund(e.Number)
		var err error
		if t.steps, err = r.History(ctx, e.ID); err != nil {
			return err
		}
		if e.Op.IsCorrection() { // its story begins with the entry it corrects
			before, err := r.History(ctx, e.Of)
			if err != nil {
				return err
			}
			t.steps = append(before, t.steps...)
		}
		tales = append(tales, t)
	}
	for _, p := range plots {
		for _, t := range tales {
			if p.is(t) {
				t.print(w, p.title)
				break
			}
		}
	}
	return nil
}

// print draws the history in columns: when, who said it, what it became, why.
func (t tale) print(w io.Writer, title string) {
	e := t.entry
	_, _ = fmt.Fprintf(w, "%s\n  %s: %s of order %s, sent %d×; at the bank %s, executed %d×\n",
		title, e.Number, e.Amount, e.Order, e.Sends, t.row.Status, t.row.Executions)
	from := bankrail.Status(0)
	for _, s := range t.steps {
		becomes := ""
		if s.To != from {
			becomes = "→ " + s.To.String()
		}
		from = s.To
		after := s.At.Sub(t.steps[0].At).Milliseconds()
		_, _ = fmt.Fprintf(w, "  %3d.%03d s  %-12s  %s%s  %s\n",
			after/1000, after%1000, s.Source, becomes, strings.Repeat(" ", max(0, 12-len([]rune(becomes)))), clip(s.Note))
	}
	_, _ = fmt.Fprintln(w)
}

// clip keeps a line a line.
func clip(s string) string {
	const most = 84
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
