package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// conn is a connection whose application bytes are written only for the attempt
// that was given it. Beneath it lies the TLS connection, so that a handshake or a
// closing alert is no byte of a request.
type conn struct {
	net.Conn
	peek    *peeker // at the socket beneath TLS
	attempt atomic.Pointer[attempt]
	closed  atomic.Bool
}

// Write asks the attempt in charge and then writes.
func (c *conn) Write(p []byte) (int, error) {
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	a := c.attempt.Load()
	if a == nil {
		return 0, errOver
	}
	if err := a.admit(c); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Close closes the connection.
func (c *conn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

// dialer opens connections: name resolution, TCP, proxy and TLS together within
// the time limit.
type dialer struct {
	cfg *Config
	tls *tls.Config
}

func (d *dialer) plain(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.cfg.ConnectTimeout, errConnectTimeout)
	defer cancel()
	raw, err := d.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: raw, peek: newPeeker(raw)}, nil
}

func (d *dialer) secure(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.cfg.ConnectTimeout, errConnectTimeout)
	defer cancel()
	raw, err := d.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	cfg := d.tls.Clone()
	cfg.ServerName = host
	t := tls.Client(raw, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, cause(ctx, err)
	}
	return &conn{Conn: t, peek: newPeeker(raw)}, nil
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var nd net.Dialer
	if d.cfg.Proxy != nil {
		return d.tunnel(ctx, &nd, addr)
	}
	raw, err := nd.DialContext(ctx, network, addr)
	return raw, cause(ctx, err)
}

// cause prefers what ended the context to what that did to the call.
func cause(ctx context.Context, err error) error {
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return errConnectTimeout // the dialer was a moment before the context's timer
	}
	return err
}

// transport is HTTP/1.1: one request at a time owns a connection, so that its
// bytes can be told from others'.
func (d *dialer) transport(fresh bool) *http.Transport {
	return &http.Transport{
		DialContext:            d.plain,
		DialTLSContext:         d.secure,
		DisableKeepAlives:      fresh,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        10 * time.Second, // under what load balancers allow, or the race for a closing connection is lost
		MaxResponseHeaderBytes: 64 << 10,
	}
}
