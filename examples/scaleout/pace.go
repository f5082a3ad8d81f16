package main

import "time"

// pace says how many of the wishes may be begun: so many beyond those answered that
// the nodes are busy and in step; and fewer while something is cut off, so that there
// is still work when it is back.
type pace struct {
	n, window int

	upTo     int // what it said last
	from, to int // what is spread
	start    time.Time
	over     time.Duration
}

func newPace(n int) *pace { return &pace{n: n, window: max(20, n/10)} }

// spread lets the wishes until to begin evenly over a time from now on.
func (p *pace) spread(to int, now time.Time, over time.Duration) {
	p.from, p.to, p.start, p.over = p.upTo, min(max(to, p.upTo), p.n), now, over
}

// limit is the number of wishes that may have begun, with so many answered. It never
// falls.
func (p *pace) limit(answered int, now time.Time) int {
	l := answered + p.window
	if passed := now.Sub(p.start); p.over > 0 && passed < p.over {
		l = p.from + int(int64(p.to-p.from)*int64(passed)/int64(p.over))
	}
	p.upTo = max(p.upTo, min(l, p.n))
	return p.upTo
}
