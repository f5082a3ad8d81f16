package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// The schedule of a day, shortened to seconds. A production host leaves all of this
// out: the defaults are its values. What must hold between them holds here too.
const (
	connectTimeout = 300 * time.Millisecond
	readTimeout    = 400 * time.Millisecond
	callTimeout    = 800 * time.Millisecond
	sendBy         = 500 * time.Millisecond
	storeTimeout   = time.Second      // with sendBy and twice callTimeout the lease of a killed worker
	visible        = time.Second      // longer than bankDelay and staleQuery
	settles        = time.Minute      // longer than settleMax
	sendWithin     = 10 * time.Second // of a refund that the bank refuses for now
	workInterval   = 30 * time.Millisecond
	sweepInterval  = time.Second
)

// rail is bankrail as the killed process sets it up.
type rail struct {
	db      *sqlstore.DB
	gateway *lanhai.Gateway
	book    *journal.Book
	refunds *refund.Service
}

// open sets bankrail up over the shop's database, with the shop's hook.
func open(s *shop, bankURL string, keys sandbox.Keys, log *slog.Logger) (*rail, error) {
	r := &rail{}
	var err error
	if r.db, err = s.journal(sqlstore.Config{OnChange: s.follow, Logger: log}); err != nil {
		return nil, err
	}
	if r.gateway, err = gateway(bankURL, keys); err != nil {
		return nil, errors.Join(err, r.db.Close())
	}
	tries := make([]time.Duration, 20)
	for i := range tries {
		tries[i] = callTimeout
	}
	r.book = journal.New(r.db, journal.Config{SendBy: sendBy, CallTimeout: callTimeout, StoreTimeout: storeTimeout, Tries: tries, Logger: log})
	r.refunds = refund.New(r.book, r.gateway, refund.Config{Orders: s, SendWithin: sendWithin})
	return r, nil
}

// journal opens bankrail's tables, beside the shop's.
func (d database) journal(cfg sqlstore.Config) (*sqlstore.DB, error) {
	switch d.Kind {
	case "postgres":
		return sqlstore.OpenPostgres(d.DSN, cfg)
	case "mysql":
		return sqlstore.OpenMySQL(d.DSN, cfg)
	}
	return sqlstore.OpenSQLite(d.DSN, cfg)
}

func gateway(bankURL string, keys sandbox.Keys) (*lanhai.Gateway, error) {
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
		Environment: lanhai.Sandbox, BaseURL: bankURL, Merchant: keys.Merchant, Signer: signer, Bank: ring,
		NotifyURL:      "http://localhost/notify/lanhai", // nobody listens there: the worker asks
		ConnectTimeout: connectTimeout, ReadTimeout: readTimeout, CallTimeout: callTimeout,
		Rules: &journal.Rules{Dedupe: journal.DedupeAll, Horizon: 180 * 24 * time.Hour, Visible: visible, Settles: settles},
	})
}

// Close ends what open began.
func (r *rail) Close() error {
	r.gateway.Close()
	return r.db.Close()
}
