package journal

import (
	"context"
	"encoding/json"
	"time"

	"github.com/bankrail/bankrail"
)

// Driver is an operation as the Book sees it: refund.Service and its siblings.
type Driver interface {
	// Op names the operation whose entries it drives.
	Op() bankrail.Op
	// Channel is the one channel it serves, or the zero Channel if it finds the gateway
	// of any. Entries of other channels are never given to it.
	Channel() bankrail.Channel
	// Rules says what the channel's gateway promises. An error leaves the entry as it is.
	Rules(ctx context.Context, ch bankrail.Channel) (Rules, error)
	// Send puts the recorded request on the wire, freshly signed; first sends and
	// later ones share it. Errors carry their Effect (bankrail.EffectOf).
	Send(ctx context.Context, e Entry, secrets []byte) (Answer, error)
	// Query asks the gateway what became of the number. An authentic "no such number"
	// is an error that errors.Is(err, bankrail.ErrNotFound); any other error is no answer.
	Query(ctx context.Context, e Entry) (bankrail.Receipt, error)
}

// Answer is what a send brought back.
type Answer struct {
	bankrail.Receipt
	// Reply is kept as Entry.Reply, for callers that repeat the number.
	Reply json.RawMessage
}

// Rules is what a gateway promises about numbers, from its documentation. The zero
// value assumes nothing and is safe: nothing is ever sent again.
type Rules struct {
	// Dedupe says which numbers the gateway recognises when they come again.
	Dedupe Dedupe
	// Horizon is for how long after the first send it does. Defaults to 0: never send again.
	Horizon time.Duration
	// Visible is how long a number may be invisible to queries after its last copy
	// could have left. Before it, "not found" says nothing. Defaults to 10 minutes.
	Visible time.Duration
	// Settles is how long an accepted number may take. Defaults to 72 hours.
	Settles time.Duration
	// Expiry: the gateway itself enforces the end of an offer.
	Expiry bool
}

// Dedupe says which numbers a gateway recognises.
type Dedupe uint8

const (
	// DedupeNone: every copy may be executed. Nothing is sent again, and a refusal
	// decides only together with a query.
	DedupeNone Dedupe = iota
	// DedupeSucceeded: numbers that are open or succeeded; a failed one may be executed anew.
	DedupeSucceeded
	// DedupeAll: failed numbers too.
	DedupeAll
)

func (r Rules) visible() time.Duration {
	if r.Visible > 0 {
		return r.Visible
	}
	return 10 * time.Minute
}

func (r Rules) settles() time.Duration {
	if r.Settles > 0 {
		return r.Settles
	}
	return 72 * time.Hour
}
