package sim

import (
	"context"
	"errors"

	"github.com/bankrail/bankrail/journal"
)

// broker keeps what was published. It may be down, or lose its own acknowledgement.
type broker world

var errBroker = errors.New("broker: no acknowledgement")

func (b *broker) Publish(ctx context.Context, e journal.Event) error {
	w, c := (*world)(b), callOf(ctx)
	c.step("publish", e.Entry.Number)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.within(w.brokerDown) {
		w.saw("broker down")
		return errBroker
	}
	w.say(e.Entry.Number, "event %s #%d", e.Type, e.Version)
	w.audit.published(e)
	if !w.calm() && c.dice.chance(w.plan.ackLost) {
		w.saw("broker ack lost")
		return errBroker
	}
	return nil
}
