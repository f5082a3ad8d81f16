package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/bankrail/bankrail/sign"
)

// Dedupe is what the bank does with a second copy of a request.
type Dedupe int

const (
	DedupeAll       Dedupe = iota // the first result again, also of a failed number
	DedupeSucceeded               // a failed number may be executed anew
	DedupeNone                    // each copy executes
)

// Options of a bank. The zero value is a hostile SM2 bank in memory.
type Options struct {
	Seed         uint64         // of everything random but the keys
	Merchant     string         // the merchant's id. Defaults to "M1001"
	Algorithm    sign.Algorithm // of both sides' signatures. Defaults to sign.SM2SM3
	Clock        Clock          // Defaults to the real one
	Faults       Shares         // Defaults to hostile; see Calm
	Dedupe       Dedupe         // Defaults to DedupeAll
	Trades       []Trade        // trades that exist from the start
	SettleMin    time.Duration  // from acceptance to the end of a refund, at least
	SettleMax    time.Duration  // and at most. Both zero: 0 to 30 s; negative: every refund ends at once. With SettleMin 0 about one in four ends at once
	Delay        time.Duration  // of ReplyDelayed and LateArrival. Defaults to 15 s
	StaleQuery   time.Duration  // how long StaleQuery hides a new refund. Defaults to 30 s
	AllowIP      []netip.Prefix // who may call. Defaults to everyone
	NotifyClient *http.Client   // Defaults to one with 5 s for everything that follows no redirects
	LedgerFile   string         // keeps the state over restarts and kills; holds test keys. Defaults to none
	Logger       *slog.Logger   // Defaults to silence
	// NotifySchedule holds the pauses before each delivery. Defaults to 0, 15 s,
	// 15 s, 30 s, 3 min, 10 min, 20 min, 3 × 30 min, 1 h, 3 × 3 h, 2 × 6 h.
	NotifySchedule []time.Duration
}

// Bank is the bank's side of the wire: an http.Handler for /bank/v1. Methods are
// safe for concurrent use.
type Bank struct {
	opts   Options
	clock  Clock
	log    *slog.Logger
	client *http.Client
	keys   keys
	ctx    context.Context // ends with Close; not a request's
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{} // bounds concurrent deliveries
	runMu  sync.Mutex    // one runner of due tasks at a time

	mu       sync.Mutex // guards what follows
	opened   bool       // before, no alarm is set: keys and file are not there yet
	closed   bool
	offset   time.Duration
	tasks    taskQueue
	taskSeq  uint64
	armedFor time.Time
	disarm   func() bool
	shares   Shares
	scripts  map[place]map[string][]Fault
	nonces   nonceCache
	book     book
	notices  []*notice
	held     map[string][]*notice // out of order, by bankRefundNo
	file     *ledgerFile
}

var _ http.Handler = (*Bank)(nil)

// New opens a bank. With Options.LedgerFile it goes on where that file ends, and
// with that file's keys. Close it.
func New(opts Options) (*Bank, error) {
	shares, err := opts.Faults.settled()
	if err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	if !plain(opts.Merchant, 1, 64, "_-") {
		return nil, errors.New("sandbox: merchant id must be 1 to 64 of [0-9A-Za-z_-]")
	}
	if opts.SettleMax >= 0 && opts.SettleMin > opts.SettleMax {
		return nil, errors.New("sandbox: SettleMin is above SettleMax")
	}
	b := &Bank{
		opts: opts, clock: opts.Clock, log: opts.Logger, client: opts.NotifyClient, shares: shares,
		slots: make(chan struct{}, 16), held: map[string][]*notice{},
		scripts: map[place]map[string][]Fault{atRequest: {}, atQuery: {}, atNotice: {}},
		nonces:  nonceCache{seen: map[string]bool{}},
		book:    newBook(),
	}
	if b.client == nil {
		b.client = notifyClient()
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	if err := b.open(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	for _, t := range opts.Trades {
		if err := b.AddTrade(t); err != nil && !errors.Is(err, errTradeExists) {
			return nil, errors.Join(err, b.Close())
		}
	}
	b.mu.Lock()
	b.opened = true
	b.arm()
	b.mu.Unlock()
	return b, nil
}

// open takes the keys and the state from the ledger file, or makes new ones.
func (b *Bank) open() (err error) {
	var saved *savedKeys
	if b.opts.LedgerFile != "" {
		if saved, err = b.load(b.opts.LedgerFile); err != nil {
			return err
		}
	}
	if b.keys, err = openKeys(b.opts, saved); err != nil {
		return err
	}
	if saved == nil {
		b.append(entry{Keys: b.keys.saved()})
	}
	return b.file.sync()
}

func (o Options) withDefaults() Options {
	if o.Merchant == "" {
		o.Merchant = "M1001"
	}
	if o.Clock == nil {
		o.Clock = realClock{}
	}
	if o.SettleMin == 0 && o.SettleMax == 0 {
		o.SettleMax = 30 * time.Second
	}
	if o.Delay == 0 {
		o.Delay = 15 * time.Second
	}
	if o.StaleQuery == 0 {
		o.StaleQuery = 30 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.NotifySchedule == nil {
		const s, m, h = time.Second, time.Minute, time.Hour
		o.NotifySchedule = []time.Duration{0, 15 * s, 15 * s, 30 * s, 3 * m, 10 * m, 20 * m, 30 * m, 30 * m, 30 * m,
			h, 3 * h, 3 * h, 3 * h, 6 * h, 6 * h}
	}
	return o
}

// notifyClient shares no connections with anybody, so that Close leaves none.
func notifyClient() *http.Client {
	return &http.Client{
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
		},
	}
}

// Close stops the clockwork, abandons held answers and deliveries, and closes the
// ledger file. Requests after it get no answer.
func (b *Bank) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	if b.disarm != nil {
		b.disarm()
	}
	b.cancel()
	b.mu.Unlock()
	b.wg.Wait()
	b.client.CloseIdleConnections()
	return b.file.close()
}

// Script directs faults at the coming requests for a refund number, one for each
// copy that arrives, in this order; after the last one the shares decide again.
// Faults of requests and of settlements may be named, and None.
func (b *Bank) Script(merchantRefundNo string, faults ...Fault) error {
	return b.script(atRequest, merchantRefundNo, faults)
}

// ScriptQuery is Script for queries of a refund number, or of a trade number.
func (b *Bank) ScriptQuery(number string, faults ...Fault) error {
	return b.script(atQuery, number, faults)
}

// ScriptNotify is Script for the deliveries of a refund's notifications.
func (b *Bank) ScriptNotify(merchantRefundNo string, faults ...Fault) error {
	return b.script(atNotice, merchantRefundNo, faults)
}

func (b *Bank) script(p place, number string, faults []Fault) error {
	for _, f := range faults {
		if f != None && !known(p, f) && (p != atRequest || !known(atSettle, f)) {
			return errors.New("sandbox: no " + string(p) + " fault " + string(f))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.scripts[p][number] = append(b.scripts[p][number], faults...)
	return nil
}

// fault takes the next scripted fault, or draws one. Needs b.mu.
func (b *Bank) fault(p place, number, key string, counter int) Fault {
	if s := b.scripts[p][number]; len(s) > 0 {
		if b.scripts[p][number] = s[1:]; len(s) == 1 {
			delete(b.scripts[p], number)
		}
		return s[0]
	}
	return b.shares.draw(b.opts.Seed, p, key, counter)
}

// SetFaults replaces the shares, for what comes from now on.
func (b *Bank) SetFaults(s Shares) error {
	s, err := s.settled()
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shares = s
	return nil
}
