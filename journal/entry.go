package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/bankrail/bankrail"
)

// Entry is one row of the journal: one number, for ever.
//
// Times are the store's clock in UTC, whole milliseconds.
type Entry struct {
	bankrail.ID
	// Version counts the changes from 1; every change is a compare-and-swap on it.
	Version int64
	Status  bankrail.Status
	// Cause says why an entry is Manual, and of a Failed one whether it was ever sent.
	Cause Cause
	// Order is the order the number belongs to, empty where the operation has none.
	Order string
	// Amount is what was asked for, Settled what the gateway says moved.
	Amount  bankrail.Money
	Settled bankrail.Money
	// Held is what the entry holds of its order's budget; zero once released.
	Held bankrail.Money
	// AnyAmount: the gateway may rightly move another amount (card face values).
	AnyAmount bool
	// Offer: the payer carries the request (bank page, QR); see Rules.Expiry.
	Offer       bool
	Fingerprint Fingerprint
	// Data is the operation's recorded request in its stored format. Sending again
	// builds the request from it.
	Data json.RawMessage
	// Reply is what the operation gives its caller again when the number is repeated.
	Reply json.RawMessage
	// Sealed holds the secrets of the request, encrypted by the Sealer.
	Sealed []byte
	// Operator is who asked for it, as the host names people.
	Operator string
	// GatewayNumber is the gateway's own number, once it told one.
	GatewayNumber string
	// Code and Message say why it failed or is Manual: the gateway's own words for a
	// refusal, the journal's otherwise.
	Code    string
	Message string
	// Of is the entry a correction belongs to; the zero ID otherwise.
	Of bankrail.ID
	// Attempt is a random token of the call that inserted the entry: how a call whose
	// commit was unknown recognises its own row.
	Attempt string
	// Sends counts the copies that were allowed out, at most MaxSends. Copies counts
	// those that may have reached the gateway and are not known to be dead.
	Sends  int
	Copies int
	// FirstSend and LastSendBy bound when copies may have left.
	FirstSend  time.Time
	LastSendBy time.Time
	// SendUntil is how long a number that certainly did not leave may wait to be sent.
	SendUntil time.Time
	// Postponed: the gateway refused the only copy for now; it is sent again when due.
	Postponed bool
	// AcceptedAt is when the gateway first said, authentically, that it is on it, or
	// anything else that it can only say of a number it has, but for a failure. From then
	// on its absence proves nothing.
	AcceptedAt time.Time
	// Tries counts the queries that were answered without an outcome.
	Tries int
	// Asks counts all queries of an accepted entry, for the back-off.
	Asks int
	// NextAt is when the worker looks at the entry again; zero is never.
	NextAt time.Time
	// Expires is when an offer ends.
	Expires time.Time
	// AbsentAt is when a query was put whose authentic answer was "no such number", if
	// nothing was heard of the number since.
	AbsentAt time.Time
	// Proposal is what a first person decided of a Manual entry where a second has to
	// agree; zero where there is none.
	Proposal  Proposal
	CreatedAt time.Time
	UpdatedAt time.Time

	// Unconfirmed: the journal could not be reached after the insert was sent to it,
	// so there may be no row; nothing was sent to the gateway. If a later read says
	// ErrNotFound, create the same number again. Never stored.
	Unconfirmed bool
}

// Cause says why an entry is where it is.
type Cause string

const (
	// CauseNone is the cause of an entry that needs none.
	CauseNone Cause = ""
	// CauseTries: Manual because all queries were used up without an outcome.
	CauseTries Cause = "tries"
	// CauseOverdue: Manual because an accepted entry outlived the gateway's settlement time.
	CauseOverdue Cause = "overdue"
	// CauseContradiction: Manual because the gateway's own words do not agree. Only a
	// person ends it.
	CauseContradiction Cause = "contradiction"
	// CauseEarly: Manual because the gateway had news of the number before it was ever
	// sent. Only a person ends it.
	CauseEarly Cause = "early"
	// CauseNeverSent: Failed, and no copy ever left.
	CauseNeverSent Cause = "never_sent"
	// CauseRefused: Failed, because the gateway refused the only copy.
	CauseRefused Cause = "refused"
	// CauseDecided: a person settled it; the history says who and why.
	CauseDecided Cause = "decided"
	// CauseFailed: Failed, because the gateway reported the failure of what it had accepted.
	CauseFailed Cause = "failed"
)

// needsPerson reports whether news may not end a Manual entry.
func (c Cause) needsPerson() bool { return c == CauseContradiction || c == CauseEarly }

// Fingerprint identifies the content of a request: two requests under one number
// are the same only if their fingerprints are.
type Fingerprint [sha256.Size]byte

// NewFingerprint digests fields in order. Each is preceded by its length, so that
// no two lists of fields share a text.
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

// Hold asks for a part of an order's budget: the amount of the draft is reserved in
// the transaction that records it, if what the order holds stays within Limit.
type Hold struct {
	// Limit is what was paid for the order. The zero Hold reserves nothing.
	Limit bankrail.Money
}

// Draft is what an operation wants recorded, once it has checked the request.
type Draft struct {
	Order  string
	Amount bankrail.Money
	// AnyAmount and Offer: see Entry.
	AnyAmount bool
	Offer     bool
	// Data is the recorded request; Secrets what of it must not be stored in clear.
	Data     json.RawMessage
	Secrets  []byte
	Hold     Hold
	Operator string
	// Expires ends an offer.
	Expires time.Time
	// SendWithin is how long the number may wait where the first copy certainly did
	// not leave or was refused for now. Defaults to 0: it fails instead.
	SendWithin time.Duration
	// Queue records the entry as Created and leaves the first send to the worker.
	Queue bool
}
