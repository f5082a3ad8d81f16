package sim

import (
	"time"

	"github.com/bankrail/bankrail/journal"
)

// latestPlan is the version of the plans that new seeds are of. A seed that is kept
// names its own: a version adds troubles to the ones before and takes none of their
// throws, and what a plan does not have throws no dice.
const latestPlan = 2

// second adds what plan 2 has over plan 1.
func (p *plan) second(seed uint64) {
	d := newDice(seed).fork("plan 2", 0)
	p.locks = d.chance(250)
	p.lockNeeded = d.chance(300)
	p.limits = d.chance(200)
	p.lateDay = d.chance(60)
	p.news = some(&d, 300, 6)
	p.hookInserts = p.hook > 0
	p.twoPersons = p.persons && d.chance(500)
	p.breaker = d.chance(200)
	if d.chance(200) {
		p.inTx = 300 + d.below(600)
	}
	if d.chance(200) {
		p.orphan = 50 + d.below(250)
	}
	if d.chance(60) {
		// A bank that is short of funds for longer than a number may be sent.
		p.deferred, p.refuse, p.sendWithin = 950, 0, time.Hour
	}
	if d.chance(80) {
		p.other, p.bare, p.noticeLost, p.fail = 400, 500, 0, 0 // notices that keep silent about the amount
	}
	if d.chance(80) {
		p.bounce, p.hook, p.hookInserts, p.noticeLost = 600, 300, true, 0
	}
	if p.ages && d.chance(700) {
		p.doubled(&d)
	}
	if d.chance(150) {
		p.rush, p.orders, p.intents, p.nodes = true, 1, 4, 3
	}
	if p.dedupe != journal.DedupeNone && !p.meets && d.chance(100) {
		p.swallow, p.rules.Horizon = 900, time.Hour // the bank has forgotten before the tries are over
		p.forgets = p.rules.Horizon + p.life + 5*time.Minute
	}
}

// doubled makes a world in which two copies of most numbers reach the bank one after
// the other, and what it says of the first is heard while the second is alive.
func (p *plan) doubled(d *dice) {
	p.meets = true
	p.crash, p.pause, p.refuse, p.deferred, p.notSent = 0, 0, 0, 0, some(d, 400, 600)
	p.http5xx, p.answerLost, p.cut, p.garble = 0, 0, 0, 0
	p.outage, p.readOnly, p.cutBefore = false, false, 0
	if p.dedupe == journal.DedupeSucceeded && d.chance(700) {
		p.fail, p.atOnce, p.noticeLost, p.old, p.bare = 600, 800, 0, 0, 0 // failed numbers are executed anew
	}
}
