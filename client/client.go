// Package client makes one signed, verified round trip to a gateway: bytes out,
// verified bytes in, and what the call may have done decided.
//
//	c, err := client.New(client.Config{Channel: ch, BaseURL: "https://bank.example", Dialect: d})
//	if err != nil { … }
//	a, err := c.Do(ctx, client.Request{Op: bankrail.OpRefund, Method: "POST", Path: "/refund", Body: body, MovesMoney: true})
//
// # The promise
//
// An [Answer] is returned only if its bytes verified. Any other outcome is a
// *[bankrail.Error] whose Effect is NotSent only where it is certain that no byte
// of the request was handed to the network; in doubt it is Unknown. One attempt
// is written to at most one connection: what net/http would send a second time by
// itself is stopped at the connection. Nothing is written once the context is
// done or its deadline has passed, however long the process stood still before.
//
// # What it is not for
//
// It reads no gateway codes and knows no operations: a declined refund is an
// Answer. It never decides [bankrail.Refused]. It keeps no state between calls
// but idle connections, the breaker and the rate, and it is no general HTTP client: HTTP/1.1 only, no
// redirects, no cookies, no decompression, no proxy from the environment.
package client

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptrace"
	"slices"

	"github.com/bankrail/bankrail"
	"github.com/go-resty/resty/v2"
)

// Dialect is how one gateway signs requests and verifies answers. It is declared
// here and implemented by the gateways; it must be safe for concurrent use.
type Dialect interface {
	// Sign signs exactly r.Body and sets headers; it may replace r.Body, and what it
	// leaves there is what goes out. It is called once per attempt, with a Request of
	// its own, so that timestamps and nonces are new. Its error means not sent.
	Sign(ctx context.Context, r *Request) error
	// Verify checks exactly the bytes that came, before anybody parses them. Its
	// error means that the answer says nothing: the effect is unknown. It gets answers
	// of any HTTP status but 1xx and 3xx, and an error's text must not quote the body.
	Verify(ctx context.Context, r *Request, a *Answer) error
}

// Request is what is asked of the gateway.
type Request struct {
	// Op and Number say what this is about, for errors and records.
	Op     bankrail.Op
	Number string
	// Method is GET, POST, PUT, PATCH or DELETE.
	Method string
	// Path follows the base URL: it begins with a slash, may carry a query, and is
	// escaped as it shall stand on the wire, because dialects sign it.
	Path string
	// Header is sent with the request. The caller's map is not changed.
	Header http.Header
	// Body is sent as it is, with POST, PUT and PATCH only.
	Body []byte
	// MovesMoney marks a request that must not be executed twice. A GET that moves
	// money gets a fresh connection, and the headers Idempotency-Key and
	// X-Idempotency-Key are refused: net/http takes them as leave to send again.
	MovesMoney bool
}

// Answer is what came back, verified. The code that the gateway gives is in Body.
type Answer struct {
	HTTPStatus int
	Header     http.Header
	// Body is exactly what came, not decompressed.
	Body []byte
}

// Client makes round trips for one merchant at one gateway. It is safe for
// concurrent use. Make one with [New].
type Client struct {
	cfg   Config
	base  string
	names map[string]bool // what is redacted, lower case
	// kept reuses connections, fresh never does.
	kept, fresh *resty.Client
	close       func()
	breaker     *breaker // nil where it is off
}

// Do signs r, sends it and returns the verified answer, whatever its HTTP status.
//
// An attempt that was certainly not sent is repeated, freshly signed, at most
// Config.Retries times; nothing else is. Together they take one turn of the limiter
// and are one call to the breaker.
//
// Errors: always *bankrail.Error. With Effect NotSent: a malformed request
// (errors.Is ErrInvalid), no turn in time (ErrBusy), an open breaker
// (ErrBreakerOpen), a dialect that could not sign, no connection (DNS, dial, TLS
// handshake), a context that was done before the first byte. With Effect
// Unknown: everything after that, an answer that does not verify, is cut, too
// large or a redirect included. The text quotes no body, header or query.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	if err := r.check(); err != nil {
		return nil, c.fail(&r, nil, err)
	}
	var whole call
	whole.begin(ctx, &c.cfg)
	defer whole.end()
	if err := c.turn(&whole); err != nil {
		return nil, c.fail(&r, nil, err)
	}
	return c.guarded(&whole, &r)
}

// attempts sends until a byte left or nothing is left to try. It returns the last
// attempt too.
func (c *Client) attempts(whole *call, r *Request) (*Answer, *attempt, error) {
	a := &whole.first
	for n := 1; ; n++ {
		a.call, a.n = whole, n
		answer, err := c.once(r, a)
		if err == nil {
			return answer, a, nil
		}
		if n > c.cfg.Retries || !a.repeatable(err) || c.cfg.Backoff(whole.ctx, n) != nil {
			return nil, a, err
		}
		a = new(attempt)
	}
}

// Close closes idle connections. Calls that are under way go on, and the Client
// may be used again.
func (c *Client) Close() { c.close() }

// once makes one attempt with a copy of the request, so that signing the next one
// starts from what the caller gave.
func (c *Client) once(r *Request, a *attempt) (*Answer, error) {
	if c.cfg.Recorder != nil {
		a.started = c.cfg.Now()
	}
	a.req = *r
	answer, err := c.exchange(a)
	if err != nil {
		err = c.fail(&a.req, a, err)
	}
	if c.cfg.Recorder != nil {
		c.record(a, err)
	}
	return answer, err
}

// exchange signs, sends, reads and verifies. Whether anything was sent is left in
// the attempt.
func (c *Client) exchange(a *attempt) (*Answer, error) {
	defer a.end()
	r, hc := &a.req, c.kept
	if r.MovesMoney && r.Method == http.MethodGet {
		hc = c.fresh
	}
	req := hc.R().SetDoNotParseResponse(true)
	for k, v := range r.Header {
		req.Header[k] = slices.Clone(v)
	}
	r.Header, r.Body = req.Header, bytes.Clone(r.Body)
	if err := a.late(); err != nil {
		return nil, err
	}
	if err := c.sign(a); err != nil {
		return nil, err
	}
	if req.Header = r.Header; len(r.Body) > 0 {
		req.SetBody(r.Body)
	}
	resp, err := req.SetContext(c.traced(a)).Execute(r.Method, c.base+r.Path)
	if err != nil {
		return nil, err
	}
	if err := a.read(resp.RawResponse, c.cfg.MaxAnswer); err != nil {
		return nil, err
	}
	a.heard = true
	if err := c.verify(a.ctx, r, &a.answer); err != nil {
		return nil, err
	}
	return &a.answer, nil
}

// traced is the context under which the transport tells the attempt, or a foreign
// one finds it.
func (c *Client) traced(a *attempt) context.Context {
	if c.cfg.Transport != nil {
		return context.WithValue(a.ctx, attemptKey{}, a)
	}
	a.trace.GotConn = a.took
	return httptrace.WithClientTrace(a.ctx, &a.trace)
}
