package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/broker"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

const (
	lanes    = 4           // goroutines that take events, each those of its own entries
	oneLife  = 250         // messages, after which the consumer begins anew
	forgets  = 50          // messages that it then gets once more
	consumes = "customers" // its name for Once
)

// makeEffects makes the consumer's own tables: what it took, in its order, and what
// each order's customer was credited.
func makeEffects(ctx context.Context, db *sql.DB) error {
	if err := sqlstore.PostgreSQL.MigrateOnce(ctx, db); err != nil {
		return err
	}
	for _, table := range []string{
		// No unique key on event: one that is taken twice has to show.
		`CREATE TABLE effects (place BIGSERIAL PRIMARY KEY, event TEXT NOT NULL, version BIGINT NOT NULL, entry TEXT NOT NULL)`,
		`CREATE TABLE credits (order_number TEXT PRIMARY KEY, fen BIGINT NOT NULL)`,
	} {
		if _, err := db.ExecContext(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// consumer is another service of the host: it credits customers by the events. It
// hears NATS through the wire that is cut, like the nodes.
//
// It reads the stream in order, from a place it knows. A gap, which is what a cut
// leaves, makes it begin anew, and so does every oneLife messages; each time it goes
// back some messages too many, as a service does that crashed before it had noted its
// place.
type consumer struct {
	db     *sql.DB
	conn   *nats.Conn
	stream string
	log    *slog.Logger
	lane   [lanes]chan journal.Event

	delivered, fresh atomic.Int64

	mu     sync.Mutex
	wrongs []string
}

func newConsumer(db *sql.DB, conn *nats.Conn, stream string, log *slog.Logger) *consumer {
	c := &consumer{db: db, conn: conn, stream: stream, log: log}
	for i := range c.lane {
		c.lane[i] = make(chan journal.Event, 64)
	}
	return c
}

// run takes events until ctx ends.
func (c *consumer) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, lane := range c.lane {
		wg.Go(func() {
			for {
				select {
				case e := <-lane:
					c.insist(ctx, e)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	for place := uint64(1); ctx.Err() == nil; {
		next, err := c.follow(ctx, place)
		if err != nil {
			c.log.Info("consumer", "place", next, "err", err)
			wait(ctx, 200*time.Millisecond)
		}
		if next > place {
			next -= min(next-1, forgets)
		}
		place = next
	}
	wg.Wait()
}

// errGap: messages between the last and this one did not arrive.
var errGap = errors.New("a gap in the stream")

// follow reads one life long from a place in the stream, and returns the next place.
func (c *consumer) follow(ctx context.Context, place uint64) (uint64, error) {
	js, err := jetstream.New(c.conn)
	if err != nil {
		return place, err
	}
	since := c.conn.Stats().Reconnects
	asked, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	reader, err := js.CreateConsumer(asked, c.stream, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: place,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, InactiveThreshold: 10 * time.Second,
	})
	if err != nil {
		return place, err
	}
	for end := place + oneLife; place < end; {
		batch, err := reader.Fetch(200, jetstream.FetchMaxWait(300*time.Millisecond))
		if err != nil {
			return place, err
		}
		for m := range batch.Messages() {
			if err := c.route(ctx, m, place); err != nil {
				return place, err
			}
			place++
		}
		switch err := batch.Error(); {
		case ctx.Err() != nil:
			return place, ctx.Err()
		case err != nil && !errors.Is(err, nats.ErrTimeout):
			return place, err
		case c.conn.Stats().Reconnects != since: // what was on its way is lost, and leaves no gap at the end
			return place, errGap
		}
	}
	return place, nil
}

// route gives the message that must be the one at place to the lane of its entry, so
// that an entry's events are taken one after the other.
func (c *consumer) route(ctx context.Context, m jetstream.Msg, place uint64) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	if meta.Sequence.Stream != place {
		return errGap
	}
	e, err := broker.Decode(m.Data())
	if err != nil { // a person has to look; here the audit does
		c.wrong("message %d is no event: %v", place, err)
		return nil
	}
	select {
	case c.lane[laneOf(e.Entry)] <- e:
		c.delivered.Add(1)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func laneOf(id bankrail.ID) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id.String())) // never fails
	return int(h.Sum32() % lanes)
}

// insist takes an event until that is committed: the next of its entry must wait.
func (c *consumer) insist(ctx context.Context, e journal.Event) {
	for ctx.Err() == nil {
		fresh, err := c.take(ctx, e)
		if err == nil {
			if fresh {
				c.fresh.Add(1)
			}
			return
		}
		c.log.Info("consumer", "event", e.ID, "err", err)
		wait(ctx, 50*time.Millisecond)
	}
}

// take credits once for each event, in one transaction with Once.
func (c *consumer) take(ctx context.Context, e journal.Event) (fresh bool, err error) {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	fresh, err = sqlstore.PostgreSQL.Once(ctx, tx, consumes, e)
	if err != nil || !fresh {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO effects (event, version, entry) VALUES ($1, $2, $3)`, e.ID, e.Version, e.Entry.String())
	if fen := credit(e); err == nil && fen != 0 {
		_, err = tx.ExecContext(ctx, `INSERT INTO credits (order_number, fen) VALUES ($1, $2)
			ON CONFLICT (order_number) DO UPDATE SET fen = credits.fen + excluded.fen`, e.Order, fen)
	}
	if err != nil {
		return false, err
	}
	return true, tx.Commit()
}

// credit is what an event changes for the customer, in fen.
func credit(e journal.Event) int64 {
	switch e.Type {
	case journal.EventSucceeded, journal.EventLateSuccess:
		return e.Settled.Minor()
	case journal.EventReversed:
		return -e.Settled.Minor()
	}
	return 0
}

func (c *consumer) wrong(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrongs = append(c.wrongs, fmt.Sprintf(format, args...))
}

// wait waits, but not longer than ctx.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
