// Package broker publishes the events of the journal to message brokers, and reads
// them back in the services that consume them.
//
//	p, err := broker.NewNATS(ctx, js, broker.NATSConfig{})
//	if err != nil { … }
//	n, err := book.Relay(ctx, p, 100) // or worker.Run, which calls it
//
// A consumer decodes what it gets and takes each event once:
//
//	e, err := broker.Decode(msg.Data())
//	fresh, err := sqlstore.PostgreSQL.Once(ctx, tx, "balances", e)
//
// # The promise
//
// Publish returns nil only when the broker says that the event is safely there. An
// error may mean that it is there all the same, so it is published again, under the
// same ID: every event arrives at least once, and per entry the first copies arrive
// in version order. Copies of older versions may follow newer ones; Once refuses
// them. docs/brokers.md shows whole consumers.
//
// # What it is not for
//
// It opens no connection and makes no stream or topic: they are the host's. It is no
// place for money: nothing that is published decides anything in the journal.
package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// usual bounds one publish where the host sets nothing.
const usual = 5 * time.Second

// Error says which event did not get where. The event may be there all the same.
type Error struct {
	// Broker is "nats" or "kafka", Where the subject or topic.
	Broker, Where string
	// Event is the ID of the event.
	Event string
	// Err is the cause.
	Err error
}

// Error writes "broker: nats: subject: event …: cause".
func (e *Error) Error() string {
	return fmt.Sprintf("broker: %s: %.200s: event %.200q: %v", e.Broker, e.Where, e.Event, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Func is a publisher in the same process: a host of one process needs no broker.
// It returns nil only when it has dealt with the event, and gets it again otherwise.
type Func func(ctx context.Context, e journal.Event) error

var _ journal.Publisher = Func(nil)

// Publish calls f.
func (f Func) Publish(ctx context.Context, e journal.Event) error { return f(ctx, e) }

// All is a publisher to several, one after the other. It stops at the first that
// fails; those before it then get the event again.
func All(ps ...journal.Publisher) journal.Publisher {
	return Func(func(ctx context.Context, e journal.Event) error {
		for _, p := range ps {
			if err := p.Publish(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// timeout checks a Config.Timeout.
func timeout(d time.Duration) (time.Duration, error) {
	switch {
	case d < 0:
		return 0, bad("Config.Timeout", "want a positive duration, or 0 for the default")
	case d == 0:
		return usual, nil
	}
	return d, nil
}

func bad(field, problem string) error {
	return &bankrail.FieldError{Field: field, Problem: problem}
}

// ended prefers what ended a publish to what the client library made of it.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		return errors.Join(context.Cause(ctx), err)
	}
	return err
}
