package main

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/bankrail/bankrail/broker"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/store/redisstore"
)

// The bank's agreement with the merchant, whichever node calls.
const (
	callsPerSecond = 300
	callsAtOnce    = 30
)

func (n *node) openRedis() (*redisstore.Store, error) {
	opt, err := redis.ParseURL(n.Redis)
	if err != nil {
		return nil, errors.New("the URL of Redis cannot be read") // the error repeats it
	}
	opt.ContextTimeoutEnabled = true
	n.redis = redis.NewClient(opt)
	// Nothing is left in Redis: locks end by themselves, and so do fences, soon here.
	return redisstore.New(n.redis, redisstore.Config{Prefix: n.Name + ":", KeepFences: time.Minute})
}

func (n *node) openNATS() (err error) {
	if n.nats, err = dialNATS(n.NATS); err != nil {
		return err
	}
	js, err := jetstream.New(n.nats)
	if err != nil {
		return err
	}
	n.events, err = broker.NewNATS(context.Background(), js, broker.NATSConfig{Prefix: n.Name, Timeout: 2 * time.Second})
	return err
}

// openGateway opens the merchant's access to the bank; see sign.PrivateKeyFile and
// sign.PrivateKeyEnv for where production has its keys.
func (n *node) openGateway(rate client.Limiter) (*lanhai.Gateway, error) {
	own, err := sign.ParsePrivateKey([]byte(n.Keys.MerchantPrivatePEM))
	if err != nil {
		return nil, err
	}
	theirs, err := sign.ParsePublicKey([]byte(n.Keys.BankPublicPEM))
	if err != nil {
		return nil, err
	}
	signer, err := sign.NewSigner(own, sign.SignerConfig{KeyID: n.Keys.MerchantKeyID})
	if err != nil {
		return nil, err
	}
	ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: n.Keys.BankKeyID, Key: theirs})
	if err != nil {
		return nil, err
	}
	return lanhai.New(lanhai.Config{
		Environment: lanhai.Sandbox, BaseURL: n.Bank, Merchant: n.Keys.Merchant, Signer: signer, Bank: ring,
		NotifyURL: notifyURL, Limiter: rate, Breaker: client.Breaker{OpenFor: breakerOpen}, Logger: n.log,
		ConnectTimeout: connectTimeout, ReadTimeout: readTimeout, CallTimeout: callTimeout,
		Rules: &journal.Rules{Dedupe: journal.DedupeAll, Horizon: time.Hour, Visible: visible, Settles: settles},
	})
}
