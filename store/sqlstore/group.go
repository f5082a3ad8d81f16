package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// groupSize bounds how many callers share a commit, so that the first does not wait
// for ever for a last.
const groupSize = 128

// groupTries is how often a caller begins anew whose group could not be committed
// because of another member.
const groupTries = 8

// errClosed answers who comes after Close.
var errClosed = errors.New("database is closed")

// committer is SQLite's runner: callers that write at the same time share one
// transaction, and so one sync of the disk.
//
// A group is written by its members, each on its own goroutine when the pen comes to
// it, in the order they came. Who finds nobody waiting behind it commits for all:
// there is no goroutine to wake or to stop, one caller alone waits for nobody, and
// whoever comes while a commit is under way is in the next group. The first of a
// group has the transaction to itself. Who comes after it and may refuse what it has
// half written works inside a savepoint; who refuses before it writes needs none, and
// where such a one fails after all, everybody's work is rolled back and done again, with
// savepoints.
type committer struct {
	db *DB

	mu      sync.Mutex
	held    bool            // somebody has the pen
	waiting []chan struct{} // closed when the pen is theirs
	closed  bool

	// What follows belongs to whoever has the pen.
	conn  *sql.Conn
	q     querier // the connection, where it lasts with its prepared statements
	group *group
	wary  int // so many take a savepoint, since somebody failed without one
}

// group is an open transaction and those who wrote in it.
type group struct {
	size int
	done chan struct{} // closed when the transaction has ended
	err  error         // why it was not committed, or may not have been
	anew bool          // it was rolled back, and its members are to begin anew
}

// run does f as the caller's part of a group, and answers when the group has ended.
//
// A caller who gives up does so before its part begins or not at all: it takes no
// more than a few statements, and stopping it half way would leave nobody knowing
// what became of it.
func (c *committer) run(ctx context.Context, j job) error {
	for try := 1; ; try++ {
		if err := c.wait(ctx, c.db.cfg.BusyTimeout); err != nil {
			return c.db.fail(j.doing, notCommitted(ctx, err))
		}
		g, err := c.part(ctx, j)
		if g != nil {
			// A refusal may rest on what another member wrote: it is no answer before that
			// is durable.
			<-g.done
			if g.anew && try < groupTries {
				j.refusesFirst = false
				continue
			}
		}
		return c.outcome(ctx, j.doing, g, err)
	}
}

// outcome is what a member is told of its group, which is nil where none is left.
func (c *committer) outcome(ctx context.Context, doing string, g *group, err error) error {
	if g != nil {
		if g.err != nil && err == nil {
			return c.db.fail(doing, g.err)
		}
		if g.err != nil { // its own work was taken back, whatever became of the others'
			if answer(err) {
				err = withoutAnswer(err)
			}
			err = fmt.Errorf("%w; %w", g.err, err)
		}
	}
	if err != nil {
		return c.db.fail(doing, notCommitted(ctx, err))
	}
	return nil
}

