package sim

import (
	"context"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// limitsFor is how long a node may go by the limits it read last.
const limitsFor = time.Second

// limiter stops refunds or caps them while everything goes on, and lifts that again.
func (w *world) limiter() {
	d := w.dice.fork("limits", 0)
	for k := range 4 {
		sleep(context.Background(), &d, d.between(time.Second, 15*time.Minute))
		l := journal.Limit{Channel: channel(), Op: bankrail.OpRefund, By: "op", Why: "something is wrong"}
		if d.chance(700) {
			l.Stopped = true
		} else {
			l.Max = bankrail.CNY(30_00)
		}
		w.limit(l, d.fork("set", k))
		sleep(context.Background(), &d, d.between(time.Minute, 40*time.Minute))
		l.Stopped, l.Max = false, bankrail.Money{}
		w.limit(l, d.fork("lift", k))
		if w.calm() {
			return
		}
	}
}

// limit sets a limit until it is known to be in force.
func (w *world) limit(l journal.Limit, d dice) {
	for try := 0; !w.over(); try++ {
		done := false
		w.nodes[d.below(len(w.nodes))].run(d.fork("try", try), func(ctx context.Context, c *call) {
			done = c.book.SetLimit(ctx, l) == nil
		})
		if done {
			return
		}
		sleep(context.Background(), &d, 10*time.Second)
	}
}

// Limits reads the limits over the connection.
func (s *store) Limits(ctx context.Context) ([]journal.Limit, error) {
	if s.w.plan.limits {
		if err := s.read(ctx, "limits", ""); err != nil {
			return nil, err
		}
	}
	return s.Store.Limits(context.Background())
}

// SetLimit sets one over the connection.
func (s *store) SetLimit(ctx context.Context, l journal.Limit) error {
	return s.write(ctx, "limit", bankrail.ID{}, false, func() error {
		err := s.Store.SetLimit(context.Background(), l)
		if err == nil {
			s.w.audit.limited(l)
		}
		return err
	})
}

// limited notes from when on a limit is in force.
func (a *auditor) limited(l journal.Limit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limit, a.limitAt = l, now()
	name := "limit lifted"
	switch {
	case l.Stopped:
		name = "limit stops"
	case !l.Max.IsZero():
		name = "limit caps"
	}
	a.w.saw(name)
	a.w.say("", "%s", name)
}

// heeds judges a copy that leaves by the limit in force: it was allowed before the
// limit was known everywhere, and left by its time. A node that stalled between the
// two may be late by as long.
func (a *auditor) heeds(number string, amount bankrail.Money, pause time.Time) {
	known := a.limitAt
	if pause.After(known) {
		known = pause
	}
	if a.keeps(amount) && now().Sub(known) > limitsFor+sendBy+callTimeout {
		a.violated("limit", number, "sent %s after it was forbidden", now().Sub(a.limitAt))
	}
}

// records judges a new record by the limit in force. What lands late was allowed
// before; a request that is recorded in time only waits.
func (a *auditor) records(e journal.Entry) {
	late := e.CreatedAt.Sub(a.limitAt)
	if e.Version != 0 || e.Status != bankrail.Processing && e.Status != bankrail.Created || !a.keeps(e.Amount) || late <= limitsFor+sendBy {
		return
	}
	a.w.saw("limit: recorded late")
	if a.w.plan.pause == 0 && a.w.plan.slow == 0 && !a.w.plan.locks && !a.w.plan.vault {
		a.violated("limit", e.Number, "recorded %s after it was forbidden", late)
	}
}

func (a *auditor) keeps(amount bankrail.Money) bool {
	return a.limit.Stopped || !a.limit.Max.IsZero() && amount.Minor() > a.limit.Max.Minor()
}
