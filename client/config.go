package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/go-resty/resty/v2"
)

// Config says whom to talk to and how. Channel.Gateway, BaseURL and Dialect are
// required; the zero value of everything else works.
type Config struct {
	// Channel names the gateway and the merchant, for errors and records.
	Channel bankrail.Channel
	// BaseURL is the scheme, the host and perhaps a path that comes before every
	// Request.Path: "https://bank.example/api". User info, a query and a fragment are
	// refused. An http URL is allowed here: the gateway decides what production allows.
	BaseURL string
	// Dialect signs and verifies.
	Dialect Dialect

	// ConnectTimeout bounds name resolution, TCP, proxy and TLS handshake together.
	// Defaults to 5 s.
	ConnectTimeout time.Duration
	// ReadTimeout bounds one exchange: from the first byte of the request written to
	// the last byte of the answer read. Defaults to 10 s.
	ReadTimeout time.Duration
	// CallTimeout bounds one Do with all its attempts and the waits between them. A
	// deadline of the caller's context that is earlier holds. Defaults to 20 s.
	CallTimeout time.Duration
	// MaxAnswer is the longest answer body accepted, in bytes as they came. Headers
	// are bounded to 64 KiB. Defaults to 1 MiB.
	MaxAnswer int64

	// RootCAs are the authorities that may vouch for the gateway. Defaults to the
	// system's.
	RootCAs *x509.CertPool
	// Certificates are shown to a gateway that asks for one (mTLS). Defaults to none.
	// Under TLS 1.3 a gateway refuses a missing one only after the request was written,
	// so that the effect is Unknown.
	Certificates []tls.Certificate
	// Proxy is an HTTP proxy that opens a tunnel (CONNECT) to the gateway, for an http
	// base URL too; user info in it is sent as Proxy-Authorization. HTTP_PROXY and its
	// siblings are never read: money does not follow the environment. Defaults to none.
	Proxy *url.URL

	// Retries is how often an attempt that was certainly not sent is repeated within
	// one Do: 1 or 2, or -1 for never. Defaults to 2.
	Retries int
	// Backoff waits before the given retry (1, 2) and returns an error when ctx is done
	// first. Defaults to a random time between 100 and 200 ms, twice that the second
	// time.
	Backoff func(ctx context.Context, retry int) error

	// Breaker keeps requests that move money from a gateway that is down. Its state
	// belongs to this Client. Defaults to open for 30 s after 5 failed calls in a row.
	Breaker Breaker
	// Limiter makes every call wait for its turn, queries too, for a quarter of
	// CallTimeout at most. Defaults to none.
	Limiter Limiter
	// Rate is the simple way to a Limiter: calls per second of this Client, 1 to
	// 1000000. Defaults to 0, which is no limit.
	Rate int
	// Burst is how many calls may go at once with Rate. Defaults to Rate.
	Burst int

	// Recorder is given every attempt, redacted, bodies cut to 64 KiB. It has 2 s; what
	// it does or fails to do changes nothing in the call. Defaults to none.
	Recorder bankrail.Recorder
	// Redact names the JSON members, form and query fields and headers whose values are
	// not recorded, at any depth, in any case. Where it is set, a body that is neither
	// JSON nor a form is recorded as its length and SHA-256. Authorization, Cookie,
	// Set-Cookie and Proxy-Authorization are never recorded. Defaults to none.
	Redact []string

	// Logger is told of recorders that fail. Defaults to slog.Default().
	Logger *slog.Logger
	// Now is the clock of records and of certificates' validity. Defaults to time.Now.
	Now func() time.Time
	// Transport replaces the network, for tests; the timeouts of connecting, TLS and
	// Proxy are then unused, and whatever was given to it counts as sent. Defaults to
	// none.
	Transport http.RoundTripper
}

