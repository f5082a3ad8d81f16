// Package lanhai is the loan-fee refund gateway of Weihai Lanhai Bank (威海蓝海银行):
// refund, refund query, trade query and refund notification.
//
//	signer, err := sign.NewSigner(key, sign.SignerConfig{KeyID: "m-2026"})
//	bank, err := lanhai.New(lanhai.Config{BaseURL: url, Merchant: "M1001", Signer: signer, Bank: bankKeys})
//	refunds := refund.New(book, bank, refund.Config{Orders: shop})
//
// The wire is JSON over POST; the members that are not empty, with the merchant, a
// timestamp and a nonce, are sorted by name, joined as k=v with &, signed with the
// merchant's RSA or SM2 key, and the Base64 signature goes into the header Sign.
// Answers and notifications are signed by the bank the same way.
//
// Used alone, without a journal, its errors may be Unknown: the refund may have been
// executed all the same. Only package refund keeps the promise.
//
// Source: the bank refund brief; where it is silent, the sandbox contract in
// docs/lanhai.md.
package lanhai

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sign"
)

// Environment keeps test and production apart. It is part of the gateway's name, so
// that a record of one never answers for the other.
type Environment string

// The environments.
const (
	// Production refuses plain http, loopback addresses and keys marked as sandbox keys.
	Production Environment = "production"
	// Sandbox is the bank's test system or package sandbox.
	Sandbox Environment = "sandbox"
)

// Config configures a Gateway.
type Config struct {
	// Environment defaults to Production.
	Environment Environment
	// BaseURL is the root of the bank's interface, up to but not including /refunds:
	// "https://api.bank.example/bank/v1". Required.
	BaseURL string
	// Merchant is the merchant number (商户ID), 1 to 32 of 0-9 A-Z a-z _ -. Required.
	Merchant string
	// Signer signs with the merchant's private key. Required.
	Signer sign.Signer
	// Bank verifies with the bank's public keys, by serial. Required.
	Bank sign.Verifier
	// NotifyURL is where the bank sends its notifications: https without a query, at
	// most 256 characters; in the sandbox plain http on loopback too.
	// Defaults to none: results come from queries alone.
	NotifyURL string
	// RootCAs and Certificates are for TLS: who may issue the bank's certificate, and
	// the merchant's own (双向认证). Default to the system's roots, and none.
	RootCAs      *x509.CertPool
	Certificates []tls.Certificate
	// ConnectTimeout, ReadTimeout and CallTimeout bound a call. Default to 5 s, 10 s
	// and 20 s, as the brief advises; journal.Config.CallTimeout must not be shorter.
	ConnectTimeout, ReadTimeout, CallTimeout time.Duration
	// Breaker says when the bank counts as down. Defaults to open for 30 s after 5
	// failed calls in a row; see client.Breaker for what counts.
	Breaker client.Breaker
	// Limiter makes calls wait for their turn; Rate and Burst, in calls per second, are
	// the simple way. Default to none; see client.Config.
	Limiter     client.Limiter
	Rate, Burst int
	// Recorder keeps every request and answer. Defaults to none.
	Recorder bankrail.Recorder
	// Logger gets what the client has to say. Defaults to slog.Default.
	Logger *slog.Logger
	// Now is the clock of the timestamps on the wire; the bank refuses those more than
	// 5 minutes off. Defaults to time.Now.
	Now func() time.Time
	// Rules overrides what the bank promises about numbers. Defaults to what the
	// contract says: numbers recognised for 180 days, failed ones too; visible to
	// queries within 10 minutes; settled within 72 hours.
	Rules *journal.Rules
	// Transport replaces the network, for tests. Defaults to none.
	Transport http.RoundTripper
}

// Gateway is one merchant at the bank. It is safe for concurrent use.
type Gateway struct {
	channel bankrail.Channel
	client  *client.Client
	dialect *dialect
	rules   journal.Rules
	notify  string
}

var (
	_ refund.Gateway = (*Gateway)(nil)
	_ refund.Orders  = (*Gateway)(nil)
	_ refund.Readier = (*Gateway)(nil)
	_ notify.Source  = (*Gateway)(nil)
)

