package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// bank executes what arrives. Its log is what the auditor believes.
type bank struct {
	w *world
	// recs are all records, in order; of a number the last one answers queries.
	recs    []*record
	replies map[int]reply  // by the serial of a transmission, to a bank that de-duplicates
	talks   map[string]int // notices, by number
}

// record is a refund at the bank. Every number has one at most, unless something
// went wrong or a failed one was executed anew.
type record struct {
	number, order string
	amount        bankrail.Money // what the bank moves
	at            time.Time
	changes       []change
	// opened: the bank took it on, so that money may move; a refused one was not.
	opened bool
}

type change struct {
	at     time.Time
	status bankrail.Status
}

func (r *record) status() bankrail.Status { return r.changes[len(r.changes)-1].status }

// live reports whether money moved for the record or may yet.
func (r *record) live() bool { return r.opened && r.status() != bankrail.Failed }

func (b *bank) find(number string) *record {
	for _, r := range slices.Backward(b.recs) {
		if r.number == number {
			return r
		}
	}
	return nil
}

// arrive handles a request.
func (b *bank) arrive(p parcel, d *dice) reply {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if p.query {
		return b.query(p, d)
	}
	b.w.say(p.number, "bank gets a copy: %s", p.amount)
	dedupe := b.w.plan.dedupe != journal.DedupeNone
	if r, ok := b.replies[p.serial]; ok && dedupe {
		return r // the same transmission twice: its nonce was used
	}
	r := b.execute(p, d)
	b.replies[p.serial] = r
	return r
}

// query answers from what the bank knew a moment ago.
func (b *bank) query(p parcel, d *dice) reply {
	at := now()
	if s := b.w.plan.stale; s > 0 && !b.w.calm() && d.chance(500) {
		at = at.Add(-d.between(0, s))
		b.w.saw("query stale")
	}
	for _, r := range slices.Backward(b.recs) {
		if r.number != p.number {
			continue
		}
		for _, c := range slices.Backward(r.changes) {
			if !c.at.After(at) {
				return reply{receipt: r.receipt(c.status)}
			}
		}
	}
	b.w.saw("query not found")
	return reply{notFound: true}
}

func (r *record) receipt(s bankrail.Status) bankrail.Receipt {
	rc := bankrail.Receipt{Number: r.number, GatewayNumber: "B" + r.number, Status: s, Amount: r.amount}
	if s == bankrail.Failed {
		rc.Code, rc.Amount = "FAILED", bankrail.Money{}
	}
	rc.Raw = fmt.Appendf(nil, "%s %s %s", r.number, s, rc.Amount)
	return rc
}

// execute does what a copy asks for, unless the bank recognises its number.
func (b *bank) execute(p parcel, d *dice) reply {
	w, pl := b.w, &b.w.plan
	if r := b.find(p.number); r != nil && now().Before(r.at.Add(pl.forgets)) {
		if pl.dedupe == journal.DedupeAll || pl.dedupe == journal.DedupeSucceeded && r.status() != bankrail.Failed {
			if !w.calm() && d.chance(pl.echo) {
				w.saw("bank refuses the echo")
				w.say(p.number, "bank refuses a copy of what it has")
				return reply{refused: "DUPLICATE"}
			}
			return reply{receipt: r.receipt(r.status())}
		}
	}
	r := &record{number: p.number, order: p.order, amount: p.amount, at: now()}
	switch {
	case !w.calm() && d.chance(pl.refuse):
		w.saw("bank refuses")
		w.say(p.number, "bank refuses")
		if pl.dedupe == journal.DedupeAll || d.chance(300) && !pl.ages {
			b.recs = append(b.recs, r)
			r.become(bankrail.Failed)
		}
		return reply{refused: "NOT_ENOUGH"}
	case !w.calm() && d.chance(pl.deferred):
		w.saw("bank refuses for now")
		w.say(p.number, "bank refuses for now")
		return reply{refused: "RATE_LIMIT", deferred: true}
	}
	if !w.calm() && d.chance(pl.other) {
		w.saw("bank other amount")
		r.amount = bankrail.CNY(max(1, r.amount.Minor()/2))
	}
	b.recs = append(b.recs, r)
	r.opened = true
	b.open(r, d)
	return reply{receipt: r.receipt(r.status())}
}

func (r *record) become(s bankrail.Status) { r.changes = append(r.changes, change{now(), s}) }

// open starts the life of a record.
func (b *bank) open(r *record, d *dice) {
	w, pl := b.w, &b.w.plan
	life := d.fork("life", len(b.recs))
	end := bankrail.Succeeded
	if life.chance(pl.fail) {
		end = bankrail.Failed
	}
	if life.chance(pl.atOnce) {
		w.saw("bank settles at once")
		b.turn(r, end, &life)
		go b.live(r, &life)
		return
	}
	w.saw("bank accepts")
	b.turn(r, bankrail.Processing, &life)
	if life.chance(pl.stuck) {
		w.saw("bank never settles")
		if life.chance(500) {
			return
		}
		// Or so late that nobody waits for it any more.
		go b.settle(r, end, &life, pl.rules.Settles+life.between(time.Hour, 20*time.Hour))
		return
	}
	go b.settle(r, end, &life, life.between(0, pl.settles))
}

// settle ends a record after a while.
func (b *bank) settle(r *record, end bankrail.Status, life *dice, after time.Duration) {
	if b.later(life, after) {
		b.turn(r, end, life)
		b.w.mu.Unlock()
		b.live(r, life)
	}
}

// later waits and takes the world's lock, unless the world ended meanwhile.
func (b *bank) later(d *dice, pause time.Duration) bool {
	sleep(context.Background(), d, pause)
	b.w.mu.Lock()
	if b.w.over() {
		b.w.mu.Unlock()
		return false
	}
	return true
}

// live is what may happen after the end: a bounce, or an execution of what was
// reported as failed, which breaks the bank's word.
func (b *bank) live(r *record, d *dice) {
	w, pl := b.w, &b.w.plan
	bounces, lies := d.chance(pl.bounce), d.chance(pl.liar)
	if !bounces && !lies || !b.later(d, d.between(time.Second, 3*time.Hour)) {
		return
	}
	defer w.mu.Unlock()
	switch {
	case r.status() == bankrail.Succeeded && bounces:
		w.saw("bank bounces")
		b.turn(r, bankrail.Reversed, d)
	case r.status() == bankrail.Failed && lies:
		w.saw("bank breaks its word")
		w.taint(r.number)
		b.turn(r, bankrail.Succeeded, d)
	}
}

// turn changes a record and tells.
func (b *bank) turn(r *record, to bankrail.Status, d *dice) {
	r.become(to)
	b.w.say(r.number, "bank: %s %s", to, r.amount)
	if to == bankrail.Failed {
		b.w.saw("bank fails")
	}
	b.w.audit.moved(r)
	b.tell(r.receipt(to), d.fork("tell", len(r.changes)))
}
