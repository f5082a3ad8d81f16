package sim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/refund"
)

// intent is one refund that the host wants once. It takes a new number after every
// error, which is what the promise allows.
type intent struct {
	w      *world
	name   string
	order  string
	amount bankrail.Money
	dice   dice
}

// answer is what became of one call.
type answer struct {
	died   bool // with its node, or no node was there
	status bankrail.Status
	// unconfirmed: see journal.Entry.
	unconfirmed bool
	err         error
}

// hosts starts the intents, most of them at nearly the same time.
func (w *world) hosts() {
	for k := range w.plan.intents {
		d := w.dice.fork("intent", k)
		i := &intent{
			w: w, name: fmt.Sprintf("R%d", k), order: fmt.Sprintf("O%d", d.below(w.plan.orders)),
			amount: bankrail.CNY(w.plan.paid * int64(15+d.below(50)) / 100), dice: d,
		}
		go i.live()
	}
}

func (i *intent) pause(from, to time.Duration) bool {
	sleep(context.Background(), &i.dice, i.dice.between(from, to))
	return !i.w.calm()
}

func (i *intent) live() {
	w := i.w
	i.pause(0, 0) // from here on alone
	before := i.dice.between(time.Second, 20*time.Minute)
	if i.dice.chance(500) {
		before = i.dice.between(time.Second, 5*time.Second)
	}
	if w.plan.rush {
		before = i.dice.between(2*time.Second, 2*time.Second+20*time.Millisecond)
	}
	if i.dice.chance(w.plan.early) {
		w.early(i, before)
	}
	if !i.pause(before, before) {
		return
	}
	for k := range 4 {
		number := fmt.Sprintf("%s-%d", i.name, k)
		w.audit.wants(number, i)
		if !i.pursue(number) || !i.pause(time.Second, 5*time.Minute) {
			return
		}
		w.saw("host new number")
	}
}

// early tells of the first number of an intent before the host has used it.
func (w *world) early(i *intent, before time.Duration) {
	w.saw("notice early")
	number := i.name + "-0"
	w.taint(number)
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.bank.notice(bankrail.Receipt{Number: number, Status: bankrail.Succeeded, Amount: i.amount})
	d := i.dice.fork("early", 0)
	w.bank.post(n, d, max(0, before-d.between(0, 5*time.Second)), false)
}

// pursue calls Create under one number until there is an answer, and reports whether
// a new number may be taken.
func (i *intent) pursue(number string) bool {
	w := i.w
	unanswered := false
	for try := range 12 {
		as := i.attempt(number, try)
		unanswered = unanswered || anyOf(as, func(a answer) bool { return a.died })
		switch {
		case anyOf(as, answer.open):
			if !i.confirmed(number, as) {
				break // Unconfirmed, and not found later: the same number again
			}
			i.accepted(number)
			return false
		case allOf(as, answer.safe) && (!unanswered || allOf(as, answer.recorded)):
			return true
		}
		if !i.pause(time.Second, 3*time.Minute) {
			return false
		}
		w.saw("host repeats")
	}
	return false
}

// attempt calls Create once, or on two nodes at the same time.
func (i *intent) attempt(number string, try int) []answer {
	w := i.w
	d := i.dice.fork("attempt "+number, try)
	if !d.chance(w.plan.elsewhere) {
		return []answer{i.create(number, i.amount, d)}
	}
	w.saw("host repeats elsewhere")
	other := make(chan answer, 1)
	go func() {
		d := d.fork("elsewhere", 0)
		sleep(context.Background(), &d, d.between(0, time.Second))
		other <- i.create(number, i.amount, d)
	}()
	first := i.create(number, i.amount, d)
	second := <-other
	sleep(context.Background(), &i.dice, 0)
	return []answer{first, second}
}

