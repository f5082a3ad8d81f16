package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/sandbox"
)

// notifyURL is where a bank sends its notifications; its HTTP client finds the host
// that lives now, see courier.
const notifyURL = "http://localhost/notify/lanhai"

// world is a bank and the hosts that come and go before it.
type world struct {
	plan
	dir     string
	bank    *sandbox.Bank
	courier *courier
	front   *http.Server
	admin   *http.Server
	task    task
	calls   atomic.Int64 // refund requests that came to the bank's door
	victim  atomic.Pointer[os.Process]
}

func newWorld(p plan) (w *world, err error) {
	w = &world{plan: p, courier: &courier{}}
	if w.dir, err = os.MkdirTemp("", "bankrail-crash-"); err != nil {
		return nil, err
	}
	if err := p.schemas(dropSchema, makeSchema); err != nil {
		return nil, err
	}
	dedupe := sandbox.DedupeAll
	if p.Forgetful {
		dedupe = sandbox.DedupeNone
	}
	w.bank, err = sandbox.New(sandbox.Options{
		Seed: p.Seed, Trades: p.trades(), SettleMax: settleMax, Delay: bankDelay, StaleQuery: staleQuery, Dedupe: dedupe,
		NotifyClient: &http.Client{Timeout: time.Second, Transport: w.courier},
		NotifySchedule: []time.Duration{
			0, 100 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond,
			time.Second, time.Second, time.Second, 2 * time.Second, 2 * time.Second,
		},
	})
	if err != nil {
		return nil, err
	}
	// The first refund is never heard of again, so that every world has to ask.
	if err := w.bank.Script(p.intents()[0].first.Number, sandbox.RequestLost); err != nil {
		return nil, err
	}
	w.task = task{Plan: p, Dir: w.dir, Keys: w.bank.Keys()}
	if w.front, w.task.Bank, err = serve(http.HandlerFunc(w.door)); err == nil {
		w.admin, w.task.Books, err = serve(w.bank.Admin())
	}
	w.task.Bank += "/bank/v1"
	return w, err
}

func serve(h http.Handler) (*http.Server, string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.Serve(l) }() // ends with Close
	return s, "http://" + l.Addr().String(), nil
}

func (w *world) close() {
	_ = w.bank.Close()
	for _, s := range []*http.Server{w.front, w.admin} {
		_ = s.Close()
	}
}

// door is the bank's, and the place of the point that only the other side can strike:
// the bank has executed, and the host has no answer.
func (w *world) door(rw http.ResponseWriter, r *http.Request) {
	s := w.task.Strike
	if s.Point != point.OnTheWire || !strings.HasSuffix(r.URL.Path, "/refunds") || w.calls.Add(1) != int64(s.Nth) {
		w.bank.ServeHTTP(rw, r)
		return
	}
	defer func() {
		_ = recover() // the bank hangs up by panicking, and may have wanted to
		if p := w.victim.Load(); p != nil {
			_ = p.Kill()
		}
		panic(http.ErrAbortHandler)
	}()
	w.bank.ServeHTTP(&nowhere{header: http.Header{}}, r)
}

// nowhere is a network that carries no answer.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(int)             {}

// wants is how many intents there are at a turn: each life finds new ones.
func (w *world) wants(turn int) int {
	return w.Numbers * min(turn+1, len(w.Strikes)) / len(w.Strikes)
}

// errMissed: the host had settled everything before the strike.
var errMissed = errors.New("the host was done before the kill")

// kill runs a host until it is killed. One that had settled everything before is
// followed by one that is killed sooner.
func (w *world) kill(ctx context.Context, s strike, turn int) error {
	for {
		err := w.live(ctx, s, turn)
		if s.After /= 2; !errors.Is(err, errMissed) || s.After < time.Millisecond {
			return err
		}
	}
}

// live runs a host until the strike kills it or, with the zero strike, to the end.
func (w *world) live(ctx context.Context, s strike, turn int) error {
	w.task.Strike, w.task.Wants = s, w.wants(turn)
	w.calls.Store(0)
	b, err := json.Marshal(w.task)
	if err != nil {
		return err
	}
	name := filepath.Join(w.dir, fmt.Sprintf("host-%d.json", turn))
	if err := os.WriteFile(name, b, 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(w.dir, "host.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), hostFile+"="+name)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	w.victim.Store(cmd.Process)
	if s.After > 0 {
		t := time.AfterFunc(s.After, func() { _ = cmd.Process.Kill() })
		defer t.Stop()
	}
	settled := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at, ok := strings.CutPrefix(lines.Text(), saysAt); ok {
			w.courier.host.Store(&at)
		}
		settled = settled || lines.Text() == saysSettled
	}
	err = cmd.Wait()
	w.victim.Store(nil)
	return ended(err, s, settled)
}

// ended judges how a host ended.
func ended(err error, s strike, settled bool) error {
	var exit *exec.ExitError
	killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	switch {
	case s == strike{} && err == nil && settled:
		return nil
	case s != strike{} && killed:
		return nil
	case s != strike{} && err == nil:
		return errMissed
	}
	return fmt.Errorf("the host ended with %w", err)
}
