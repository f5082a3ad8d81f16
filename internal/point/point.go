// Package point marks the places where a crash, a stall or a lost connection hurts
// most, so that tests can strike there. In production nothing is marked: the hook
// travels in the context, and a context without one costs a look-up.
package point

import "context"

// Point is a place in the life of a number.
type Point string

// The points, in the order of a number's life.
const (
	BeforeLock     Point = "C1"  // before the order lock is asked for
	Locked         Point = "C2"  // locked, before the insert
	Inserting      Point = "C3"  // the insert was sent, its commit is unknown
	Inserted       Point = "C4"  // the record is committed, nothing sent yet
	OnTheWire      Point = "C5"  // the request left, no answer yet
	Answered       Point = "C6"  // the answer was read, the record is not changed yet
	Applying       Point = "C7"  // inside a transaction of a change, before its commit
	Applied        Point = "C8"  // that commit was sent, its outcome is unknown
	Settled        Point = "C9"  // committed, before the unlock and the answer to the caller
	Verified       Point = "C10" // a notification was verified, nothing committed
	Received       Point = "C11" // a notification was committed, not acknowledged
	EventTaken     Point = "C12" // an event was leased, not published
	EventPublished Point = "C13" // an event was published, not marked
	Claimed        Point = "C14" // an entry was claimed, the gateway not asked
	Asked          Point = "C15" // the gateway answered a query, nothing committed
	HalfReconciled Point = "C16" // some lines of a statement are taken in, others not
	HalfMigrated   Point = "C17" // some steps of a migration are done, others not
)

// All lists the points.
func All() []Point {
	return []Point{
		BeforeLock, Locked, Inserting, Inserted, OnTheWire, Answered, Applying, Applied, Settled,
		Verified, Received, EventTaken, EventPublished, Claimed, Asked, HalfReconciled, HalfMigrated,
	}
}

// Hook is told where a call is and for which number (empty where there is none). It
// may block, panic, end its goroutine or kill the process.
type Hook func(ctx context.Context, p Point, number string)

type key struct{}

// With returns a context in which hook is told of every point.
func With(ctx context.Context, hook Hook) context.Context {
	return context.WithValue(ctx, key{}, hook)
}

// At tells the hook of ctx, if there is one.
func At(ctx context.Context, p Point, number string) {
	if hook, ok := ctx.Value(key{}).(Hook); ok {
		hook(ctx, p, number)
	}
}
