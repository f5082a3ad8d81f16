package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
)

// gateway is the bank as a node sees it, over a wire that loses, delays and doubles.
type gateway struct{ w *world }

var _ refund.Gateway = (*gateway)(nil)

func channel() bankrail.Channel { return bankrail.Channel{Gateway: "sim", Merchant: "M1"} }

func idOf(number string) bankrail.ID {
	return bankrail.ID{Channel: channel(), Op: bankrail.OpRefund, Number: number}
}

func (g *gateway) Channel() bankrail.Channel          { return channel() }
func (g *gateway) Rules(bankrail.Op) journal.Rules    { return g.w.plan.rules }
func (g *gateway) CheckRefund(r refund.Request) error { return nil }

// Ready asks the breaker, which opens and closes at the middle of a call too.
func (g *gateway) Ready(ctx context.Context) error {
	if c := callOf(ctx); g.w.within(g.w.breaker) && c.dice.chance(500) {
		g.w.saw("breaker open before the record")
		return failed(bankrail.NotSent, 0, "breaker open")
	}
	return nil
}

// parcel is one request on its way.
type parcel struct {
	query         bool
	serial        int
	first         bool // no copy of the number left before
	number, order string
	amount        bankrail.Money
}

// reply is what the bank says to a request.
type reply struct {
	receipt            bankrail.Receipt
	refused            string
	deferred, notFound bool
}

// Refund sends a copy of the request.
func (g *gateway) Refund(ctx context.Context, r refund.Request) (bankrail.Receipt, error) {
	w, c := g.w, callOf(ctx)
	c.step("send", r.Number)
	if at, ok := ctx.Deadline(); !ok || at.Sub(now()) > 20*time.Second {
		w.audit.violate("I11", r.Number, "a call without the deadline of calls: %v", at)
	}
	if w.within(w.breaker) {
		w.saw("breaker open at the send")
		return bankrail.Receipt{}, failed(bankrail.NotSent, 0, "breaker open")
	}
	if ctx.Err() != nil || w.happens(&c.dice, w.plan.notSent, "wire not sent") {
		return bankrail.Receipt{}, failed(bankrail.NotSent, 0, "connection refused")
	}
	serial, first := w.audit.sent(r, c.paused())
	p := parcel{serial: serial, first: first, number: r.Number, order: r.Order, amount: r.Amount}
	return g.exchange(ctx, c, p)
}

// QueryRefund asks the bank.
func (g *gateway) QueryRefund(ctx context.Context, r refund.Request) (bankrail.Receipt, error) {
	c := callOf(ctx)
	c.step("query", r.Number)
	if g.w.within(g.w.breaker) {
		return bankrail.Receipt{}, failed(bankrail.NotSent, 0, "breaker open")
	}
	g.w.audit.asked(r.Number)
	return g.exchange(ctx, c, parcel{query: true, number: r.Number, order: r.Order})
}

func failed(effect bankrail.Effect, status int, text string) error {
	return &bankrail.Error{Gateway: "sim", Op: bankrail.OpRefund, HTTPStatus: status, Effect: effect, Err: errors.New(text)}
}

func (g *gateway) exchange(ctx context.Context, c *call, p parcel) (bankrail.Receipt, error) {
	w, pl := g.w, &g.w.plan
	hang := func(why string) (bankrail.Receipt, error) {
		<-ctx.Done()
		c.check()
		w.say(p.number, "%s %s: no answer", p.name(), why)
		return bankrail.Receipt{}, failed(bankrail.Unknown, 0, "timeout")
	}
	if w.happens(&c.dice, pl.lost, "wire lost") {
		return hang("lost")
	}
	if w.happens(&c.dice, pl.http5xx, "answer 5xx") {
		return bankrail.Receipt{}, failed(bankrail.Unknown, 502, "bad gateway")
	}
	if !p.query && pl.swallow > 0 && w.happens(&c.dice, pl.swallow, "wire swallows") {
		return hang("swallowed")
	}
	back := make(chan reply, 1)
	g.deliver(c.dice.fork("way", p.serial), p, back)
	if w.happens(&c.dice, pl.twice, "wire twice") && !p.query {
		d := c.dice.fork("again", p.serial)
		g.deliver(d, p, nil)
	}
	if !p.query {
		w.saw("point C5") // a crash elsewhere on the node, or the pause of it, strikes here
	}
	select {
	case r := <-back:
		c.step("answer", p.number)
		return g.read(ctx, c, p, r, hang)
	case <-ctx.Done():
		return hang("slow")
	}
}

// deliver lets a copy arrive after a while, whatever became of its sender.
func (g *gateway) deliver(d dice, p parcel, back chan<- reply) {
	w := g.w
	delay := d.between(5*time.Millisecond, 800*time.Millisecond)
	if !(p.query && w.plan.ages) && w.happens(&d, w.plan.late, "wire late") {
		delay = w.plan.delay(&d, p)
	}
	go func() {
		sleep(context.Background(), &d, delay)
		if w.over() {
			return
		}
		r := w.bank.arrive(p, &d)
		sleep(context.Background(), &d, d.between(0, 300*time.Millisecond))
		if back != nil {
			back <- r
		}
	}()
}

// delay is that of a late arrival. Where requests outlive the grace, many first copies
// come just when the second is about to leave.
func (p *plan) delay(d *dice, of parcel) time.Duration {
	switch {
	case p.meets && of.first && d.chance(800):
		return d.between(6*time.Minute, 6*time.Minute+15*time.Second)
	case p.meets:
		return d.between(0, 15*time.Second)
	case p.ages && of.first && d.chance(500):
		return d.between(4*time.Minute+50*time.Second, 7*time.Minute)
	case of.first:
		return d.between(0, p.life)
	}
	return d.between(0, 119*time.Second)
}

// read is the answer as it came through the wire.
func (g *gateway) read(ctx context.Context, c *call, p parcel, r reply, hang func(string) (bankrail.Receipt, error)) (bankrail.Receipt, error) {
	w, pl := g.w, &g.w.plan
	switch {
	case w.happens(&c.dice, pl.answerLost, "answer lost"):
		return hang("answered, lost")
	case w.happens(&c.dice, pl.cut, "answer cut"):
		return bankrail.Receipt{}, failed(bankrail.Unknown, 200, "unexpected EOF")
	case w.happens(&c.dice, pl.http5xx, "answer 5xx"):
		return bankrail.Receipt{}, failed(bankrail.Unknown, 503, "service unavailable")
	case w.happens(&c.dice, pl.garble, "answer garbage"):
		return bankrail.Receipt{}, failed(bankrail.Unknown, 200, "not JSON: <html>")
	case w.happens(&c.dice, pl.garble, "answer unsigned"):
		return bankrail.Receipt{}, failed(bankrail.Unknown, 200, "signature does not verify")
	case r.notFound:
		w.say(p.number, "query: not found")
		return bankrail.Receipt{}, fmt.Errorf("sim: %s: %w", p.number, bankrail.ErrNotFound)
	case r.refused != "":
		w.say(p.number, "answer: refused (%s)", r.refused)
		w.audit.refused(p)
		return bankrail.Receipt{}, &bankrail.Error{
			Gateway: "sim", Op: bankrail.OpRefund, Code: r.refused, HTTPStatus: 400,
			Effect: bankrail.Refused, Deferred: r.deferred,
		}
	}
	if p.query {
		w.audit.answered(p.number, r.receipt)
	}
	w.say(p.number, "%s answered: %s %s", p.name(), r.receipt.Status, r.receipt.Amount)
	return r.receipt, nil
}

func (p parcel) name() string {
	if p.query {
		return "query"
	}
	return "send"
}
