package idempotency

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/bankrail/bankrail"
)

const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotent-Replayed"
)

// Middleware carries out requests of the same Idempotency-Key once, as the IETF draft
// of that header asks for, and answers repeats with the first response.
//
//	keys := idempotency.Middleware(store, idempotency.Config{Tenant: customer, Check: valid})
//	mux.Handle("POST /refunds", keys(refunds))
//
// A key is 1 to 255 printable ASCII characters, as they are or as a quoted string of a
// structured field. Before a key is taken: 400 without or with a malformed key, 413 for
// a body that is too long, and what Check says. After that: 422 where the key was used
// for another request, 409 with Retry-After while the first one runs, 202 where its
// outcome is not known, or the first response, byte for byte, with
// "Idempotent-Replayed: true". Where the store cannot be asked: 503, and nothing is
// carried out.
//
// A response below 500 ends its request (see Config.Final). A 5xx, a panic, a lease that
// ran out, or a response too long to keep leave it open: repeats are answered as
// processing and never carried out again, until somebody who knows the outcome calls
// Store.Complete with the Run's epoch. A handler says so itself through RunOf. Where the
// store is lost after the handler, the response goes out all the same.
//
// The response is held back until its outcome is recorded, so that this is not for
// streams: the writer has no Flush and no Hijack.
func Middleware(store Store, cfg Config) func(http.Handler) http.Handler {
	cfg = cfg.withDefaults()
	return func(next http.Handler) http.Handler { return &handler{store, cfg, next} }
}

type handler struct {
	store Store
	cfg   Config
	next  http.Handler
}

// ServeHTTP answers a request, or has it answered.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(h.cfg.Methods, r.Method) {
		h.next.ServeHTTP(w, r)
		return
	}
	sent := r.Header.Values(keyHeader)
	if len(sent) == 0 && h.cfg.Optional {
		h.next.ServeHTTP(w, r)
		return
	}
	key, err := parseKey(sent)
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	body, status := h.read(r)
	if status != 0 {
		problem(w, status, "")
		return
	}
	rewind(r, body)
	if err := h.cfg.Check(r); err != nil {
		refuse(w, err)
		return
	}
	rewind(r, body)
	print, err := h.cfg.Fingerprint(r, body)
	if err != nil {
		refuse(w, err)
		return
	}
	rewind(r, body)
	h.begun(w, r, Key{Tenant: h.cfg.Tenant(r), Route: h.cfg.Route(r), Key: key}, print)
}

// read takes the body in, at most MaxBody of it; a status other than 0 is an answer.
func (h *handler) read(r *http.Request) ([]byte, int) {
	if r.Body == nil {
		return nil, 0
	}
	if r.ContentLength > h.cfg.MaxBody {
		return nil, http.StatusRequestEntityTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, h.cfg.MaxBody+1))
	switch {
	case int64(len(body)) > h.cfg.MaxBody:
		return nil, http.StatusRequestEntityTooLarge
	case err != nil:
		return nil, http.StatusBadRequest
	}
	return body, 0
}

func rewind(r *http.Request, body []byte) { r.Body = io.NopCloser(bytes.NewReader(body)) }

// begun takes the key, or answers for whoever took it.
func (h *handler) begun(w http.ResponseWriter, r *http.Request, k Key, p Fingerprint) {
	c, err := h.begin(r.Context(), k, p, rand.Text())
	if err != nil {
		h.unavailable(w, r, err)
		return
	}
	switch c.State {
	case New:
		h.run(w, r, &Run{Key: k, Epoch: c.Epoch}, p)
	case Mismatch:
		problem(w, http.StatusUnprocessableEntity, "this key was used for another request")
	case InFlight:
		retryAfter(w, h.cfg.RetryAfter)
		problem(w, http.StatusConflict, "a request with this key is being carried out")
	case Replay:
		h.replay(w, r, c)
	case Unknown:
		h.cfg.Processing(w, r, c)
	default:
		h.unavailable(w, r, fmt.Errorf("idempotency: store answered state %d", c.State))
	}
}

// begin asks the store. Where the answer was lost it asks once more: that the key is
// in flight for this very owner says that the first call took it.
func (h *handler) begin(ctx context.Context, k Key, p Fingerprint, owner string) (Claim, error) {
	if h.store == nil {
		return Claim{}, errors.New("idempotency: no store")
	}
	// A client who left before takes no key; who leaves now leaves it with the handler.
	if err := ctx.Err(); err != nil {
		return Claim{}, err
	}
	ctx = context.WithoutCancel(ctx)
	c, err := h.beginOnce(ctx, k, p, owner)
	if err == nil || errors.Is(err, bankrail.ErrInvalid) {
		return c, err
	}
	if c, err = h.beginOnce(ctx, k, p, owner); err == nil && c.State == InFlight && c.Owner == owner {
		c.State = New
	}
	return c, err
}

func (h *handler) beginOnce(ctx context.Context, k Key, p Fingerprint, owner string) (Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.StoreTimeout)
	defer cancel()
	return h.store.Begin(ctx, k, p, owner, h.cfg.Lease)
}

