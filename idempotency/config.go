package idempotency

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// Config configures a Middleware. Its zero value works.
type Config struct {
	// Methods lists the methods that need a key; others pass untouched. Defaults to POST
	// and PATCH.
	Methods []string
	// Optional lets requests without a key pass untouched, where the default answers 400.
	Optional bool
	// Tenant names whose key it is, from what authenticated the request. Whoever shares
	// a tenant can read each other's replayed responses. Defaults to none.
	Tenant func(*http.Request) string
	// Route names the operation. Defaults to the method and the path, with the path that
	// was sent before it where a router changed it.
	Route func(*http.Request) string
	// Fingerprint identifies the content. Defaults to a digest of method, path, query
	// and the body's bytes: a client that repeats a request repeats its bytes. An error
	// is answered as one of Check.
	Fingerprint func(r *http.Request, body []byte) (Fingerprint, error)
	// Check refuses requests before they take a key: validation, authorisation, rate
	// limits. It may read the body. A *Refusal is answered as it says, any other error
	// with 500 and without its text. Defaults to none.
	Check func(*http.Request) error
	// Lease is how long a handler may take before its request counts as lost: from then
	// on it is answered as processing. Defaults to 1 minute.
	Lease time.Duration
	// RetryAfter is what clients are told where they should come again. It is rounded up
	// to seconds. Defaults to 2 seconds.
	RetryAfter time.Duration
	// StoreTimeout bounds taking a key, each of at most two tries, and recording an
	// outcome. Defaults to 5 seconds.
	StoreTimeout time.Duration
	// MaxBody bounds the body of a request in bytes; 413 beyond. Defaults to 1 MiB.
	MaxBody int64
	// MaxResponse bounds the body of a response that is kept, in bytes. A longer one goes
	// out as it is and is recorded as Open: repeating the request is answered as
	// processing. Defaults to 1 MiB.
	MaxResponse int
	// Headers lists the headers of a response that are kept and replayed. Defaults to
	// Content-Type, Content-Encoding, Content-Language, Location, Link, ETag and Vary.
	Headers []string
	// Final says whether a response ends its request, so that it is replayed; otherwise
	// the request stays open. A handler that called Run.Mark is not asked about. It is
	// never called for 5xx. Defaults to every status but 408, 425 and 429.
	Final func(status int) bool
	// Processing answers where the outcome is open. Defaults to 202 with
	// {"status":"processing"} and Retry-After.
	Processing func(w http.ResponseWriter, r *http.Request, c Claim)
	// Trimmed answers where the request was completed and its response is not kept any
	// more. Defaults to 200 with {"status":"completed"}.
	Trimmed func(w http.ResponseWriter, r *http.Request, c Claim)
	// Logger hears of outcomes that could not be recorded. Defaults to slog.Default().
	Logger *slog.Logger
}

func (cfg Config) withDefaults() Config {
	if len(cfg.Methods) == 0 {
		cfg.Methods = []string{http.MethodPost, http.MethodPatch}
	}
	if cfg.Tenant == nil {
		cfg.Tenant = func(*http.Request) string { return "" }
	}
	if cfg.Route == nil {
		cfg.Route = route
	}
	if cfg.Fingerprint == nil {
		cfg.Fingerprint = printOf
	}
	if cfg.Check == nil {
		cfg.Check = func(*http.Request) error { return nil }
	}
	cfg.Lease = positive(cfg.Lease, time.Minute)
	cfg.RetryAfter = positive(cfg.RetryAfter, 2*time.Second)
	cfg.StoreTimeout = positive(cfg.StoreTimeout, 5*time.Second)
	cfg.MaxBody = positive(cfg.MaxBody, 1<<20)
	cfg.MaxResponse = positive(cfg.MaxResponse, 1<<20)
	if cfg.Headers == nil {
		cfg.Headers = []string{"Content-Type", "Content-Encoding", "Content-Language", "Location", "Link", "ETag", "Vary"}
	}
	if cfg.Final == nil {
		later := []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}
		cfg.Final = func(status int) bool { return !slices.Contains(later, status) }
	}
	if cfg.Processing == nil {
		cfg.Processing = cfg.processing
	}
	if cfg.Trimmed == nil {
		cfg.Trimmed = trimmed
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return cfg
}

func positive[T ~int | ~int64](v, or T) T {
	if v > 0 {
		return v
	}
	return or
}

// Run is a request that a handler carries out under a key.
type Run struct {
	Key Key
	// Epoch is what Store.Complete wants, from a worker that ends the request later.
	Epoch int64

	marked Outcome
}

// Mark says how the request ended, whatever the status of the response: Done replays
// it, Open leaves the end to somebody else. It is for the goroutine of the handler.
func (r *Run) Mark(o Outcome) { r.marked = o }

type runKey struct{}

// RunOf returns the run of a handler's context; nil, false outside a Middleware.
func RunOf(ctx context.Context) (*Run, bool) {
	r, ok := ctx.Value(runKey{}).(*Run)
	return r, ok
}
