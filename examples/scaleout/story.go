package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bankrail/bankrail/internal/faultproxy"
	"github.com/bankrail/bankrail/journal"
)

// When it happens, in per cent of the refunds, and how long the killed node is gone.
const (
	killAt, redisAt, natsAt = 40, 55, 75
	goneFor                 = time.Second
)

// patience is how long nothing may move before the run gives up waiting.
const patience = 90 * time.Second

// story is one run.
type story struct {
	options
	wishes   wishes
	servers  *servers
	forward  *forwarder
	bank     *bank
	crew     *crew
	consumer *consumer
	progress *progress

	mu     sync.Mutex
	health journal.Health
	rate   rate
	cutOff string // what is, for the progress
	pace   *pace
	told   map[string]verdict // by number
	done   map[int]bool       // nodes whose share is carried out
	wrongs []string
	answer int // calls of Create that answered
}

// play runs the story from beginning to end and returns the exit code.
func (o options) play(ctx context.Context, stdout, stderr io.Writer) (code int, err error) {
	dir, err := os.MkdirTemp("", "bankrail-scaleout-")
	if err != nil {
		return exitDiffers, err
	}
	defer func() {
		if ctx.Err() != nil || errors.Is(err, errUnreachable) || err == nil && code == exitOK {
			_ = os.RemoveAll(dir) // it is temporary
			return
		}
		_, _ = fmt.Fprintf(stderr, "What the nodes had to say is kept in %s\n", dir)
	}()
	file, err := os.Create(filepath.Join(dir, "nodes.log"))
	if err != nil {
		return exitDiffers, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	s := &story{
		options: o, wishes: wishes{o.seed, o.refunds}, forward: newForwarder(), pace: newPace(o.refunds),
		told: map[string]verdict{}, done: map[int]bool{},
	}
	if s.servers, err = openServers(ctx, o); err != nil {
		return exitDiffers, err
	}
	defer func() { err = errors.Join(err, s.servers.Close()) }()
	if s.bank, err = openBank(o, s.wishes, s.forward); err != nil {
		return exitDiffers, err
	}
	defer func() { err = errors.Join(err, s.bank.Close()) }()
	_, _ = fmt.Fprintf(stdout, "Two nodes share %d refunds of %d orders. Seed %d, a %s bank.\n", o.refunds, s.wishes.orders(), o.seed, o.faults)
	s.progress = newProgress(stdout, s.line)
	found, err := s.run(ctx, file)
	if err != nil || ctx.Err() != nil {
		return exitDiffers, err
	}
	return found.report(stdout), nil
}

// run has everything happen, and audits when the nodes have stopped.
func (s *story) run(ctx context.Context, log io.Writer) (outcome, error) {
	work, stop := context.WithCancel(ctx)
	s.crew = newCrew(task{
		Seed: s.seed, Refunds: s.refunds, Postgres: s.servers.dsn, Redis: s.servers.redisURL, NATS: s.servers.natsURL,
		Name: s.servers.prefix(), Bank: s.bank.url, Keys: s.bank.Keys(),
	}, log, s.heard)
	conn, err := dialNATS(s.servers.natsURL)
	if err != nil {
		stop()
		return outcome{}, err
	}
	defer conn.Close()
	s.consumer = newConsumer(s.servers.pool, conn, s.servers.name, slog.New(slog.NewTextHandler(log, nil)).With("who", "consumer"))
	var wg sync.WaitGroup
	defer s.crew.wait()
	defer wg.Wait()
	defer stop()
	wg.Go(func() { s.consumer.run(work) })
	wg.Go(func() { s.progress.run(work) })
	wg.Go(func() { s.conduct(work) })
	wg.Go(func() {
		for ; work.Err() == nil; wait(work, time.Second) {
			_, _ = s.look(work) // for the progress only
		}
	})
	for _, node := range []int{1, 2} {
		if err := s.crew.start(work, node); err != nil {
			return outcome{}, err
		}
	}
	if err := s.acts(work); err != nil {
		return outcome{}, err
	}
	if err := s.crew.stop(1, 2); err != nil {
		return outcome{}, err
	}
	// What is still on its way to the bank may arrive, and would not be noticed else.
	wait(ctx, bankDelay+settleMax)
	calls, busiest := s.bank.busy()
	s.progress.say("the nodes have stopped; the bank was called %d times, %d times in its busiest second (agreed are %d, and %d more at once)",
		calls, busiest, callsPerSecond, callsAtOnce)
	b, err := s.books(ctx)
	if err != nil {
		return outcome{}, err
	}
	return audit(b), nil
}

// acts is what happens while the nodes work.
func (s *story) acts(ctx context.Context) error {
	if err := s.await(ctx, s.answered(killAt)); err != nil {
		return err
	}
	s.forward.set(2, "")
	if err := s.crew.kill(2); err != nil {
		return err
	}
	s.progress.say("node 2 is killed with SIGKILL")
	wait(ctx, goneFor)
	if err := s.crew.start(ctx, 2); err != nil {
		return err
	}
	s.progress.say("node 2 is started again, and begins its share anew")
	for _, cut := range []struct {
		at, until int
		name      string
		wire      *faultproxy.Proxy
	}{{redisAt, natsAt, "Redis", s.servers.redisWire}, {natsAt, 100, "NATS", s.servers.natsWire}} {
		if err := s.await(ctx, s.answered(cut.at)); err != nil {
			return err
		}
		s.during(ctx, cut.name, cut.wire, cut.until)
	}
	if err := s.await(ctx, func(context.Context) (bool, error) { return s.finished(), nil }); err != nil {
		return err
	}
	err := s.await(ctx, s.settled)
	if errors.Is(err, errPatience) {
		return nil // the audit says what is left
	}
	return err
}

// during cuts a server off, and spreads the work so that it outlasts the cut.
func (s *story) during(ctx context.Context, name string, wire *faultproxy.Proxy, until int) {
	s.mu.Lock()
	s.pace.spread(s.refunds*until/100, time.Now(), s.cut+s.cut/10)
	s.cutOff = name
	s.mu.Unlock()
	s.progress.say("%s is cut off for %s", name, s.cut)
	wire.Cut()
	wait(ctx, s.cut)
	wire.Heal()
	s.mu.Lock()
	left := s.refunds - len(s.told)
	s.cutOff = ""
	s.mu.Unlock()
	s.progress.say("%s is back; %d refunds are still to come", name, left)
}

// conduct tells the nodes how far they may go.
func (s *story) conduct(ctx context.Context) {
	for last := map[*process]int{}; ctx.Err() == nil; wait(ctx, 20*time.Millisecond) {
		s.mu.Lock()
		upTo := s.pace.limit(len(s.told), time.Now())
		s.mu.Unlock()
		for _, node := range []int{1, 2} {
			if p := s.crew.of(node); p != nil && last[p] < upTo {
				last[p] = upTo
				s.crew.tell(node, fmt.Sprint(orderUpTo, upTo))
			}
		}
	}
}
