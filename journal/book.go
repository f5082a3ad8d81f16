package journal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
)

// MaxSends is how many copies of one request ever leave.
const MaxSends = 6

// Sealer encrypts the secrets of a request for storage. The aad binds them to their
// entry: a ciphertext moved to another row does not open.
type Sealer interface {
	Seal(plain, aad []byte) ([]byte, error)
	Open(sealed, aad []byte) ([]byte, error)
}

// Config configures a Book. Its zero value works.
type Config struct {
	// Now is this node's clock, used to measure how long a sender stalled. Everything
	// else goes by the store's clock. Defaults to time.Now.
	Now func() time.Time
	// SendBy is how long after its record was committed a copy may still leave.
	// Defaults to 10 s.
	SendBy time.Duration
	// CallTimeout is the deadline of one call of a gateway, and the time a copy that
	// left in time may be on its way at most before Rules.Visible counts.
	// Defaults to 20 s.
	CallTimeout time.Duration
	// StoreTimeout bounds each write that must be tried even after the caller went
	// away. Defaults to 10 s.
	StoreTimeout time.Duration
	// Tries are the waits before the queries of an entry whose outcome is unknown;
	// when the last one brings nothing, the entry is Manual. Defaults to 1, 5, 15, 30
	// and 60 minutes.
	Tries []time.Duration
	// Sealer encrypts Draft.Secrets. Defaults to none: drafts with secrets are refused.
	Sealer Sealer
	// Alarm is called when a person is needed. It must not block. Defaults to an error
	// record of slog.Default.
	Alarm func(context.Context, Alarm)
	// Logger hears of every change of status, after its commit, at level Info.
	// Defaults to slog.Default.
	Logger *slog.Logger
	// Locker locks the order of a request while it is recorded and sent, so that two
	// requests of one order do not meet at the gateway. It is for speed alone; the
	// journal's row and budget decide. Defaults to none.
	Locker idempotency.Locker
	// LockLife is for how long. It must exceed CallTimeout: nothing is sent later than
	// CallTimeout before its end. Defaults to 30 s.
	LockLife time.Duration
	// LockWait is how long a request waits for its order before it goes on without the
	// lock, or is refused where LockRequired. Defaults to 2 s.
	LockWait time.Duration
	// LockRequired refuses with ErrUnavailable, before anything is recorded, what could
	// not be locked. Defaults to false: it goes on.
	LockRequired bool
	// TwoPersons asks for a second person before a decision about an entry takes
	// effect. Defaults to nil: one is enough.
	TwoPersons func(Entry) bool
	// LimitsFor is how long this node may go by the limits it read last. Defaults to 1 s.
	LimitsFor time.Duration
	// AllowVolatile accepts a store that forgets when the process ends. Defaults to
	// false: Create refuses, because a forgotten number can be paid twice.
	AllowVolatile bool
}

// Book records, sends and settles. It is safe for concurrent use; any number of
// Books on any number of nodes may share one store.
type Book struct {
	store Store
	cfg   Config
	keys  keyed
	// limits are those that this node read last.
	limits limits
}

// New returns a Book over a store.
func New(store Store, cfg Config) *Book {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.SendBy <= 0 {
		cfg.SendBy = 10 * time.Second
	}
	if cfg.CallTimeout <= 0 {
		cfg.CallTimeout = 20 * time.Second
	}
	if cfg.StoreTimeout <= 0 {
		cfg.StoreTimeout = 10 * time.Second
	}
	if len(cfg.Tries) == 0 {
		cfg.Tries = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, 60 * time.Minute}
	}
	if cfg.LockLife <= 0 {
		cfg.LockLife = 30 * time.Second
	}
	if cfg.LockLife <= cfg.CallTimeout {
		cfg.LockLife = cfg.CallTimeout + cfg.SendBy // else nothing could ever be sent
	}
	if cfg.LockWait <= 0 {
		cfg.LockWait = 2 * time.Second
	}
	if cfg.LimitsFor <= 0 {
		cfg.LimitsFor = time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Alarm == nil {
		cfg.Alarm = logAlarm
	}
	return &Book{store: store, cfg: cfg}
}

// Get reads an entry.
//
// Errors: bankrail.ErrNotFound, bankrail.ErrUnavailable.
func (b *Book) Get(ctx context.Context, id bankrail.ID) (Entry, error) {
	e, err := b.store.Get(ctx, id)
	if err != nil && !errors.Is(err, bankrail.ErrNotFound) {
		return Entry{}, unavailable(id, err)
	}
	return e, err
}

// Reader answers questions about the journal: history, lists, anomalies, budgets.
func (b *Book) Reader() Reader { return b.store }

// instant ties the store's clock to this node's, so that a stall between two steps
// can be measured without asking the store again.
type instant struct{ store, local time.Time }

// now reads the local clock first: whatever the store's answer took counts as stall.
func (b *Book) now(ctx context.Context) (instant, error) {
	local := b.cfg.Now()
	t, err := b.store.Now(ctx)
	return instant{store: t.UTC().Truncate(time.Millisecond), local: local}, err
}

// since is the store's time by now, at least: the longer of what the monotonic and
// the wall clock saw pass, because a suspended machine stops the former.
func (b *Book) since(i instant) time.Time {
	now := b.cfg.Now()
	d := now.Sub(i.local)
	if wall := now.Round(0).Sub(i.local.Round(0)); wall > d {
		d = wall
	}
	return i.store.Add(d)
}

// grace is when the last copy can no longer be alive and every query must see it.
func (b *Book) grace(e Entry, r Rules) time.Time {
	return e.LastSendBy.Add(b.cfg.CallTimeout).Add(r.visible())
}

// wait is the pause before the query number n, counted from 0.
func (b *Book) wait(n int) time.Duration { return b.cfg.Tries[min(n, len(b.cfg.Tries)-1)] }

// lease is how long a worker keeps an entry: a query, then a send.
func (b *Book) lease() time.Duration { return b.cfg.SendBy + 2*b.cfg.CallTimeout + b.cfg.StoreTimeout }

// detached lets a write happen although its caller has gone, but not for ever.
func (b *Book) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), b.cfg.StoreTimeout)
}

func (b *Book) raise(ctx context.Context, alarms []Alarm) {
	for _, a := range alarms {
		b.cfg.Alarm(ctx, a)
	}
}

// token marks the row of one call.
func token() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}
