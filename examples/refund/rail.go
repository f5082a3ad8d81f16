package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/store/sqlstore"
	"github.com/bankrail/bankrail/worker"
)

// The schedule of a day, shortened to seconds. A production host leaves all of this
// out: the defaults are its values. What must hold between them holds here too.
const (
	connectTimeout = 300 * time.Millisecond // 5 s
	readTimeout    = 500 * time.Millisecond // 10 s
	// callTimeout bounds a call with its retries: connectTimeout + readTimeout fit in
	// it, and the journal counts with the same value as the gateway. 20 s
	callTimeout = time.Second
	// sendBy is how long after its record a copy may still leave. 10 s
	sendBy = time.Second
	// visible is how long the bank may say "no such refund" of one it has, or will have:
	// longer than staleQuery and than bankDelay. A number is sent again only when the
	// bank does not know it sendBy + callTimeout + visible after its last copy. 10 min
	visible = 1500 * time.Millisecond
	// settles is how long an accepted refund may take: longer than settleMax. 72 h
	settles = time.Minute
	// storeTimeout bounds a write to the journal. With sendBy and twice callTimeout it
	// makes the lease after which the work of a killed process is taken over. 10 s
	storeTimeout = 2 * time.Second
	// sendWithin is how long a refund may wait where the bank says "not now": several
	// times the bank's Retry-After of a second. A host chooses it; none by default.
	sendWithin = 10 * time.Second
	// breakerOpen is how long requests are kept from the bank after five failed in a row.
	// 30 s
	breakerOpen = 200 * time.Millisecond
	// Workers look for due work, and sweep. 1 s and 5 min
	workInterval  = 50 * time.Millisecond
	sweepInterval = time.Second
)

// tries are the waits before the queries of a refund whose outcome is unknown; the
// first is not before the call has ended. 1, 5, 15, 30 and 60 min; here there are
// more of them, because this bank disturbs every other call.
var tries = []time.Duration{
	callTimeout, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second,
	time.Second, time.Second, time.Second, time.Second, time.Second, time.Second, time.Second,
	time.Second, time.Second, time.Second, time.Second, time.Second, time.Second,
}

// rail is everything of bankrail that a host sets up, once.
type rail struct {
	db      *sqlstore.DB
	gateway *lanhai.Gateway
	book    *journal.Book
	refunds *refund.Service
	server  *http.Server // for the bank's notifications
	noise   *noise
	log     *slog.Logger
}

// open sets bankrail up: the gateway, the store, the book over the store, the
// operation over both, and the endpoint for the bank's notifications.
func open(file, bankURL string, keys sandbox.Keys, desk *shop, log *slog.Logger) (*rail, error) {
	r := &rail{noise: &noise{log: log}, log: log}
	var err error
	if r.db, err = sqlstore.OpenSQLite(file, sqlstore.Config{Logger: log}); err != nil {
		return nil, err
	}
	if r.gateway, err = gateway(bankURL, keys, r.db, log); err != nil {
		return nil, errors.Join(err, r.db.Close())
	}
	r.book = journal.New(r.db, journal.Config{
		SendBy: sendBy, CallTimeout: callTimeout, StoreTimeout: storeTimeout, Tries: tries,
		Alarm: r.noise.alarm, Logger: log,
	})
	r.refunds = refund.New(r.book, r.gateway, refund.Config{
		Orders: desk, Authorize: desk.authorize, SendWithin: sendWithin,
	})
	mux := http.NewServeMux()
	mux.Handle("POST /notify/lanhai", notify.Handler(r.book, r.gateway, notify.Config{Observe: r.noise.observe}))
	r.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	return r, nil
}

// gateway opens the merchant's access to the bank. In production the keys come from
// files or the environment (sign.PrivateKeyFile, sign.PrivateKeyEnv), BaseURL is the
// bank's, and Environment, Rules and the timeouts are left out.
func gateway(bankURL string, keys sandbox.Keys, log bankrail.Recorder, logger *slog.Logger) (*lanhai.Gateway, error) {
	own, err := sign.ParsePrivateKey([]byte(keys.MerchantPrivatePEM))
	if err != nil {
		return nil, fmt.Errorf("the merchant's key: %w", err)
	}
	signer, err := sign.NewSigner(own, sign.SignerConfig{KeyID: keys.MerchantKeyID})
	if err != nil {
		return nil, fmt.Errorf("the merchant's key: %w", err)
	}
	theirs, err := sign.ParsePublicKey([]byte(keys.BankPublicPEM))
	if err != nil {
		return nil, fmt.Errorf("the bank's key: %w", err)
	}
	ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: keys.BankKeyID, Key: theirs})
	if err != nil {
		return nil, fmt.Errorf("the bank's key: %w", err)
	}
	return lanhai.New(lanhai.Config{
		Environment: lanhai.Sandbox, BaseURL: bankURL, Merchant: keys.Merchant,
		Signer: signer, Bank: ring, NotifyURL: notifyURL, Recorder: log, Logger: logger,
		ConnectTimeout: connectTimeout, ReadTimeout: readTimeout, CallTimeout: callTimeout,
		Breaker: client.Breaker{OpenFor: breakerOpen},
		Rules: &journal.Rules{
			Dedupe: journal.DedupeAll, Horizon: 180 * 24 * time.Hour, Visible: visible, Settles: settles,
		},
	})
}

// run serves the bank's notifications on l and settles what is open, until ctx ends
// and what is in hand is done.
func (r *rail) run(ctx context.Context, l net.Listener, events journal.Publisher) {
	go func() { _ = r.server.Serve(l) }() // ends with Close
	worker.Run(ctx, r.book, worker.Config{
		Interval: workInterval, SweepInterval: sweepInterval, Publisher: events, Logger: r.log,
	}, r.refunds)
}

// Close ends what open began.
func (r *rail) Close() error {
	err := r.server.Close()
	r.gateway.Close()
	return errors.Join(err, r.db.Close())
}
