package main

import (
	"context"
	"errors"
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
	answers
}

func newLoad(refunds *refund.Service, all []intent) *load {
	l := &load{
		refunds: refunds, intents: all, byFirst: map[string]intent{}, again: make(chan intent, 2*len(all)),
		answers: answers{told: map[string]told{}, counts: map[string]int{}},
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
	case other:
		if err = l.create(ctx, r); err == nil || errors.Is(err, bankrail.ErrFailed) { // it is on record
			changed := r
			changed.Amount = bankrail.CNY(r.Amount.Minor() + 1)
			l.expect(in, l.create(ctx, changed), "in conflict")
		}
	default:
		err = l.create(ctx, r)
	}
	if ctx.Err() != nil {
		return // interrupted: an error may speak of that
	}
	l.expect(in, err, expected[in.manner]...)
	if errors.Is(err, bankrail.ErrFailed) && in.mayTakeSecond() {
		_ = l.create(ctx, in.second()) // what it says is remembered; there is no third
	}
}

// create asks for one refund. The two errors that speak of something else than the
// refund are told apart: after ErrUnavailable the same number is repeated, because
// nothing is known of it; after ErrConflict the number stands for another request. A
// gateway that is down or busy left no record either: the shop tries again later.
func (l *load) create(ctx context.Context, r refund.Request) error {
	for {
		got, err := l.refunds.Create(ctx, r)
		l.remember(r.Number, got, err)
		unknown := kindOf(err) == toBeRepeated || err == nil && got.Unconfirmed
		if !unknown || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}