// New checks the configuration and makes a client. It opens no connection.
//
// Errors: every bad field at once, each a *bankrail.FieldError.
func New(cfg Config) (*Client, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, base: strings.TrimSuffix(cfg.BaseURL, "/"), names: redacted(cfg.Redact), breaker: cfg.Breaker.open()}
	if cfg.Transport != nil {
		c.kept = quiet(&gate{next: cfg.Transport, foreign: &conn{}})
		c.fresh = c.kept
		c.close = func() {
			if t, ok := cfg.Transport.(interface{ CloseIdleConnections() }); ok {
				t.CloseIdleConnections()
			}
		}
		return c, nil
	}
	d := &dialer{cfg: &c.cfg, tls: &tls.Config{
		MinVersion:   tls.VersionTLS12,
		RootCAs:      cfg.RootCAs,
		Certificates: cfg.Certificates,
		NextProtos:   []string{"http/1.1"},
		Time:         cfg.Now,
	}}
	kept := d.transport(false)
	c.kept, c.fresh, c.close = quiet(&gate{next: kept}), quiet(&gate{next: d.transport(true)}), kept.CloseIdleConnections
	return c, nil
}

// quiet is resty with nothing in it that sends again or prints.
func quiet(rt http.RoundTripper) *resty.Client {
	return resty.NewWithClient(&http.Client{Transport: rt}).SetLogger(silence{}).SetDisableWarn(true).
		SetHeader("User-Agent", "bankrail")
}

// silence is a resty logger: what resty would print may quote a request.
type silence struct{}

func (silence) Errorf(string, ...any) {}
func (silence) Warnf(string, ...any)  {}
func (silence) Debugf(string, ...any) {}

// complete fills the defaults in and finds every bad field.
func (cfg Config) complete() (Config, error) {
	var errs []error
	bad := func(field, problem string) {
		errs = append(errs, &bankrail.FieldError{Field: "Config." + field, Problem: problem})
	}
	if cfg.Channel.Gateway == "" {
		bad("Channel", "want the gateway's name")
	}
	// The URL is never quoted: it may hold a password.
	if u, err := url.Parse(cfg.BaseURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		bad("BaseURL", "want http or https and a host")
	} else if u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(cfg.BaseURL, "#") {
		bad("BaseURL", "want no user info, query or fragment")
	} else if u.Path != "" && !wirePath(u.EscapedPath()) {
		bad("BaseURL", "want a path escaped as it goes on the wire")
	}
	if cfg.Dialect == nil {
		bad("Dialect", "want one: nothing is sent unsigned")
	}
	if p := cfg.Proxy; p != nil && (p.Scheme != "http" || p.Hostname() == "") {
		bad("Proxy", "want http and a host")
	}
	for _, t := range []struct {
		name  string
		value *time.Duration
		usual time.Duration
	}{
		{"ConnectTimeout", &cfg.ConnectTimeout, 5 * time.Second},
		{"ReadTimeout", &cfg.ReadTimeout, 10 * time.Second},
		{"CallTimeout", &cfg.CallTimeout, 20 * time.Second},
	} {
		if *t.value < 0 {
			bad(t.name, "want a positive duration, or 0 for the default")
		} else if *t.value == 0 {
			*t.value = t.usual
		}
	}
	switch {
	case cfg.MaxAnswer < 0 || cfg.MaxAnswer > 1<<30:
		bad("MaxAnswer", "want 1 byte to 1 GiB, or 0 for the default")
	case cfg.MaxAnswer == 0:
		cfg.MaxAnswer = 1 << 20
	}
	switch {
	case cfg.Retries < -1 || cfg.Retries > 2:
		bad("Retries", "want 1 or 2, -1 for none, or 0 for the default")
	case cfg.Retries == 0:
		cfg.Retries = 2
	}
	cfg.Breaker = cfg.Breaker.check(bad)
	cfg.limits(bad)
	if cfg.Backoff == nil {
		cfg.Backoff = backoff
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg, errors.Join(errs...)
}

// backoff waits 100 to 200 ms, doubled with each retry.
func backoff(ctx context.Context, retry int) error {
	base := 100 * time.Millisecond << (retry - 1)
	t := time.NewTimer(base + rand.N(base))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
