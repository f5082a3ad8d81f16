package sim

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// tell sends the notices of a change, as this bank does: none, one or many, in any
// order, late, and sometimes wrong. The caller holds the world's lock.
func (b *bank) tell(r bankrail.Receipt, d dice) {
	w, pl := b.w, &b.w.plan
	if r.Status == bankrail.Processing && !d.chance(400) || !w.calm() && d.chance(pl.noticeLost) {
		return
	}
	if !w.calm() && d.chance(pl.bare) {
		w.saw("notice without amount")
		r.Amount = bankrail.Money{}
	}
	n := b.notice(r)
	copies := 1
	if pl.copies > 0 {
		copies += d.below(pl.copies + 2)
	}
	for i := range copies {
		b.post(n, d.fork("copy", i), 0, i > 0)
	}
	if w.calm() {
		return
	}
	if d.chance(pl.replay) {
		w.saw("notice stale")
		old := n
		if d.chance(300) {
			old = b.notice(opposite(r)) // nobody knows of which number it was a recording
		}
		old.Stale, old.At = true, now()
		b.post(old, d.fork("replay", 0), d.between(10*time.Minute, 2*time.Hour), false)
	}
	if d.chance(pl.contradict) {
		w.saw("notice contradicts")
		w.taint(r.Number)
		b.post(b.notice(opposite(r)), d.fork("contradict", 0), d.between(0, time.Hour), false)
	}
	if d.chance(pl.reuse) {
		w.saw("notice reused")
		w.taint(r.Number)
		other := b.notice(opposite(r))
		other.ID = n.ID
		b.post(other, d.fork("reuse", 0), d.between(0, time.Hour), false)
	}
	if d.chance(pl.alien) {
		w.saw("notice alien")
		alien := r
		alien.Number = "X" + r.Number
		b.post(b.notice(alien), d.fork("alien", 0), 0, false)
	}
}

func opposite(r bankrail.Receipt) bankrail.Receipt {
	if r.Status == bankrail.Failed {
		r.Status, r.Amount = bankrail.Succeeded, bankrail.CNY(1_00)
	} else {
		r.Status = bankrail.Failed
	}
	return r
}

func (b *bank) notice(r bankrail.Receipt) journal.Notice {
	b.talks[r.Number]++
	return journal.Notice{
		Channel: channel(), ID: fmt.Sprintf("N%s-%d", r.Number, b.talks[r.Number]), At: now(),
		Digest: sha256.Sum256(fmt.Appendf(nil, "%s %s %s", r.Number, r.Status, r.Amount)),
		News:   []journal.News{{Op: bankrail.OpRefund, Receipt: r}},
	}
}

// post delivers one copy until it is acknowledged, or the bank tires of it.
func (b *bank) post(n journal.Notice, d dice, delay time.Duration, again bool) {
	w := b.w
	delay += d.between(0, 5*time.Second)
	if !w.calm() && d.chance(w.plan.old) {
		delay += d.between(24*time.Hour, 72*time.Hour)
		w.saw("notice days late")
	}
	w.saw("notice")
	if again {
		w.saw("notice again")
		delay += d.between(0, 10*time.Minute)
	}
	go func() {
		for try := range 10 {
			sleep(context.Background(), &d, delay)
			if w.over() || w.receive(n, &d, try) {
				return
			}
			w.saw("notice refused")
			delay = 15 * time.Second << min(try, 8)
		}
	}()
}

// receive delivers a notice to some node and reports whether it was acknowledged.
func (w *world) receive(n journal.Notice, d *dice, try int) bool {
	node := w.nodes[d.below(len(w.nodes))]
	acked := false
	lived := node.run(d.fork("receive", try), func(ctx context.Context, c *call) {
		acked = c.book.Receive(ctx, n) == nil
	})
	if !lived || !acked {
		return false
	}
	w.say(n.News[0].Number, "notice %s %s acknowledged", n.ID, n.News[0].Status)
	w.audit.acknowledged(n)
	return true
}
