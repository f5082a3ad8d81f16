package sim

import (
	"fmt"
	"sync"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// Violation is a broken invariant.
type Violation struct {
	Seed uint64
	// Rule is I1 to I12.
	Rule   string
	Number string
	Text   string
	// Trace is what happened to the number, step by step.
	Trace []string
}

// auditor judges a world by the bank's log, the journal, the broker's log and what
// callers and the bank were told.
type auditor struct {
	w  *world
	mu sync.Mutex

	numbers map[string]*ledger
	order   []string // the numbers as they were first used
	serial  int
	inbox   map[string]int // committed notices
	acked   map[string]bool
	digests map[string][32]byte              // of what was acknowledged first, by the notice's own number
	reserve map[string]map[bankrail.ID]int64 // by order, what its entries reserve
	spoilt  map[string]bool                  // orders of tainted numbers
	events  map[string]journal.Event
	last    map[bankrail.ID]int64 // the version of the last new event
	found   []Violation

	limit   journal.Limit // in force
	limitAt time.Time     // since
}

// ledger is what is known of one number.
type ledger struct {
	intent     *intent
	sent, asks int
	leftAt     time.Time // the first and the last copy that may be alive
	firstAt    time.Time
	alive      int             // copies that may be
	serial     int             // of the last copy
	askedAt    time.Time       // the last query was put
	said       bankrail.Status // by the bank, in answer to it
	bounced    bool            // the bank was told that its news of a bounce is safe
	unanswered bool            // a call died
	crossed    bool            // the calls that are open have met others
	open       int             // calls of Create that have not returned
	called     int
	answers    []told
	tainted    bool
	cancelled  bool
	proposer   string // of the decision that waits for a second person
	failed     bool   // so says the record
	doubted    bool   // an anomaly tells of it
	heard      bool   // news of it was acknowledged
	moved      bool   // the bank was told that its news of success is safe
}

// told is what a caller was told.
type told struct {
	at     time.Time
	alone  bool // no other call of the number was open meanwhile, or came later
	nth    int
	status bankrail.Status
	err    error
	noRow  bool // Unconfirmed
}

func newAuditor(w *world) *auditor {
	return &auditor{
		w: w, numbers: map[string]*ledger{}, inbox: map[string]int{}, acked: map[string]bool{}, digests: map[string][32]byte{},
		reserve: map[string]map[bankrail.ID]int64{}, spoilt: map[string]bool{},
		events: map[string]journal.Event{}, last: map[bankrail.ID]int64{},
	}
}

func (a *auditor) of(number string) *ledger {
	l, ok := a.numbers[number]
	if !ok {
		l = &ledger{}
		a.numbers[number] = l
		a.order = append(a.order, number)
	}
	return l
}

func (a *auditor) violate(rule, number, format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.violated(rule, number, format, args...)
}

func (a *auditor) violated(rule, number, format string, args ...any) {
	for _, v := range a.found {
		if v.Rule == rule && v.Number == number {
			return
		}
	}
	text := fmt.Sprintf(format, args...)
	a.w.say(number, "VIOLATION %s: %s", rule, text)
	a.found = append(a.found, Violation{Seed: a.w.seed, Rule: rule, Number: number, Text: text})
}

func (a *auditor) taint(number string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.of(number)
	l.tainted = true
	if l.intent != nil {
		a.spoilt[l.intent.order] = true
	}
}

// wants notes that an intent is about to use a number.
func (a *auditor) wants(number string, i *intent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.of(number)
	l.intent = i
	if l.tainted {
		a.spoilt[i.order] = true
	}
}

func (a *auditor) calls(number string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.of(number)
	l.open++
	l.called++
	l.crossed = l.crossed || l.open > 1
}

func (a *auditor) returns(number string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.of(number)
	if l.open--; l.open == 0 {
		l.crossed = false
	}
}

// told notes what a caller was told.
func (a *auditor) told(number string, an answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.of(number)
	if an.died {
		l.unanswered = true
		return
	}
	t := told{at: now(), alone: !l.crossed, nth: l.called, err: an.err}
	if an.err == nil {
		t.status, t.noRow = an.status, an.unconfirmed
	}
	l.answers = append(l.answers, t)
}

func (a *auditor) cancelled(number string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of(number).cancelled = true
}

// asked notes a query. Hundreds of them would be a loop that does not rest.
func (a *auditor) asked(number string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.of(number)
	if a.limit.Stopped {
		a.w.saw("query while stopped")
	}
	l.askedAt, l.said = now(), 0
	if l.asks++; l.asks == 400 {
		a.violated("I8", number, "asked 400 times")
	}
}

// answered notes what the bank said of a number when it was asked.
func (a *auditor) answered(number string, r bankrail.Receipt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.of(number); l.intent != nil && r.Amount == l.intent.amount {
		l.said = r.Status
	}
}

// acknowledged notes that the bank was told that a notice is safe.
func (a *auditor) acknowledged(n journal.Notice) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.acked[noticeID(n)] = true
	for _, news := range n.News {
		l := a.of(news.Number)
		l.heard = true
		if !n.Stale && !news.Amount.IsZero() && (news.Status == bankrail.Succeeded || news.Status == bankrail.Reversed) {
			l.moved = true
			l.bounced = l.bounced || news.Status == bankrail.Reversed
		}
		// A recording concludes nothing, so it need not be told; a delivery signed anew is.
		if first, ok := a.digests[n.ID]; ok && first != n.Digest && !l.doubted && !n.Stale {
			a.violated("I5", news.Number, "notice %s came again with other content, and nobody was told", n.ID)
		}
	}
	if _, ok := a.digests[n.ID]; !ok && !n.Stale {
		a.digests[n.ID] = n.Digest
	}
	if a.inbox[noticeID(n)] == 0 && !a.w.over() {
		a.violated("I5", n.News[0].Number, "notice %s was acknowledged and is not in the inbox", n.ID)
	}
}

// noticeID names a row of the inbox: recordings have their own.
func noticeID(n journal.Notice) string {
	if n.Stale {
		return fmt.Sprintf("%s stale %d", n.ID, n.At.Unix())
	}
	return n.ID
}

// published judges an event that reached the broker.
func (a *auditor) published(e journal.Event) {
	steps, _ := a.w.store.Store.History(background(), e.Entry)
	a.mu.Lock()
	defer a.mu.Unlock()
	committed := false
	for _, s := range steps {
		committed = committed || s.Version == e.Version && s.To == e.Status
	}
	switch first, again := a.events[e.ID]; {
	case !committed:
		a.violated("I6", e.Entry.Number, "event %s of version %d has no commit", e.Type, e.Version)
	case again && (first.Version != e.Version || first.Type != e.Type || first.Entry != e.Entry):
		a.violated("I6", e.Entry.Number, "event %s came again as another", e.ID)
	case !again && e.Version <= a.last[e.Entry]:
		a.violated("I6", e.Entry.Number, "event of version %d came after version %d", e.Version, a.last[e.Entry])
	}
	a.events[e.ID] = e
	a.last[e.Entry] = max(a.last[e.Entry], e.Version)
}