func (h *handler) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	h.cfg.Logger.ErrorContext(r.Context(), "idempotency: key could not be taken, nothing was carried out", "error", err)
	retryAfter(w, h.cfg.RetryAfter)
	problem(w, http.StatusServiceUnavailable, "nothing was done; repeat the request with the same key")
}

// run has the request carried out and records what came of it. A handler that panics
// leaves it open, and the panic goes on.
func (h *handler) run(w http.ResponseWriter, r *http.Request, run *Run, p Fingerprint) {
	out := newCapture(w, h.cfg.MaxResponse)
	ctx := r.Context()
	returned := false
	defer func() {
		if !returned {
			h.complete(ctx, run, p, Open, nil)
		}
	}()
	h.next.ServeHTTP(out, r.WithContext(context.WithValue(ctx, runKey{}, run)))
	returned = true

	out.WriteHeader(http.StatusOK) // of a handler that wrote nothing
	o := h.outcome(run, out)
	var response []byte
	if o == Done {
		var err error
		if response, err = out.kept(h.cfg.Headers).MarshalBinary(); err != nil {
			o = Open
		}
	}
	h.complete(ctx, run, p, o, response)
	if !out.over {
		_ = out.release() // a client who left gets it when it asks again
	}
}

func (h *handler) outcome(run *Run, out *capture) Outcome {
	switch {
	case out.over:
		h.cfg.Logger.Warn("idempotency: response is too long to keep, its request stays open", "route", run.Key.Route)
		return Open
	case run.marked.Validate() == nil:
		return run.marked
	case out.status >= 500 || !h.cfg.Final(out.status):
		return Open
	}
	return Done
}

// complete records an outcome whether or not the client still waits. Where the answer
// is lost, the record says whether it has to be told again.
func (h *handler) complete(ctx context.Context, run *Run, p Fingerprint, o Outcome, response []byte) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.cfg.StoreTimeout)
	defer cancel()
	err := h.store.Complete(ctx, run.Key, run.Epoch, o, response)
	if err != nil && !errors.Is(err, ErrLost) {
		c, again := h.store.Begin(ctx, run.Key, p, "complete", h.cfg.Lease)
		switch {
		case again != nil:
		case c.Epoch == run.Epoch && c.Outcome == o:
			return
		case c.Epoch == run.Epoch:
			err = h.store.Complete(ctx, run.Key, run.Epoch, o, response)
		}
	}
	if err != nil {
		h.cfg.Logger.ErrorContext(ctx, "idempotency: outcome could not be recorded; repeats are answered as processing",
			"route", run.Key.Route, "outcome", string(o), "error", err)
	}
}

func (h *handler) replay(w http.ResponseWriter, r *http.Request, c Claim) {
	if c.Trimmed {
		h.cfg.Trimmed(w, r, c)
		return
	}
	var stored Response
	if err := stored.UnmarshalBinary(c.Response); err != nil {
		h.cfg.Logger.ErrorContext(r.Context(), "idempotency: stored response cannot be read", "error", err)
		problem(w, http.StatusInternalServerError, "this request was completed, but its response cannot be read")
		return
	}
	for name, values := range stored.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	w.Header().Set(replayedHeader, "true")
	w.WriteHeader(stored.Status)
	_, _ = w.Write(stored.Body)
}

// parseKey reads the header: one value, quoted as a structured field or as it is.
func parseKey(sent []string) (string, error) {
	if len(sent) != 1 {
		return "", &bankrail.FieldError{Field: keyHeader, Problem: "want the header once"}
	}
	key := strings.Trim(sent[0], " \t")
	if inner, quoted := strings.CutPrefix(key, `"`); quoted {
		var ok bool
		if key, ok = unquote(inner); !ok {
			return "", &bankrail.FieldError{Field: keyHeader, Problem: "want a closed string"}
		}
	}
	if err := (Key{Key: key}).Validate(); err != nil {
		return "", &bankrail.FieldError{Field: keyHeader, Problem: "want 1 to 255 printable ASCII characters"}
	}
	return key, nil
}

// unquote reads a string of RFC 8941 after its first quote.
func unquote(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i == len(s)-1
		case '\\':
			if i++; i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", false
}

// route is the method and the path, after the one that was sent where that is another:
// what http.StripPrefix leaves may be the same for two operations. It is their digest
// where they are too long to index.
func route(r *http.Request) string {
	path := r.URL.EscapedPath()
	if sent, err := url.ParseRequestURI(r.RequestURI); err == nil && sent.EscapedPath() != path {
		path = sent.EscapedPath() + " " + path
	}
	name := r.Method + " " + path
	if len(name) > maxName {
		digest := sha256.Sum256([]byte(name))
		return r.Method + " sha256:" + hex.EncodeToString(digest[:])
	}
	return name
}

func printOf(r *http.Request, body []byte) (Fingerprint, error) {
	return NewFingerprint(r.Method, r.URL.EscapedPath(), r.URL.RawQuery, string(body)), nil
}
