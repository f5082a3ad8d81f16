package sandbox

import (
	"container/heap"
	"time"
)

// A task is what the bank does later. slow says that it talks to somebody: then a
// real clock's alarm gives it a goroutine of its own, while Advance waits for it.
type task struct {
	at   time.Time
	seq  uint64
	slow bool
	run  func()
}

type taskQueue []task

func (q taskQueue) Len() int { return len(q) }
func (q taskQueue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].seq < q[j].seq
}
func (q taskQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *taskQueue) Push(x any)   { *q = append(*q, x.(task)) }
func (q *taskQueue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = task{}
	*q = old[:len(old)-1]
	return t
}

// Now is the bank's time: the clock's, plus what Advance added.
func (b *Bank) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now()
}

func (b *Bank) now() time.Time { return b.clock.Now().Add(b.offset) }

// schedule has run called at the given time. Needs b.mu.
func (b *Bank) schedule(at time.Time, slow bool, run func()) {
	b.taskSeq++
	heap.Push(&b.tasks, task{at, b.taskSeq, slow, run})
	b.arm()
}

// arm sets the alarm for the first task. Needs b.mu.
func (b *Bank) arm() {
	if !b.opened || b.closed || len(b.tasks) == 0 {
		return
	}
	first := b.tasks[0].at
	if b.disarm != nil {
		if b.armedFor.Equal(first) {
			return
		}
		b.disarm()
	}
	b.armedFor = first
	b.disarm = b.clock.AfterFunc(max(first.Sub(b.now()), 0), b.ring)
}

// ring runs what is due by the clock.
func (b *Bank) ring() {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return
	}
	b.wg.Add(1)
	b.disarm = nil
	now := b.now()
	b.mu.Unlock()
	defer b.wg.Done()
	_, real := b.clock.(realClock)
	b.runDue(now, real)
}

// Advance moves the bank's time by d, which is kept over restarts, and runs all
// that becomes due on the way in order of time: settlements, late arrivals,
// bounces and notifications, waiting for each. Advance(0) runs what is due now.
func (b *Bank) Advance(d time.Duration) {
	target := b.Now().Add(d)
	b.runDue(target, false)
	b.mu.Lock()
	if gap := target.Sub(b.now()); gap > 0 {
		b.offset += gap
	}
	b.append(entry{Offset: &b.offset})
	if b.disarm != nil { // it was set for another distance
		b.disarm()
		b.disarm = nil
	}
	b.arm()
	b.mu.Unlock()
	b.commit()
}

// runDue runs the tasks until the given time, moving the bank's time to each.
func (b *Bank) runDue(until time.Time, spread bool) {
	b.runMu.Lock()
	defer b.runMu.Unlock()
	for {
		b.mu.Lock()
		if b.closed || len(b.tasks) == 0 || b.tasks[0].at.After(until) {
			b.arm()
			b.mu.Unlock()
			return
		}
		t := heap.Pop(&b.tasks).(task)
		if gap := t.at.Sub(b.now()); gap > 0 {
			b.offset += gap
		}
		if t.slow && spread {
			b.wg.Add(1)
			go b.spread(t.run)
			t.run = func() {}
		}
		b.mu.Unlock()
		t.run()
	}
}

func (b *Bank) spread(run func()) {
	defer b.wg.Done()
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
		run()
	case <-b.ctx.Done():
	}
}
