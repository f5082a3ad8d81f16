package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/proof/audit"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
)

// carryOut asks for everything the host wants, again and again until nothing is open
// and a round would change nothing. Statements are taken in while much is open, and
// when nothing is.
func (h *host) carryOut(ctx context.Context) error {
	for quiet := false; !quiet; {
		h.wantAll(ctx)
		err := h.statement(ctx)
		if err == nil {
			quiet, err = h.await(ctx)
		}
		if err != nil {
			return err
		}
		if !quiet { // the breaker is open, perhaps
			pause(ctx, 50*time.Millisecond)
		}
	}
	return h.statement(ctx)
}

// wants is what this host has to do: what those before it had, and some more.
func (h *host) wants() []intent { return h.Plan.intents()[:h.Wants] }

// wantAll asks for everything from four goroutines.
func (h *host) wantAll(ctx context.Context) {
	var wg sync.WaitGroup
	next := make(chan intent)
	for range 4 {
		wg.Go(func() {
			for in := range next {
				h.want(ctx, in)
			}
		})
	}
	for _, in := range h.wants() {
		next <- in
	}
	close(next)
	wg.Wait()
}

// await waits until nothing is open. It is quiet where every failed first number has
// a second, so that another round would change nothing.
func (h *host) await(ctx context.Context) (bool, error) {
	for {
		switch ok, err := h.settled(ctx); {
		case err != nil:
			return false, err
		case ok:
			return h.finished(ctx)
		}
		if !pause(ctx, 20*time.Millisecond) {
			return false, fmt.Errorf("not everything is settled: %w", ctx.Err())
		}
	}
}

func (h *host) finished(ctx context.Context) (bool, error) {
	for _, in := range h.wants() {
		first, err := h.refunds.Get(ctx, bankrail.Channel{}, in.first.Number)
		if err == nil && first.Status == bankrail.Failed {
			_, err = h.refunds.Get(ctx, bankrail.Channel{}, in.second.Number)
		}
		if errors.Is(err, bankrail.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// want does what hosts do: after an error that says so it takes another number.
func (h *host) want(ctx context.Context, in intent) {
	if err := h.create(ctx, in.first); errors.Is(err, bankrail.ErrFailed) {
		_ = h.create(ctx, in.second) // what it says is in the log of what was told
	}
}

// create asks for one refund, and writes down what it was told. Where nothing was told
// of the refund the same number is repeated.
func (h *host) create(ctx context.Context, r refund.Request) error {
	for {
		if err := h.told.append(audit.Told{Number: r.Number, What: audit.Calls}); err != nil {
			return err
		}
		got, err := h.refunds.Create(ctx, r)
		line := audit.Told{Number: r.Number, What: audit.Open}
		switch {
		case errors.Is(err, bankrail.ErrUnavailable), errors.Is(err, bankrail.ErrConflict), err == nil && got.Unconfirmed:
			line.What = audit.Unknown
		case errors.Is(err, bankrail.ErrFailed):
			line.What = audit.Failed
		case err != nil:
			line.What = audit.Refused
		}
		if err != nil {
			line.Err = err.Error()
		}
		if werr := h.told.append(line); werr != nil {
			return werr
		}
		if line.What != audit.Unknown || !pause(ctx, 20*time.Millisecond) {
			return err
		}
	}
}

// pause waits, and reports whether ctx did not end meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// statement takes in what the bank's books say of finished refunds, one line at a
// time. Taking a line in twice changes nothing.
func (h *host) statement(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.Books+"/ledger", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var books sandbox.Ledger
	if err := json.NewDecoder(resp.Body).Decode(&books); err != nil {
		return err
	}
	for _, r := range books.Refunds {
		if r.Status != sandbox.Success {
			continue
		}
		line := fmt.Sprintf("%s %s %d", r.MerchantRefundNo, r.BankRefundNo, r.Amount)
		err := h.book.Receive(ctx, journal.Notice{
			Channel: h.gateway.Channel(), ID: "S-" + r.MerchantRefundNo, Digest: sha256.Sum256([]byte(line)),
			At: r.RefundedAt, Source: journal.SourceStatement,
			News: []journal.News{{Op: bankrail.OpRefund, Receipt: bankrail.Receipt{
				Number: r.MerchantRefundNo, GatewayNumber: r.BankRefundNo, Status: bankrail.Succeeded,
				Amount: bankrail.CNY(r.Amount), At: r.RefundedAt, Raw: []byte(line),
			}}},
		})
		if err != nil {
			return err
		}
		if err := h.told.append(audit.Told{What: audit.Taken, Notice: "S-" + r.MerchantRefundNo}); err != nil {
			return err
		}
	}
	return nil
}
