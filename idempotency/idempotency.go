// Package idempotency lets the host's own API answer a repeated request with what it
// answered the first time, and locks an order for speed.
//
// Money operations do not need a [Store]: the row of the journal is their record.
// This is for the host's other endpoints, and for the requests that lead to a money
// operation:
//
//	keys := idempotency.Middleware(db.Keys(), idempotency.Config{Check: valid})
//	mux.Handle("POST /refunds", keys(refunds))
//
// What the first request with an Idempotency-Key was answered, its repeats are answered
// too, and it is carried out once. Where the outcome is not known, nobody carries it out
// again by itself.
//
// It is not a lock service: a [Locker] that is lost costs speed, never safety.
package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"
)

var (
	// ErrInFlight: another call has the key and has not completed it. Answer 409 with
	// Retry-After; do not send anything.
	ErrInFlight = errors.New("idempotency: request is in flight")
	// ErrMismatch: the key was used for another request. Answer 422.
	ErrMismatch = errors.New("idempotency: key was used for another request")
	// ErrLost: the epoch is not the key's any more. Whoever has the later one answers
	// for it; never repeat blindly.
	ErrLost = errors.New("idempotency: key was taken over in between")
)

// Key names a request of the host's API.
type Key struct {
	// Tenant keeps hosts' customers apart; empty where there is one. At most 255 bytes.
	Tenant string
	// Route is the operation, for example "POST /refunds". At most 255 bytes.
	Route string
	// Key is what the client chose, 1 to 255 printable ASCII characters.
	Key string
}

// Fingerprint identifies the content of a request.
type Fingerprint [sha256.Size]byte

// NewFingerprint digests the canonical fields in order. Each is preceded by its
// length, so that no two lists of fields share a text. For money take amount,
// currency, original order, payee and card.
func NewFingerprint(fields ...string) Fingerprint {
	h := sha256.New()
	var n [8]byte
	for _, f := range fields {
		binary.BigEndian.PutUint64(n[:], uint64(len(f)))
		h.Write(n[:])
		h.Write([]byte(f))
	}
	return Fingerprint(h.Sum(nil))
}

// State says what a Begin found.
type State uint8

const (
	// New: this call created the record and has to complete it, under its Epoch.
	New State = iota + 1
	// Mismatch: same key, other fingerprint. Nothing was changed.
	Mismatch
	// InFlight: another call has it, until Until.
	InFlight
	// Replay: it was completed; Outcome and Response are what was stored.
	Replay
	// Unknown: the call that had it let its lease run out, or completed it as open.
	// Answer as processing; only whoever settles it may Reclaim it.
	Unknown
)

// Outcome says how a request ended.
type Outcome string

const (
	// Done: the response stands and is replayed.
	Done Outcome = "done"
	// Open: what the request started is not known to have ended.
	Open Outcome = "open"
)

// Claim is the answer of a Begin or a Reclaim.
type Claim struct {
	State State
	// Epoch is the compare-and-swap token of the record: 1 for a new one, one more after
	// each Reclaim.
	Epoch int64
	// Owner has the record, since Since and until Until, by the store's clock in whole
	// milliseconds.
	Owner        string
	Since, Until time.Time
	// Outcome is what Complete was given, empty where it was not.
	Outcome Outcome
	// Response is what Complete was given, byte for byte; empty once trimmed.
	Response []byte
	// Trimmed: the response was dropped after its time; the outcome stands.
	Trimmed bool
}

// Store keeps the keys. storetest.RunKeys holds every implementation to these
// comments. It is safe for concurrent use, copies what it is given and what it gives,
// and judges leases by its own clock: one is over when its Until has come.
//
// Key.Validate and ValidateLease say what it refuses, with a *bankrail.FieldError.
type Store interface {
	// Begin looks a key up, or records it for owner until the lease ends. A record is
	// never overwritten here, however old.
	//
	// After an error it is not known whether the key was recorded: Begin again tells,
	// where the owner is one that nobody else uses.
	Begin(ctx context.Context, k Key, p Fingerprint, owner string, lease time.Duration) (Claim, error)
	// Complete stores the outcome, if the record still has this epoch and was not
	// completed as Done; that the lease is over does not matter. Errors: ErrLost; after
	// any other error it is not known whether it was stored: Begin again tells.
	Complete(ctx context.Context, k Key, epoch int64, o Outcome, response []byte) error
	// Reclaim takes over a record that is Unknown, by compare-and-swap on the epoch that
	// was read: the Claim is New, under the next epoch, and what was completed as Open is
	// gone. A live or completed one is never taken: ErrLost.
	Reclaim(ctx context.Context, k Key, epoch int64, owner string, lease time.Duration) (Claim, error)
	// Trim drops the response bodies of records completed as Done before then, at most
	// limit; the keys stay. It returns how many.
	Trim(ctx context.Context, before time.Time, limit int) (int, error)
	// Durable reports whether a crash of the store loses nothing. A volatile one may
	// forget a key, and the request is executed again.
	Durable() bool
}

// Locker locks names for a while, for speed: of several callers of one order one goes
// first. storetest.RunLocker holds every implementation to these comments.
type Locker interface {
	// Lock takes a name for life, at once or not at all. Errors: ErrLocked; a
	// *bankrail.FieldError for an empty name or a life below a millisecond; any other
	// error means that the lock service could not be asked.
	Lock(ctx context.Context, name string, life time.Duration) (Lease, error)
}

// ErrLocked: somebody else has the name.
var ErrLocked = errors.New("idempotency: name is locked")

// Lease is a name that was locked.
type Lease interface {
	// Fence rises with every Lock of the same name.
	Fence() int64
	// Until is when the lease ends by this process's clock, counted from before the
	// lock was asked for.
	Until() time.Time
	// Unlock gives the name back, if it is still this lease's; of another's it is left
	// alone, and ErrLost tells, as it does once the lease is over.
	Unlock(ctx context.Context) error
}
