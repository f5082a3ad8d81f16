package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/refund"
)

const clerks = 8 // goroutines that refund

// load carries the intents out, and remembers what it was told.
type load struct {
	refunds *refund.Service
	intents []intent
	byFirst map[string]intent // by the intent's first number
	again   chan intent       // of which the first number failed later
	waiting atomic.Int64      // intents not carried out yet, those of again included
	calls   atomic.Int64

	mu     sync.Mutex
	told   map[string]*told
	wrongs []string
}

// told is what Create said of a number, all calls of this process together.
type told struct {
	open   bool  // at least one call had no error
	failed error // the error of one that says the number has failed
	other  error // another error that says no money moved
}

func newLoad(refunds *refund.Service, all []intent) *load {
	l := &load{
		refunds: refunds, intents: all, byFirst: map[string]intent{}, told: map[string]*told{},
		again: make(chan intent, 2*len(all)),
	}
	for _, in := range all {
		l.byFirst[in.request.Number] = in
	}
	l.waiting.Store(int64(len(all)))
	return l
}

// failed hears that a refund failed after it had been accepted. Its intent is
// carried out again, which finds the failure on record and takes the second number.
func (l *load) failed(number string) {
	in, ok := l.byFirst[number]
	if !ok || !in.mayTakeSecond() {
		return
	}
	l.waiting.Add(1)
	select {
	case l.again <- in:
	default: // heard several times: it is on its way already
		l.waiting.Add(-1)
	}
}

// run has the clerks carry everything out until ctx ends.
func (l *load) run(ctx context.Context) {
	first := make(chan intent)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(first)
		for _, in := range l.intents {
			select {
			case first <- in:
			case <-ctx.Done():
				return
			}
		}
	})
	for range clerks {
		wg.Go(func() {
			for in := range first {
				l.carryOut(ctx, in)
			}
			for {
				select {
				case in := <-l.again:
					l.carryOut(ctx, in)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	wg.Wait()
}

// carryOut does what hosts do: it asks for a refund, and if that is an error, it
// tries something else. Because an error means that no money moved and none will,
// the second number cannot pay twice.
func (l *load) carryOut(ctx context.Context, in intent) {
	defer l.waiting.Add(-1)
	r := in.request
	var err error
	switch in.manner {
	case repeated:
		for range 3 {
			err = l.create(ctx, r)
		}
	case concurrent:
		errs := make([]error, 3)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = l.create(ctx, r) })
		}
		wg.Wait()
		err = errs[0]
	default:
		err = l.create(ctx, r)
	}
	l.check(ctx, in, err)
	if errors.Is(err, bankrail.ErrFailed) && in.mayTakeSecond() {
		_ = l.create(ctx, in.second()) // what it says is remembered; there is no third
	}
}

// create asks for one refund. The two errors that speak of something else than the
// refund are told apart: after ErrUnavailable the same number is repeated, because
// nothing is known of it; after ErrConflict the number stands for another request.
func (l *load) create(ctx context.Context, r refund.Request) error {
	for {
		l.calls.Add(1)
		got, err := l.refunds.Create(ctx, r)
		l.remember(r.Number, got, err)
		unknown := errors.Is(err, bankrail.ErrUnavailable) || err == nil && got.Unconfirmed
		if !unknown || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// remember keeps what was told of a number, for the audit.
func (l *load) remember(number string, got *refund.Refund, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.told[number]
	if t == nil {
		t = &told{}
		l.told[number] = t
	}
	switch {
	case err == nil:
		t.open = true
	case errors.Is(err, bankrail.ErrFailed):
		t.failed = err
	case !errors.Is(err, bankrail.ErrUnavailable) && !errors.Is(err, bankrail.ErrConflict):
		t.other = err
	}
}

// check notes where a request that must be refused was not, or was for another
// reason than its own.
func (l *load) check(ctx context.Context, in intent, err error) {
	var state *refund.OrderError
	right := true
	switch in.manner {
	case tooMuch: // unless the order is refunded by now, which is said first
		right = errors.Is(err, bankrail.ErrBudget) || errors.As(err, &state)
	case wrongOrder:
		right = errors.As(err, &state)
	case trainee:
		right = errors.Is(err, bankrail.ErrForbidden)
	case other:
		if err == nil || errors.Is(err, bankrail.ErrFailed) { // the number is recorded
			r := in.request
			r.Amount = bankrail.CNY(r.Amount.Minor() + 1)
			err = l.create(ctx, r)
			right = errors.Is(err, bankrail.ErrConflict)
		}
	}
	if right || ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrongs = append(l.wrongs, fmt.Sprintf("%s: %s: Create said %v", in.request.Number, in.manner, err))
}

// heard copies what was told so far.
func (l *load) heard() (map[string]*told, []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string]*told, len(l.told))
	for n, t := range l.told {
		c := *t
		all[n] = &c
	}
	return all, append([]string(nil), l.wrongs...)
}