// create calls Create on some node.
func (i *intent) create(number string, amount bankrail.Money, d dice) answer {
	w := i.w
	a := answer{died: true}
	n := w.nodes[d.below(len(w.nodes))]
	w.audit.calls(number)
	defer w.audit.returns(number)
	gives := w.happens(&d, w.plan.givesUp, "host gives up")
	n.run(d.fork("create", 0), func(ctx context.Context, c *call) {
		if gives {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, d.between(0, 25*time.Second))
			defer cancel()
		}
		w.say(number, "Create(%s) on node %d", amount, n.id)
		create := c.create
		if w.plan.inTx > 0 && !w.plan.vault && c.dice.chance(w.plan.inTx) {
			create = c.createTx
		}
		r := create(ctx, refund.Request{Number: number, Order: i.order, Amount: amount, Reason: "sold out"})
		c.step("return", number)
		a = r
	})
	switch {
	case a.died:
		w.say(number, "no answer: node %d is dead", n.id)
	case a.err != nil:
		w.say(number, "Create returns the error %q", a.err)
	default:
		w.say(number, "Create returns %s (unconfirmed: %v)", a.status, a.unconfirmed)
	}
	if amount == i.amount {
		w.audit.told(number, a)
	}
	return a
}

// create calls the operation of this world.
func (c *call) create(ctx context.Context, r refund.Request) answer {
	if v, ok := c.driver.(vault); ok {
		status, unconfirmed, err := v.create(ctx, r)
		return answer{status: status, unconfirmed: unconfirmed, err: err}
	}
	got, err := c.refunds.Create(ctx, r)
	if err != nil {
		return answer{err: err}
	}
	return answer{status: got.Status, unconfirmed: got.Unconfirmed}
}

func (a answer) open() bool { return !a.died && a.err == nil }

// safe: an error after which a new number may be taken.
func (a answer) safe() bool {
	return !a.died && a.err != nil && !errors.Is(a.err, bankrail.ErrUnavailable) && !errors.Is(a.err, bankrail.ErrConflict)
}

// recorded: an error that stands in the journal. Any other does not speak for a call of
// the same number that died unanswered, whose record may come yet.
func (a answer) recorded() bool { return errors.Is(a.err, bankrail.ErrFailed) }

func anyOf(as []answer, is func(answer) bool) bool {
	for _, a := range as {
		if is(a) {
			return true
		}
	}
	return false
}

func allOf(as []answer, are func(answer) bool) bool {
	return !anyOf(as, func(a answer) bool { return !are(a) })
}

// confirmed finds out whether a number that was told as open is recorded.
func (i *intent) confirmed(number string, as []answer) bool {
	if anyOf(as, func(a answer) bool { return a.open() && !a.unconfirmed }) {
		return true
	}
	w := i.w
	w.saw("host unconfirmed")
	for try := range 20 {
		if !i.pause(time.Minute, 5*time.Minute) {
			return true
		}
		var err error
		lived := w.nodes[i.dice.below(len(w.nodes))].run(i.dice.fork("get", try), func(ctx context.Context, c *call) {
			_, err = c.book.Get(ctx, idOf(number))
		})
		switch {
		case lived && err == nil:
			return true
		case lived && errors.Is(err, bankrail.ErrNotFound):
			return false
		}
	}
	return true
}

// accepted is what a host may do with a number that has an answer.
func (i *intent) accepted(number string) {
	w := i.w
	if w.happens(&i.dice, w.plan.cancel, "operator cancels") {
		i.cancel(number)
	}
	if w.happens(&i.dice, w.plan.otherContent, "host other content") && i.pause(0, time.Hour) {
		a := i.create(number, bankrail.CNY(i.amount.Minor()+1), i.dice.fork("other", 0))
		if !a.died && !errors.Is(a.err, bankrail.ErrConflict) && !errors.Is(a.err, bankrail.ErrUnavailable) {
			w.audit.violate("I7", number, "other content was answered %v, not ErrConflict", a.err)
		}
	}
	if i.dice.chance(300) && i.pause(0, time.Hour) {
		w.saw("host repeats")
		i.create(number, i.amount, i.dice.fork("repeat", 0))
	}
}

func (i *intent) cancel(number string) {
	w := i.w
	w.nodes[i.dice.below(len(w.nodes))].run(i.dice.fork("cancel", 0), func(ctx context.Context, c *call) {
		_, err := c.book.Cancel(ctx, idOf(number), "op", "changed their mind")
		c.step("cancelled", number)
		w.say(number, "Cancel returns %v", err)
		if err == nil {
			w.audit.cancelled(number)
		}
	})
}
