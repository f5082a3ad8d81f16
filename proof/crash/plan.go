package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/bankrail/bankrail/internal/point"
)

// The schedule of a day, shortened to fractions of a second. What must hold between
// the defaults of a production host holds between these too.
const (
	connectTimeout = 200 * time.Millisecond
	readTimeout    = 300 * time.Millisecond
	callTimeout    = 500 * time.Millisecond // of the gateway and of the journal
	sendBy         = 500 * time.Millisecond
	visible        = 700 * time.Millisecond // longer than staleQuery and bankDelay
	settles        = 20 * time.Second       // longer than settleMax
	storeTimeout   = 2 * time.Second
	sendWithin     = 4 * time.Second
	breakerOpen    = 300 * time.Millisecond
	workInterval   = 25 * time.Millisecond
	sweepInterval  = 300 * time.Millisecond

	settleMax  = 300 * time.Millisecond // from acceptance to the end of a refund
	bankDelay  = 400 * time.Millisecond // of late answers and late arrivals
	staleQuery = 300 * time.Millisecond // how long a query may miss a new refund
	patience   = time.Minute            // for a host to settle everything
)

// tries are the waits before the queries of a refund whose outcome is unknown: the
// first is not before the call has ended, and there are many, because this bank
// disturbs every other call.
func tries() []time.Duration {
	return append([]time.Duration{callTimeout}, slices.Repeat([]time.Duration{250 * time.Millisecond}, 24)...)
}

// plan is one world: what its host wants, and when it is killed.
type plan struct {
	Index int
	Seed  uint64
	// Forgetful: the bank executes every copy it gets, and the gateway promises no more.
	Forgetful bool
	Numbers   int
	Strikes   []strike
	Postgres  string
}

// strike is one kill: at the Nth time that a host comes to Point, or, where Point is
// empty, After the start of the process.
type strike struct {
	Point point.Point
	Nth   int
	After time.Duration
}

func (s strike) String() string {
	if s.Point == "" {
		return fmt.Sprintf("after %d ms", s.After.Milliseconds())
	}
	return fmt.Sprintf("%s, time %d", s.Point, s.Nth)
}

// plans draws the worlds: one for each point, and for the random kills worlds of one,
// two and three, of which the later ones hit the recovery from the earlier.
func (o options) plans() ([]plan, error) {
	points := point.All()
	switch {
	case o.only != "" && !slices.Contains(points, point.Point(o.only)):
		return nil, fmt.Errorf("-only: no point %q, want one of %v", o.only, points)
	case o.only != "":
		points = []point.Point{point.Point(o.only)}
	case !o.points:
		points = nil
	}
	var all []plan
	add := func(strikes ...strike) {
		i := len(all)
		all = append(all, plan{
			Index: i, Seed: hash(o.seed, "world", i), Forgetful: i%3 == 2, Numbers: o.numbers * len(strikes), Strikes: strikes, Postgres: o.postgres,
		})
	}
	for i, p := range points {
		if p == point.HalfMigrated && o.postgres != "" {
			continue // it opens without a context, and no other hook says where it is
		}
		add(strike{Point: p, Nth: nth(p, hash(o.seed, "nth", i))})
	}
	for left := o.kills; left > 0; {
		strikes := make([]strike, min(left, 1+len(all)%3))
		for i := range strikes {
			strikes[i].After = time.Duration(20+hash(o.seed, "after", left-i)%1500) * time.Millisecond
		}
		left -= len(strikes)
		add(strikes...)
	}
	return all, nil
}

// nth is which time at a point is the last: not always the first, and never one that
// a world might not come to.
func nth(p point.Point, h uint64) int {
	switch p {
	case point.HalfReconciled:
		return 2
	case point.HalfMigrated:
		return 3 // the first is the row that goose begins with, the second the first migration
	case point.Claimed, point.Asked:
		return 1
	}
	return 1 + int(h%4)
}

// hash is where everything accidental comes from.
func hash(seed uint64, what string, i int) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", seed, what, i))
	return binary.BigEndian.Uint64(sum[:])
}
