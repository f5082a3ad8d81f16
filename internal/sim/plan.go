package sim

import (
	"time"

	"github.com/bankrail/bankrail/journal"
)

// plan is what a seed makes of a world. Rates are per thousand.
type plan struct {
	nodes, orders, intents int
	paid                   int64
	dedupe                 journal.Dedupe
	rules                  journal.Rules
	forgets                time.Duration // for how long the bank recognises a number
	life                   time.Duration // the longest that a request is on its way
	ages                   bool          // requests outlive the grace
	settles                time.Duration // the longest the bank takes
	active                 time.Duration // how long faults last
	queue                  bool
	vault                  bool // requests hold a secret
	sendWithin             time.Duration

	// Of every step of a node.
	crash, pause int
	jump         bool
	// Of every request.
	lost, late, twice, notSent       int
	answerLost, cut, http5xx, garble int
	// Of the bank.
	refuse, deferred, echo, atOnce, fail, bounce, stuck, other, liar int
	stale                                                            time.Duration
	// Of every change at the bank.
	noticeLost, copies, old, contradict, bare, replay, reuse, alien, early int
	// Of every write, and whether outages happen.
	cutBefore, cutAfter, lands, deadlock, slow, hook int
	outage, readOnly                                 bool
	brokerDown                                       bool
	ackLost                                          int
	// Of the hosts and operators.
	elsewhere, otherContent, givesUp, cancel int
	twoSweeps, persons                       bool

	// Since plan 2; see plan2.go.
	meets       bool // first copies arrive just when the second has left
	orphan      int  // of every insert: it lands minutes later, and its node is gone
	news        int  // notices of many numbers
	lateDay     bool // a statement comes a day late
	hookInserts bool
	twoPersons  bool
	limits      bool
	inTx        int // of every call: in a transaction of the host's
	breaker     bool
	locks       bool
	lockNeeded  bool
	rush        bool // all intents come at once, on one order
	swallow     int  // of every copy: it leaves and arrives nowhere
}

// newPlan gives each world a few kinds of trouble, some of them heavy: everything at
// once would hide what one of them does.
func newPlan(seed uint64, version int) plan {
	d := newDice(seed).fork("plan", 0)
	p := plan{
		nodes: 1 + d.below(3), orders: 1 + d.below(2), intents: 2 + d.below(3), paid: 100_00,
		dedupe: journal.Dedupe(d.below(3)), active: time.Hour + d.between(0, 4*time.Hour),
		queue: d.chance(150),
	}
	p.vault = d.chance(100)
	if d.chance(300) {
		p.sendWithin = d.between(time.Minute, time.Hour)
	}
	p.rules = journal.Rules{Dedupe: p.dedupe, Horizon: d.between(time.Hour, 48*time.Hour)}
	if d.chance(500) {
		p.rules.Visible = 4 * time.Minute // a late arrival takes two, a stale query one
	}
	p.life = 119 * time.Second
	if p.dedupe != journal.DedupeNone && d.chance(450) {
		// The first copy may outlive its grace, but not that of the second. A bank that
		// recognises what it has can bear that.
		p.ages, p.life, p.rules.Visible = true, 9*time.Minute, 4*time.Minute
	}
	p.forgets = p.rules.Horizon + p.life + 5*time.Minute // a copy that left in time may arrive after it
	p.settles = d.between(0, 10*time.Minute)
	if d.chance(150) {
		p.settles = d.between(time.Hour, 72*time.Hour)
	}
	p.rules.Settles = p.settles + time.Hour
	p.ofNodes(&d)
	p.ofWire(&d)
	p.ofBank(&d)
	p.ofNotices(&d)
	if p.ages {
		p.late, p.echo, p.liar, p.stale, p.lost, p.noticeLost = 700, 900, 0, time.Minute, 0, 800
		p.fail = max(p.fail, 200)
	}
	p.ofStore(&d)
	p.ofPeople(&d)
	if version >= 2 {
		p.second(seed)
	}
	return p
}

// some is a rate that most worlds do without.
func some(d *dice, worlds, most int) int {
	if !d.chance(worlds) {
		return 0
	}
	return 1 + d.below(most)
}

func (p *plan) ofNodes(d *dice) {
	p.crash, p.pause = some(d, 500, 30), some(d, 400, 30)
	p.jump = d.chance(300)
}

func (p *plan) ofWire(d *dice) {
	p.lost, p.late, p.notSent = some(d, 500, 100), some(d, 600, 300), some(d, 300, 100)
	if d.chance(100) {
		p.lost, p.late = 0, 900 // everything arrives, most of it too late
	}
	if p.dedupe != journal.DedupeNone {
		p.twice = some(d, 300, 100) // elsewhere nothing on this side can help
	}
	p.answerLost, p.cut, p.http5xx, p.garble = some(d, 500, 100), some(d, 300, 100), some(d, 400, 150), some(d, 300, 100)
}

func (p *plan) ofBank(d *dice) {
	p.refuse, p.deferred, p.fail = some(d, 600, 300), some(d, 300, 200), some(d, 600, 300)
	p.atOnce, p.echo = d.below(800), 0
	p.bounce, p.stuck, p.other, p.liar = some(d, 250, 300), some(d, 200, 300), some(d, 200, 200), some(d, 200, 600)
	if d.chance(500) {
		p.stale = d.between(0, time.Minute)
	}
}

func (p *plan) ofNotices(d *dice) {
	p.noticeLost = some(d, 600, 600)
	p.copies, p.old, p.contradict = some(d, 400, 8), some(d, 250, 300), some(d, 150, 150)
	p.bare, p.replay, p.reuse = some(d, 250, 300), some(d, 250, 400), some(d, 200, 200)
	p.alien, p.early = some(d, 150, 400), some(d, 150, 400)
	if p.queue {
		p.early = some(d, 500, 400)
	}
}

func (p *plan) ofStore(d *dice) {
	p.cutBefore, p.cutAfter, p.lands = some(d, 350, 60), some(d, 350, 60), some(d, 250, 60)
	p.deadlock, p.slow, p.hook = some(d, 300, 80), some(d, 200, 30), some(d, 200, 100)
	if d.chance(60) {
		p.cutBefore = 500 // a database that nobody reaches for long
	}
	p.outage, p.readOnly = d.chance(250), d.chance(150)
	p.brokerDown, p.ackLost = d.chance(200), some(d, 250, 200)
}

func (p *plan) ofPeople(d *dice) {
	p.elsewhere, p.otherContent, p.givesUp = some(d, 400, 400), some(d, 300, 300), some(d, 250, 300)
	p.persons = d.chance(400)
	p.twoSweeps, p.cancel = d.chance(250), some(d, 400, 300)
}
