package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"

	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/store/redisstore"
	"github.com/bankrail/bankrail/store/sqlstore"
	"github.com/bankrail/bankrail/worker"
)

// The schedule of a day, shortened to seconds, as the bank's is. A production host
// leaves all of this out: the defaults are the values behind the comments.
const (
	connectTimeout = 500 * time.Millisecond  // 5 s
	readTimeout    = 800 * time.Millisecond  // 10 s
	callTimeout    = 1500 * time.Millisecond // 20 s
	sendBy         = 1500 * time.Millisecond // 10 s
	storeTimeout   = 3 * time.Second         // 10 s
	visible        = 2 * time.Second         // 10 min
	settles        = time.Minute             // 72 h
	sendWithin     = 10 * time.Second        // what a host chooses; none
	lockLife       = 4 * time.Second         // 30 s
	lockWait       = time.Second             // 2 s
	breakerOpen    = time.Second             // 30 s
	workInterval   = 50 * time.Millisecond   // 1 s
	sweepInterval  = time.Second             // 5 min
)

// tries are the waits before the queries of a refund whose outcome is unknown: 1, 5,
// 15, 30 and 60 min in production. This bank disturbs every other answer, so there
// are more of them.
func tries() []time.Duration {
	ts := []time.Duration{callTimeout}
	for range 30 {
		ts = append(ts, time.Second)
	}
	return ts
}

// task is what a node is told first, on its standard input: nothing of it is on the
// command line, where everybody on the machine could read it.
type task struct {
	Node     int          `json:"node"`
	Seed     uint64       `json:"seed"`
	Refunds  int          `json:"refunds"`
	Postgres string       `json:"postgres"`
	Redis    string       `json:"redis"`
	NATS     string       `json:"nats"`
	Name     string       `json:"name"` // of this run: begins its keys and subjects
	Bank     string       `json:"bank"`
	Keys     sandbox.Keys `json:"keys"`
}

// node is one process of the shop.
type node struct {
	task
	wishes  wishes
	db      *sqlstore.DB
	redis   *redis.Client
	nats    *nats.Conn
	events  journal.Publisher
	gateway *lanhai.Gateway
	book    *journal.Book
	refunds *refund.Service
	log     *slog.Logger
}

// beNode is the life of a node's process. It ends when it is told to stop, or when
// its standard input does.
func beNode(number int, stdin io.Reader, stdout, stderr io.Writer) int {
	log := slog.New(slog.NewTextHandler(stderr, nil)).With("node", number)
	slog.SetDefault(log)
	in := bufio.NewScanner(stdin)
	in.Buffer(nil, 1<<20)
	err := errors.New("no task came")
	if in.Scan() {
		var t task
		if err = json.Unmarshal(in.Bytes(), &t); err == nil {
			err = t.run(in, stdout, log)
		}
	}
	if err != nil {
		log.Error("node", "err", err)
		return exitDiffers
	}
	return exitOK
}

func (t task) run(in *bufio.Scanner, out io.Writer, log *slog.Logger) error {
	n := &node{task: t, wishes: wishes{t.Seed, t.Refunds}, log: log}
	defer n.close()
	if err := n.open(); err != nil {
		return err
	}
	return n.live(in, out)
}

// open sets everything up: the store, the lock and the rate in Redis, the publisher,
// the gateway, the book over all of them, and the operation.
func (n *node) open() (err error) {
	if n.db, err = sqlstore.OpenPostgres(n.Postgres, sqlstore.Config{Logger: n.log}); err != nil {
		return err
	}
	rs, err := n.openRedis()
	if err != nil {
		return err
	}
	if err := n.openNATS(); err != nil {
		return err
	}
	// While Redis cannot be asked each of the two nodes takes half.
	rate, err := rs.Bucket("lanhai "+n.Keys.Merchant, redisstore.BucketConfig{
		Rate:     redisstore.Rate{Calls: callsPerSecond, Burst: callsAtOnce},
		Fallback: redisstore.Rate{Calls: callsPerSecond / 2, Burst: callsAtOnce / 2},
	})
	if err != nil {
		return err
	}
	if n.gateway, err = n.openGateway(rate); err != nil {
		return err
	}
	n.book = journal.New(n.db, journal.Config{
		SendBy: sendBy, CallTimeout: callTimeout, StoreTimeout: storeTimeout, Tries: tries(),
		Locker: rs, LockLife: lockLife, LockWait: lockWait, Logger: slog.New(slog.DiscardHandler),
	})
	n.refunds = refund.New(n.book, n.gateway, refund.Config{Orders: n.wishes, SendWithin: sendWithin})
	return nil
}

// live takes notifications, settles what is open and carries out what the clerks
// want, until it is told to stop and what is in hand is done.
func (n *node) live(in *bufio.Scanner, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /notify/lanhai", notify.Handler(n.book, n.gateway, notify.Config{
		Observe: func(ctx context.Context, err error) { n.log.DebugContext(ctx, "notification", "err", err) },
	}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	c := newClerks(n.refunds, n.wishes, n.wishes.share(n.Node), out)
	c.say(line{At: l.Addr().String()})
	working := make(chan struct{})
	go func() {
		defer close(working)
		worker.Run(ctx, n.book, worker.Config{
			Interval: workInterval, SweepInterval: sweepInterval, Publisher: n.events, Logger: n.log,
		}, n.refunds)
	}()
	asking := make(chan struct{})
	go func() {
		defer close(asking)
		c.run(ctx)
	}()
	err = c.obey(in)
	stop()
	<-asking
	<-working
	if err != nil {
		err = fmt.Errorf("orders: %w", err)
	}
	return errors.Join(err, server.Close())
}

// close ends what open began, as far as it came.
func (n *node) close() {
	if n.gateway != nil {
		n.gateway.Close()
	}
	if n.nats != nil {
		n.nats.Close()
	}
	if n.redis != nil {
		_ = n.redis.Close() // nothing of worth is on its way
	}
	if n.db != nil {
		if err := n.db.Close(); err != nil {
			n.log.Error("journal", "err", err)
		}
	}
}
