package main

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bankrail/bankrail/sandbox"
)

// The bank's times, shortened like the nodes'.
const (
	settleMax  = 800 * time.Millisecond  // from acceptance to the end of a refund
	bankDelay  = 1200 * time.Millisecond // of late answers and late arrivals: longer than readTimeout, shorter than visible
	staleQuery = time.Second             // how long a query may miss a new refund: shorter than visible
)

// notices is when the bank delivers a notification until it is acknowledged.
func notices() []time.Duration {
	const ms = time.Millisecond
	return []time.Duration{
		0, 200 * ms, 300 * ms, 500 * ms, 1000 * ms, 1000 * ms, 1000 * ms, 2000 * ms, 2000 * ms, 2000 * ms,
	}
}

// notifyURL is where the bank sends its notifications: a name, behind which the
// forwarder finds a node that lives.
const notifyURL = "http://localhost/notify/lanhai"

// bank is the sandbox bank on loopback.
type bank struct {
	*sandbox.Bank
	server *http.Server
	url    string

	mu    sync.Mutex
	calls map[int64]int // by second
}

func openBank(o options, w wishes, f *forwarder) (*bank, error) {
	faults := sandbox.Calm
	if o.faults == "hostile" {
		faults = sandbox.Hostile()
		// True news of a number nobody wants is kept for a day before a person hears of it,
		// and this run ends when nothing is kept.
		faults.Notice[sandbox.NoticeUnknownNumber] = 0
	}
	sb, err := sandbox.New(sandbox.Options{
		Seed: o.seed, Faults: faults, Trades: w.trades(), SettleMax: settleMax, Delay: bankDelay, StaleQuery: staleQuery,
		NotifyClient: &http.Client{Timeout: 2 * time.Second, Transport: f}, NotifySchedule: notices(),
	})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, sb.Close())
	}
	b := &bank{Bank: sb, url: "http://" + l.Addr().String() + "/bank/v1", calls: map[int64]int{}}
	b.server = &http.Server{Handler: http.HandlerFunc(b.door), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = b.server.Serve(l) }() // ends with Close
	return b, nil
}

// door counts who comes: the rate is agreed for both nodes together.
func (b *bank) door(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.calls[time.Now().Unix()]++
	b.mu.Unlock()
	b.ServeHTTP(w, r)
}

// busy is how often the bank was called, and how often in its busiest second.
func (b *bank) busy() (calls, busiest int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.calls {
		calls, busiest = calls+n, max(busiest, n)
	}
	return calls, busiest
}

// Close stops the bank.
func (b *bank) Close() error { return errors.Join(b.Bank.Close(), b.server.Close()) }

// forwarder hands each notification to the next node that lives. It keeps nothing:
// what a node that just died did not acknowledge the bank sends again.
type forwarder struct {
	wire *http.Transport

	mu    sync.Mutex
	nodes map[int]string // "host:port" by number
	turn  int
}

var _ http.RoundTripper = (*forwarder)(nil)

func newForwarder() *forwarder {
	return &forwarder{wire: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second}, nodes: map[int]string{}}
}

// set says where a node takes notifications; nowhere where at is empty.
func (f *forwarder) set(node int, at string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.nodes[node] = at; at == "" {
		delete(f.nodes, node)
	}
}

var errNobody = errors.New("no node lives")

func (f *forwarder) next() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.nodes) == 0 {
		return "", errNobody
	}
	f.turn++
	living := slices.Sorted(maps.Keys(f.nodes))
	return f.nodes[living[f.turn%len(living)]], nil
}

// RoundTrip sends a request on to the next node.
func (f *forwarder) RoundTrip(r *http.Request) (*http.Response, error) {
	at, err := f.next()
	if err != nil {
		return nil, err
	}
	out := r.Clone(r.Context())
	out.URL.Host = at
	return f.wire.RoundTrip(out)
}

// CloseIdleConnections is asked for by http.Client.
func (f *forwarder) CloseIdleConnections() { f.wire.CloseIdleConnections() }