// wait waits for the pen, in the order of coming.
func (c *committer) wait(ctx context.Context, most time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	switch {
	case c.closed:
		c.mu.Unlock()
		return errClosed
	case !c.held:
		c.held = true
		c.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	c.waiting = append(c.waiting, turn)
	c.mu.Unlock()

	patience := time.NewTimer(most)
	defer patience.Stop()
	select {
	case <-turn:
		if err := ctx.Err(); err != nil { // it came at the moment the caller gave up
			c.pass()
			return err
		}
		return nil
	case <-ctx.Done():
		return c.leave(turn, ctx.Err())
	case <-patience.C:
		return c.leave(turn, ErrBusy)
	}
}

// leave takes the caller out of the line, or passes on the pen that came just now.
func (c *committer) leave(turn chan struct{}, why error) error {
	c.mu.Lock()
	if i := slices.Index(c.waiting, turn); i >= 0 {
		c.waiting = slices.Delete(c.waiting, i, i+1)
		c.mu.Unlock()
		return why
	}
	c.mu.Unlock()
	<-turn
	c.pass()
	return why
}

// part does f in the open group, or begins one, and passes the pen on, even where f
// panics or ends its goroutine. The group is nil where nothing is left to wait for.
func (c *committer) part(ctx context.Context, j job) (*group, error) {
	defer c.pass()
	g := c.group
	if g == nil {
		return c.first(ctx, j)
	}
	g.size++
	if j.refusesFirst && c.wary == 0 {
		return g, c.openly(context.WithoutCancel(ctx), j)
	}
	c.wary = max(c.wary-1, 0)
	return g, c.later(context.WithoutCancel(ctx), j)
}

// first has the transaction to itself: what it refuses is taken back as a whole.
func (c *committer) first(ctx context.Context, j job) (*group, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	done := false
	defer func() {
		if !done {
			c.rollback()
		}
	}()
	if err := j.do(context.WithoutCancel(ctx), c.db.on(c.q)); err != nil {
		return nil, err
	}
	done = true
	c.group = &group{size: 1, done: make(chan struct{})}
	return c.group, nil
}

// later works behind others, whose work it must not take along when it fails.
func (c *committer) later(ctx context.Context, j job) (err error) {
	s := c.db.on(c.q)
	done := false
	defer func() {
		if !done {
			c.takeBack(s, err)
		}
	}()
	if err := s.do(ctx, "SAVEPOINT bankrail"); err != nil {
		return err
	}
	if err := j.do(ctx, s); err != nil {
		return err
	}
	err = s.do(ctx, "RELEASE SAVEPOINT bankrail")
	done = err == nil
	return err
}

// openly works behind others without a savepoint. What it has written when it fails
// cannot be taken back alone: all begin anew.
func (c *committer) openly(ctx context.Context, j job) (err error) {
	s := c.db.on(c.q)
	wrote, ended := false, false
	s.wrote = &wrote
	defer func() {
		// Of any other failure SQLite may have rolled everything back by itself, and what
		// came after would be written outside of a transaction.
		refused := answer(err) || errors.Is(err, bankrail.ErrInvalid)
		if ended && (err == nil || !wrote && refused) {
			return
		}
		g := c.group
		c.group, c.wary = nil, groupSize
		g.anew, g.err = true, fmt.Errorf("%w: others that shared the transaction failed, again and again", journal.ErrNotCommitted)
		c.rollback()
		close(g.done)
	}()
	err = j.do(ctx, s)
	ended = true
	return err
}

// takeBack undoes one member's work. Where even that fails (a full disk makes SQLite
// roll back by itself), or a hook meddled with the transaction, the group is lost.
func (c *committer) takeBack(s session, why error) {
	ctx := context.Background()
	broken := errors.Is(why, errBroken)
	if !broken && s.do(ctx, "ROLLBACK TO SAVEPOINT bankrail") == nil && s.do(ctx, "RELEASE SAVEPOINT bankrail") == nil {
		return
	}
	g := c.group
	c.group = nil
	cause := errors.New("its caller died")
	if why != nil {
		cause = withoutAnswer(why)
	}
	if kind := c.db.dialect.kind(why); kind != nil {
		cause = fmt.Errorf("%w: %w", kind, cause)
	}
	if g.err = fmt.Errorf("another write of the same transaction: %w", cause); broken {
		g.err = fmt.Errorf("%w: %w", errBroken, g.err)
	} else {
		g.err = fmt.Errorf("%w: %w", journal.ErrNotCommitted, g.err)
	}
	c.rollback()
	close(g.done)
}

// pass gives the pen to who has waited longest, in the same group while there is
// room, and commits where there is nobody.
func (c *committer) pass() {
	if c.group != nil && c.group.size < groupSize && !c.awaited() {
		runtime.Gosched() // whoever is ready to come, comes in time; one caller alone finds nobody to yield to
	}
	if c.group != nil && (c.group.size >= groupSize || !c.awaited()) {
		c.commit()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.held = false
		return
	}
	close(c.waiting[0])
	c.waiting = slices.Delete(c.waiting, 0, 1)
}

// awaited reports whether anybody waits for the pen.
func (c *committer) awaited() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting) > 0
}

// begin opens a transaction. The context counts for the connection alone.
func (c *committer) begin(ctx context.Context) error {
	if c.conn == nil {
		if err := c.connect(ctx); err != nil {
			return err
		}
	}
	err := c.db.on(c.q).do(context.WithoutCancel(ctx), "BEGIN IMMEDIATE")
	if err != nil {
		c.disconnect(false)
	}
	return err
}

func (c *committer) connect(ctx context.Context) error {
	wait, cancel := context.WithTimeoutCause(ctx, c.db.cfg.BusyTimeout, ErrBusy)
	defer cancel()
	conn, err := c.db.writer.Conn(wait)
	if err != nil {
		if errors.Is(context.Cause(wait), ErrBusy) {
			err = fmt.Errorf("%w: %w", ErrBusy, err)
		}
		return err
	}
	c.conn, c.q = conn, conn
	if c.db.durable {
		c.q = &prepared{plain: conn, prepare: conn.PrepareContext}
	}
	return nil
}

// disconnect gives the connection back. One that may be in a transaction still is
// closed, unless it is the database itself.
func (c *committer) disconnect(doubtful bool) {
	if p, ok := c.q.(*prepared); ok {
		p.close()
	}
	if doubtful && c.db.durable {
		_ = c.conn.Raw(func(any) error { return driver.ErrBadConn }) // database/sql closes it then
	}
	_ = c.conn.Close()
	c.conn, c.q = nil, nil
}

// commit ends the group's transaction and wakes its members.
func (c *committer) commit() {
	g := c.group
	c.group = nil
	if err := c.db.on(c.q).do(context.Background(), "COMMIT"); err != nil {
		g.err = fmt.Errorf("commit, outcome unknown: %w", err)
		c.db.cfg.Logger.Error("bankrail: outcome of a commit is unknown", "error", c.db.fail("commit", err), "writes", g.size)
		c.rollback()
	}
	c.rest()
	close(g.done)
}

// rollback ends a transaction that is not committed.
func (c *committer) rollback() {
	if err := c.db.on(c.q).do(context.Background(), "ROLLBACK"); err != nil {
		c.disconnect(true) // SQLite may have ended it by itself; a new connection is sure to be in none
		return
	}
	c.rest()
}

// rest leaves the connection to those who read, where there is but one.
func (c *committer) rest() {
	if c.conn != nil && !c.db.durable {
		c.disconnect(false)
	}
}

// close waits for everybody in the line and lets nobody in any more.
func (c *committer) close() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	turn := make(chan struct{})
	if c.held {
		c.waiting = append(c.waiting, turn)
	} else {
		c.held = true
		close(turn)
	}
	c.mu.Unlock()
	<-turn
	if c.group != nil {
		c.commit()
	}
	if c.conn != nil {
		c.disconnect(false)
	}
}
