package journal

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bankrail/bankrail"
)

// AlarmLimited: a limit keeps back an entry that is recorded and waits to be sent. It
// is raised once per node for every limit that does.
const AlarmLimited AlarmKind = "limited"

// LimitError says that a limit in force forbids a request. Nothing was recorded for
// it and nothing was sent.
type LimitError struct {
	Entry  bankrail.ID
	Amount bankrail.Money
	Limit  Limit
}

// Error writes "journal: …: stopped by …: why", or with the cap and the amount.
func (e *LimitError) Error() string {
	l := e.Limit
	if l.Stopped {
		return fmt.Sprintf("journal: %s: %s: stopped by %s: %s", e.Entry, bankrail.ErrForbidden, l.By, l.Why)
	}
	return fmt.Sprintf("journal: %s: %s: %s is above the cap of %s, set by %s: %s", e.Entry, bankrail.ErrForbidden, e.Amount, l.Max, l.By, l.Why)
}

// Unwrap returns bankrail.ErrForbidden.
func (e *LimitError) Unwrap() error { return bankrail.ErrForbidden }

// SetLimit stops an operation, caps its amounts or, with a limit that limits nothing,
// lifts what was set for the same channel and operation. Queries, notifications and
// corrections go on; what is recorded and not sent waits until the limit is lifted or
// its SendUntil has come. Other nodes heed it within Config.LimitsFor; what
// was allowed before still leaves until its send-by time. The time is the store's,
// whatever l.At says.
//
// Errors: *bankrail.FieldError where the gateway, By or Why is missing or a text is
// too long, and for a cap below zero; otherwise those of the store, after which it is
// not known whether the limit is in force: set it again.
func (b *Book) SetLimit(ctx context.Context, l Limit) error {
	if err := l.check(); err != nil {
		return fmt.Errorf("journal: limit: %w", err)
	}
	at, err := b.now(ctx)
	if err != nil {
		return fmt.Errorf("journal: limit of %s: %w: %w", l.Channel, bankrail.ErrUnavailable, err)
	}
	l.At = at.store
	err = b.store.SetLimit(ctx, l)
	b.limits.forget()
	if err != nil {
		return fmt.Errorf("journal: limit of %s: %w", l.Channel, err)
	}
	return nil
}

// Limits lists the limits in force.
//
// Errors: bankrail.ErrUnavailable.
func (b *Book) Limits(ctx context.Context) ([]Limit, error) {
	in, err := b.store.Limits(ctx)
	if err != nil {
		return nil, fmt.Errorf("journal: limits: %w: %w", bankrail.ErrUnavailable, err)
	}
	return in, nil
}

func (l Limit) check() error {
	switch {
	case l.Gateway == "":
		return &bankrail.FieldError{Field: "gateway", Problem: "required: a limit is of one gateway"}
	case l.Op.IsCorrection():
		return &bankrail.FieldError{Field: "op", Problem: "a correction records what has happened and cannot be limited"}
	case l.Max.Minor() < 0:
		return &bankrail.FieldError{Field: "max", Problem: "must not be below zero, is " + l.Max.String()}
	}
	if err := phrase("by", l.By, maxBy); err != nil {
		return err
	}
	return phrase("why", l.Why, maxWhy)
}

// of reports whether the limit is one of an operation of a channel.
func (l Limit) of(id bankrail.ID) bool {
	return l.Gateway == id.Gateway && (l.Merchant == "" || l.Merchant == id.Merchant) && (l.Op == "" || l.Op == id.Op)
}

// forbids reports whether the limit, which is of the operation, keeps an amount back.
// An amount in another currency than the cap's cannot be compared, so it is kept back.
func (l Limit) forbids(amount bankrail.Money) bool {
	if l.Stopped || l.Max.IsZero() {
		return l.Stopped
	}
	c, err := amount.Cmp(l.Max)
	return err != nil || c > 0
}

// allowed reports with a *LimitError that a limit forbids to record or, with sending,
// to send, at a time by the store's clock. Where the limits cannot be read nothing may
// happen either.
func (b *Book) allowed(ctx context.Context, id bankrail.ID, amount bankrail.Money, now time.Time, sending bool) error {
	if id.Op.IsCorrection() {
		return nil
	}
	in, err := b.limits.read(ctx, b, now)
	if err != nil {
		return unavailable(id, fmt.Errorf("limits: %w", err))
	}
	for _, l := range in {
		if !l.of(id) || !l.forbids(amount) {
			continue
		}
		err := &LimitError{Entry: id, Amount: amount, Limit: l}
		if sending && b.limits.first(l) {
			b.raise(ctx, []Alarm{{Kind: AlarmLimited, Entry: id, Text: err.Error(), At: b.cfg.Now()}})
		}
		return err
	}
	return nil
}

// limits are what this node read last.
type limits struct {
	mu sync.Mutex
	// at is when the reading began, by the store's clock: this node's may step back by
	// just as long as it has been.
	at    time.Time
	known bool
	in    []Limit
	// alarmed are the limits that were told to keep something back.
	alarmed map[limitOf]time.Time
}

// limitOf is what a limit is of.
type limitOf struct {
	bankrail.Channel
	op bankrail.Op
}

// read returns the limits as they were at most Config.LimitsFor ago. A clock that
// went back makes them old.
func (k *limits) read(ctx context.Context, b *Book, now time.Time) ([]Limit, error) {
	k.mu.Lock()
	in, age, known := k.in, now.Sub(k.at), k.known
	k.mu.Unlock()
	if known && age >= 0 && age < b.cfg.LimitsFor {
		return in, nil
	}
	in, err := b.store.Limits(ctx)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.known || !now.Before(k.at) || age < 0 {
		k.at, k.in, k.known = now, in, true
	}
	return in, nil
}

// forget has the next call read anew.
func (k *limits) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known = false
}

// first reports whether this is the first time that the limit keeps something back.
// One that was set anew counts anew.
func (k *limits) first(l Limit) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := limitOf{l.Channel, l.Op}
	if t, told := k.alarmed[key]; told && t.Equal(l.At) {
		return false
	}
	if k.alarmed == nil {
		k.alarmed = make(map[limitOf]time.Time)
	}
	k.alarmed[key] = l.At
	return true
}
