package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
)

// scene is one run: the shop, its bank, bankrail between them, and the clerks.
type scene struct {
	plan     *plan
	shop     *shop
	bank     *bank
	rail     *rail
	load     *load
	progress *progress
	end      time.Time // when patience ends
}

// run tells the story from beginning to end and returns the exit code.
func (p *plan) run(ctx context.Context, stdout, stderr io.Writer) (code int, err error) {
	again, err := p.prepare()
	if err != nil {
		return exitDiffers, err
	}
	defer func() { p.tidy(stderr, ctx.Err() != nil || err == nil && code == exitOK) }()
	log, file, err := p.logger()
	if err != nil {
		return exitDiffers, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	s, err := p.open(ctx, stdout, log)
	if err != nil {
		return exitDiffers, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	begins := "The shop wants"
	if again {
		begins = "Going on: the shop wants"
	}
	_, _ = fmt.Fprintf(stdout, "%s %d refunds of %d orders. Seed %d, journal %s.\n", begins, p.N, shopOrders, p.Seed, p.file)
	found, err := s.play(ctx)
	if err != nil || ctx.Err() != nil {
		return exitDiffers, err
	}
	return s.conclude(ctx, stdout, found)
}

// open puts the scene up. Where the journal exists, shop and bank go on from it.
func (p *plan) open(ctx context.Context, stdout io.Writer, log *slog.Logger) (*scene, error) {
	s := &scene{plan: p, shop: newShop(p.Seed)}
	wants := intents(p.Seed, p.N, s.shop.orders)
	var err error
	if s.bank, err = openBank(p.file+".bank", p.Seed, s.shop.orders, log); err != nil {
		return nil, err
	}
	if s.rail, err = open(p.file, s.bank.frontURL, s.bank.Keys(), s.shop, log); err != nil {
		return nil, errors.Join(err, s.bank.Close())
	}
	s.load = newLoad(s.rail.refunds, wants)
	s.progress = newProgress(stdout, s.line)
	known, err := list(ctx, s.rail.book.Reader(), journal.ListQuery{})
	if err == nil {
		err = s.rehearse(known)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	for _, e := range known {
		s.shop.remember(e)
	}
	s.shop.failed = s.load.failed
	return s, nil
}

// rehearse tells the bank its roles in the refunds that have not begun.
func (s *scene) rehearse(known []journal.Entry) error {
	begun := map[string]bool{}
	for _, e := range known {
		begun[e.Number] = true
	}
	for i, in := range s.load.intents[:min(len(cast), len(s.load.intents))] {
		if n := in.request.Number; !begun[n] {
			if err := errors.Join(s.bank.Script(n, cast[i].requests...), s.bank.ScriptQuery(n, cast[i].asks...),
				s.bank.ScriptNotify(n, cast[i].notices...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// close takes the scene down: first the shop, then the bank.
func (s *scene) close() error { return errors.Join(s.rail.Close(), s.bank.Close()) }

// play runs the clerks and the worker until nothing is open, then has the bank do
// what banks do afterwards, until the news of it is in the journal.
func (s *scene) play(ctx context.Context) (outcome, error) {
	work, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { s.rail.run(work, s.bank.merchantListener, s.shop) })
	wg.Go(func() { s.load.run(work) })
	wg.Go(func() { s.progress.run(work) })
	if err := s.await(ctx, s.settled); err != nil {
		return outcome{}, err
	}
	if err := s.afterwards(ctx); err != nil {
		return outcome{}, err
	}
	// News takes the bank's schedule to come: books that differ may only be late.
	var found outcome
	err := s.await(ctx, func(ctx context.Context) (bool, error) {
		b, err := s.books(ctx)
		found = audit(b)
		return len(found.differences) == 0, err
	})
	return found, err
}

// await asks ready again and again until it says yes or patience ends.
func (s *scene) await(ctx context.Context, ready func(context.Context) (bool, error)) error {
	for {
		ok, err := ready(ctx)
		if ok || err != nil || ctx.Err() != nil || time.Now().After(s.end) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// settled reports whether every intent was carried out and nothing is open.
func (s *scene) settled(ctx context.Context) (bool, error) {
	if s.load.waiting.Load() > 0 { // patience begins when the clerks are done
		s.end = time.Now().Add(s.plan.patience)
		return false, nil
	}
	open, _, err := s.rail.book.Reader().List(ctx, journal.ListQuery{OpenOnly: true, Limit: 1})
	return len(open) == 0, err
}

// afterwards has one refund bounce, and one succeed that the bank had failed, unless
// that was played before the last kill.
func (s *scene) afterwards(ctx context.Context) error {
	ledger := s.bank.Ledger()
	if number := s.toBounce(ledger); number != "" {
		if err := s.bank.Bounce(number); err != nil {
			return err
		}
		s.progress.say("the bank changes its mind about %s: the money came back", number)
	}
	if len(s.load.intents) <= wordBreak {
		return ctx.Err()
	}
	number := s.load.intents[wordBreak].request.Number
	if row, _ := ledger.Refund(number); row.Status == sandbox.Fail {
		if err := s.bank.Settle(number, sandbox.Success); err != nil {
			return err
		}
		s.progress.say("the bank changes its mind about %s: it had failed, now it is executed", number)
	}
	return ctx.Err()
}

// toBounce picks the refund that has the role, or else the first that succeeded. It
// is empty where one came back already.
func (s *scene) toBounce(ledger sandbox.Ledger) string {
	first := ""
	for _, r := range ledger.Refunds {
		switch {
		case r.Status == sandbox.Reversed:
			return ""
		case r.Status != sandbox.Success:
		case first == "", len(s.load.intents) > bounced && r.MerchantRefundNo == s.load.intents[bounced].request.Number:
			first = r.MerchantRefundNo
		}
	}
	return first
}

// line is the line of progress.
func (s *scene) line() string {
	n := s.shop.tally()
	return fmt.Sprintf("%d calls, %d to do; refunds: %d open, %d succeeded, %d failed, %d came back",
		s.load.calls(), s.load.waiting.Load(), n[bankrail.Processing]+n[bankrail.Created]+n[bankrail.Manual],
		n[bankrail.Succeeded], n[bankrail.Failed], n[bankrail.Reversed])
}

// conclude prints some histories and the audit.
func (s *scene) conclude(ctx context.Context, w io.Writer, found outcome) (int, error) {
	b, err := s.books(ctx)
	if err != nil {
		return exitDiffers, err
	}
	_, _ = fmt.Fprintln(w)
	if err := tell(ctx, w, s.rail.book.Reader(), b.entries, b.bank); err != nil {
		return exitDiffers, err
	}
	_, _ = fmt.Fprintf(w, "The shop asked %d times for its %d refunds: %s.\n", s.load.calls(), len(s.load.intents), &s.load.answers)
	_, _ = fmt.Fprintln(w, s.rail.noise)
	return found.report(w), nil
}
