package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
)

// played runs a whole small scene, once for all tests, and returns its books.
var played = sync.OnceValues(func() (b books, err error) {
	dir, err := os.MkdirTemp("", "bankrail-refund-test-")
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p := plan{Seed: 1, N: 30, file: filepath.Join(dir, "shop.db"), patience: defaultPatience}
	ctx := context.Background()
	s, err := p.open(ctx, io.Discard, slog.New(slog.DiscardHandler))
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if _, err = s.play(ctx); err != nil {
		return b, err
	}
	return s.books(ctx)
})

// clone copies the parts of the books that the tests change.
func (b books) clone() books {
	b.entries = slices.Clone(b.entries)
	b.bank.Refunds, b.bank.Trades = slices.Clone(b.bank.Refunds), slices.Clone(b.bank.Trades)
	b.held, b.shop, b.told = maps.Clone(b.held), maps.Clone(b.shop), maps.Clone(b.told)
	return b
}

// row is a refund of the bank with that status, and none that succeeded late: of such
// a one Create rightly said that it failed.
func (b books) row(s sandbox.Status) *sandbox.Refund {
	late := func(number string) bool {
		return slices.ContainsFunc(b.entries, func(e journal.Entry) bool { return e.Op.IsCorrection() && e.Number == number })
	}
	return &b.bank.Refunds[slices.IndexFunc(b.bank.Refunds, func(r sandbox.Refund) bool {
		return r.Status == s && !late(r.MerchantRefundNo)
	})]
}

func (b books) entry(s bankrail.Status) *journal.Entry {
	return &b.entries[slices.IndexFunc(b.entries, func(e journal.Entry) bool { return e.Status == s && !e.Op.IsCorrection() })]
}

// TestAuditFindsWhatIsWrong changes one thing at a time in books that agree.
func TestAuditFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	right, err := played()
	require.NoError(t, err)
	require.Empty(t, audit(right).differences)
	for name, change := range map[string]func(b *books){
		"executed twice":              func(b *books) { r := b.row(sandbox.Success); r.Executions, r.Moved = 2, 2*r.Amount },
		"executed and said to fail":   func(b *books) { b.row(sandbox.Fail).Executions = 1 },
		"another amount at the bank":  func(b *books) { r := b.row(sandbox.Success); r.Amount++; r.Moved++ },
		"another amount moved":        func(b *books) { b.row(sandbox.Success).Moved++ },
		"of another payment":          func(b *books) { b.row(sandbox.Success).TradeNo = "T0011" },
		"missing at the bank":         func(b *books) { *b.row(sandbox.Success) = sandbox.Refund{MerchantRefundNo: "other"} },
		"missing in the journal":      func(b *books) { *b.entry(bankrail.Succeeded) = *b.entry(bankrail.Failed) },
		"unknown to the journal":      func(b *books) { b.bank.Refunds = append(b.bank.Refunds, sandbox.Refund{MerchantRefundNo: "X"}) },
		"failed only in the journal":  func(b *books) { b.entry(bankrail.Succeeded).Status = bankrail.Failed },
		"came back unnoticed":         func(b *books) { b.row(sandbox.Success).Status = sandbox.Reversed },
		"succeeded only here":         func(b *books) { b.row(sandbox.Success).Status = sandbox.Fail },
		"open here":                   func(b *books) { b.entry(bankrail.Succeeded).Status = bankrail.Processing },
		"for a person":                func(b *books) { b.entry(bankrail.Failed).Status = bankrail.Manual },
		"another number of the bank":  func(b *books) { b.row(sandbox.Success).BankRefundNo = "LH0" },
		"settled with another amount": func(b *books) { b.entry(bankrail.Succeeded).Settled = bankrail.CNY(1) },
		"a correction too few": func(b *books) {
			b.entries = slices.DeleteFunc(b.entries, func(e journal.Entry) bool { return e.Op.IsCorrection() })
		},
		"a correction of nothing": func(b *books) {
			c := b.entries[slices.IndexFunc(b.entries, func(e journal.Entry) bool { return e.Op.IsCorrection() })]
			c.Number = "nobody"
			b.entries = append(b.entries, c)
		},
		"Create said failed": func(b *books) {
			b.told[b.row(sandbox.Success).MerchantRefundNo] = told{failed: errors.New("failed")}
		},
		"Create refused": func(b *books) {
			b.told[b.row(sandbox.Success).MerchantRefundNo] = told{other: bankrail.ErrBudget}
		},
		"Create took it, no record": func(b *books) { b.told["lost"] = told{open: true} },
		"an intent paid twice": func(b *books) {
			again := *b.row(sandbox.Success)
			again.MerchantRefundNo += "-2"
			b.bank.Refunds = append(b.bank.Refunds, again)
		},
		"budget held too long": func(b *books) { b.held[b.entry(bankrail.Succeeded).Order] = bankrail.CNY(1) },
		"order table wrong":    func(b *books) { b.shop[b.bank.Trades[0].TradeNo]++ },
		"refunded unpaid":      func(b *books) { b.shop["T0019"]++ },
		"more than was paid":   func(b *books) { b.bank.Trades[0].PaidAmount = b.bank.Trades[0].RefundedAmount - 1 },
		"open at the bank":     func(b *books) { b.bank.Trades[0].OpenAmount = 1 },
		"refused for another reason": func(b *books) {
			b.wrongs = []string{"R1: too much: Create said <nil>"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := right.clone()
			change(&b)
			found := audit(b)
			require.NotEmpty(t, found.differences)
			var out bytes.Buffer
			require.Equal(t, exitDiffers, found.report(&out))
			require.Contains(t, lastLine(out.String()), "audit: journal differs from bank")
		})
	}
}

// TestAuditCounts: what the verdict counts besides the differences.
func TestAuditCounts(t *testing.T) {
	t.Parallel()
	right, err := played()
	require.NoError(t, err)
	b := right.clone()
	b.entry(bankrail.Failed).Status = bankrail.Manual
	b.row(sandbox.Success).Executions = 2
	found := audit(b)
	require.Equal(t, 1, found.open, "Manual counts as open")
	require.Equal(t, 1, found.double)
	require.Equal(t, 1, found.corrections)
	require.Equal(t, len(right.entries)-1, found.refunds, "a correction is no refund of its own")
}
