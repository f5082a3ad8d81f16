package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/internal/point"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/proof/audit"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/sqlstore"
	"github.com/bankrail/bankrail/worker"
)

// orders of the parent, in the file that hostFile names.
type task struct {
	Plan plan
	// Strike is what this process does to itself; the zero strike nothing.
	Strike strike
	// Wants is how many of the plan's intents there are by now.
	Wants int
	Dir   string
	Bank  string // its URL
	Books string // of the management side
	Keys  sandbox.Keys
}

// host is one process that refunds.
type host struct {
	task
	db      *sqlstore.DB
	gateway *lanhai.Gateway
	book    *journal.Book
	refunds *refund.Service
	told    *log
	events  *log
}

// What a host says on its standard output: where it takes notifications, and that
// nothing is left to do.
const (
	saysAt      = "at "
	saysSettled = "settled"
)

// beHost is the life of a host process.
func beHost(file string, stdout, stderr io.Writer) int {
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	slog.SetDefault(logger)
	h, err := newHost(file)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err = h.run(point.With(ctx, h.Strike.hook()), stdout)
	}
	if err != nil {
		logger.Error("host", "err", err)
		return exitFound
	}
	return exitOK
}

func newHost(file string) (*host, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	h := &host{}
	if err := json.Unmarshal(b, &h.task); err != nil {
		return nil, err
	}
	if h.told, err = openLog(h.Dir, toldLog); err != nil {
		return nil, err
	}
	if h.events, err = openLog(h.Dir, eventLog); err != nil {
		return nil, err
	}
	if h.Strike.Point == point.HalfMigrated {
		betweenMigrations(h.Strike.hook())
	}
	if h.db, err = openStore(h.Plan, h.Dir); err != nil {
		return nil, err
	}
	if h.gateway, err = h.openGateway(); err != nil {
		return nil, err
	}
	h.book = journal.New(h.db, journal.Config{
		SendBy: sendBy, CallTimeout: callTimeout, StoreTimeout: storeTimeout, Tries: tries(),
		Locker: memstore.NewLocker(memstore.Config{}),
	})
	h.refunds = refund.New(h.book, h.gateway, refund.Config{Orders: h.Plan, SendWithin: sendWithin})
	return h, nil
}

func (h *host) openGateway() (*lanhai.Gateway, error) {
	own, err := sign.ParsePrivateKey([]byte(h.Keys.MerchantPrivatePEM))
	if err != nil {
		return nil, err
	}
	signer, err := sign.NewSigner(own, sign.SignerConfig{KeyID: h.Keys.MerchantKeyID})
	if err != nil {
		return nil, err
	}
	theirs, err := sign.ParsePublicKey([]byte(h.Keys.BankPublicPEM))
	if err != nil {
		return nil, err
	}
	ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: h.Keys.BankKeyID, Key: theirs})
	if err != nil {
		return nil, err
	}
	rules := journal.Rules{Dedupe: journal.DedupeAll, Horizon: time.Hour, Visible: visible, Settles: settles}
	if h.Plan.Forgetful {
		rules.Dedupe = journal.DedupeNone
	}
	return lanhai.New(lanhai.Config{
		Environment: lanhai.Sandbox, BaseURL: h.Bank, Merchant: h.Keys.Merchant, Signer: signer, Bank: ring,
		NotifyURL: notifyURL, ConnectTimeout: connectTimeout, ReadTimeout: readTimeout, CallTimeout: callTimeout,
		Rules: &rules, Breaker: client.Breaker{OpenFor: breakerOpen},
	})
}

// run takes notifications and works until everything is settled.
func (h *host) run(ctx context.Context, stdout io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /notify/lanhai", notify.Handler(h.book, h.gateway, notify.Config{}))
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go func() { _ = server.Serve(l) }() // ends with Close
	_, _ = fmt.Fprintln(stdout, saysAt+l.Addr().String())

	work, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		worker.Run(work, h.book, worker.Config{
			Interval: workInterval, SweepInterval: sweepInterval, Batch: 8, Publisher: h,
		}, h.refunds)
	}()
	err = h.carryOut(ctx)
	stop()
	<-done
	err = errors.Join(err, server.Close(), h.db.Close())
	h.gateway.Close()
	if err == nil {
		_, _ = fmt.Fprintln(stdout, saysSettled)
	}
	return err
}

// Publish takes an event to where the auditor finds it.
func (h *host) Publish(_ context.Context, e journal.Event) error {
	err := h.events.append(audit.Event{ID: e.ID, Number: e.Entry.Number, Op: string(e.Entry.Op), Version: e.Version, Status: e.Status})
	if err != nil {
		return err
	}
	return h.events.f.Sync()
}

var _ journal.Publisher = (*host)(nil)

// settled reports whether nothing is open but what waits for a person, and every
// event is published.
func (h *host) settled(ctx context.Context) (bool, error) {
	for _, s := range []bankrail.Status{bankrail.Created, bankrail.Processing} {
		open, _, err := h.db.List(ctx, journal.ListQuery{Status: s, Limit: 1})
		if err != nil || len(open) > 0 {
			return false, err
		}
	}
	health, err := h.db.Health(ctx)
	return health.Unpublished == 0, err
}