// New returns a Gateway.
//
// Errors: one *bankrail.FieldError for every field that is wrong, joined.
func New(cfg Config) (*Gateway, error) {
	if cfg.Environment == "" {
		cfg.Environment = Production
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	channel := bankrail.Channel{Gateway: "lanhai-" + string(cfg.Environment), Merchant: cfg.Merchant}
	errs := cfg.check()
	d := &dialect{signer: cfg.Signer, bank: cfg.Bank, merchant: cfg.Merchant, now: cfg.Now, nonce: newNonce}
	c, err := client.New(client.Config{
		Channel: channel, BaseURL: cfg.BaseURL, Dialect: d,
		ConnectTimeout: cfg.ConnectTimeout, ReadTimeout: cfg.ReadTimeout, CallTimeout: cfg.CallTimeout,
		RootCAs: cfg.RootCAs, Certificates: cfg.Certificates, Recorder: cfg.Recorder,
		Logger: cfg.Logger, Now: cfg.Now, Transport: cfg.Transport,
		Breaker: cfg.Breaker, Limiter: cfg.Limiter, Rate: cfg.Rate, Burst: cfg.Burst,
	})
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("lanhai: %w", err)
	}
	rules := journal.Rules{
		Dedupe: journal.DedupeAll, Horizon: 180 * 24 * time.Hour,
		Visible: 10 * time.Minute, Settles: 72 * time.Hour,
	}
	if cfg.Rules != nil {
		rules = *cfg.Rules
	}
	return &Gateway{channel: channel, client: c, dialect: d, rules: rules, notify: cfg.NotifyURL}, nil
}

// check finds every field that is wrong but those the client checks.
func (c Config) check() []error {
	var errs []error
	bad := func(field, problem string) {
		errs = append(errs, &bankrail.FieldError{Field: "Config." + field, Problem: problem})
	}
	if c.Environment != Production && c.Environment != Sandbox {
		bad("Environment", fmt.Sprintf("want %q or %q", Production, Sandbox))
	}
	if len(c.Merchant) > 32 || !name(c.Merchant) {
		bad("Merchant", "want 1 to 32 of 0-9 A-Z a-z _ -")
	}
	if c.Signer == nil {
		bad("Signer", "required")
	}
	if c.Bank == nil {
		bad("Bank", "required")
	}
	if c.NotifyURL != "" {
		if problem := c.badNotifyURL(); problem != "" {
			bad("NotifyURL", problem)
		}
	}
	if c.Environment != Production {
		return errs
	}
	if u, err := url.Parse(c.BaseURL); err == nil && c.BaseURL != "" {
		if u.Scheme != "https" {
			bad("BaseURL", "production wants https")
		}
		if loopback(u.Hostname()) {
			bad("BaseURL", "production refuses a loopback address, and a host that may be read as one")
		}
	}
	if sandboxKey(c.Signer) {
		bad("Signer", "production refuses a sandbox key")
	}
	if sandboxKey(c.Bank) {
		bad("Bank", "production refuses a sandbox key")
	}
	return errs
}

func (c Config) badNotifyURL() string {
	u, err := url.Parse(c.NotifyURL)
	switch {
	case err != nil || u.Host == "" || len(c.NotifyURL) > 256:
		return "want a URL of at most 256 characters"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil:
		return "must have no query, fragment or user"
	case u.Scheme == "https" && (c.Environment == Sandbox || !loopback(u.Hostname())):
		return ""
	case u.Scheme == "http" && c.Environment == Sandbox && loopback(u.Hostname()):
		return ""
	}
	return "want https to a public host (in the sandbox plain http on loopback too)"
}

// Channel is the merchant this Gateway serves.
func (g *Gateway) Channel() bankrail.Channel { return g.channel }

// Rules says what the bank promises about numbers; see Config.Rules.
func (g *Gateway) Rules(bankrail.Op) journal.Rules { return g.rules }

// Ready reports whether a refund would be let go now, by the breaker and the rate,
// without the wire. See client.Client.Ready.
//
// Errors: *bankrail.Error with Effect NotSent, and client.ErrBreakerOpen or
// client.ErrBusy.
func (g *Gateway) Ready(ctx context.Context) error { return g.client.Ready(ctx) }

// Close closes idle connections. A Gateway in use goes on working.
func (g *Gateway) Close() { g.client.Close() }

// sandboxKey asks keys whether they are marked; those of other origin are not.
func sandboxKey(key any) bool {
	e, ok := key.(interface{ Environment() string })
	return ok && e.Environment() == string(Sandbox)
}

// loopback reports whether a host is this machine, or may be taken for it: resolvers
// differ in what they make of 2130706433, 127.1 or 0x7f.1, and an HTTP client turns
// full-width letters and digits into plain ones.
func loopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap()
		return a.IsLoopback() || a.IsUnspecified()
	}
	for i := range len(host) {
		if host[i] >= 0x80 {
			return true
		}
	}
	switch host {
	case "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback":
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last == "localhost" || last != "" && last[0] >= '0' && last[0] <= '9' // no top-level domain begins with a digit
}

// name reports whether s is made of the characters of numbers, and not empty.
func name(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return s != ""
}
