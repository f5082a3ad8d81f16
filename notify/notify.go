// Package notify takes a gateway's notifications into the journal.
//
//	mux.Handle("POST /notify/lanhai", notify.Handler(book, bank, notify.Config{}))
//
// The handler mounts on any net/http router. It verifies the raw bytes once before
// anything is read from them, commits what the notification changes, and only then
// acknowledges: whatever is not acknowledged the gateway sends again. It makes no
// outbound call and takes no lock, however many forgeries arrive.
//
// It is not for redirects of the payer's browser, which prove nothing.
package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// The errors of a notification that is not what it should be; Config.Observe gets them.
var (
	// ErrForged: it does not verify, or is meant for another merchant.
	ErrForged = errors.New("notify: not authentic")
	// ErrStale: it is authentic, but signed outside the window. It is acknowledged, and
	// the gateway is asked instead of believing it.
	ErrStale = errors.New("notify: outside the time window")
)

// Message is a notification as it came.
type Message struct {
	Header http.Header
	Query  string
	// Body holds the raw bytes, at most Config.MaxBody.
	Body []byte
}

// Source is a gateway that notifies. Gateways implement it.
type Source interface {
	// ReadNotice verifies a message over its raw bytes and only then reads it.
	// Errors: ErrForged where it does not verify or is another merchant's,
	// *bankrail.FieldError where it is authentic and yet unreadable.
	ReadNotice(ctx context.Context, m Message) (journal.Notice, error)
	// Acknowledgement is the body that tells the gateway to stop sending.
	Acknowledgement() string
}

// Receiver commits notices; *journal.Book is one.
type Receiver interface {
	Receive(ctx context.Context, n journal.Notice) error
}

// Config configures a handler. Its zero value works.
type Config struct {
	// MaxBody bounds a notification in bytes. Defaults to 64 KiB.
	MaxBody int64
	// Sources lists the addresses the gateway notifies from. Defaults to any: the
	// signature decides.
	Sources []netip.Prefix
	// ClientAddr finds the sender's address, for hosts behind a proxy of their own.
	// Defaults to the address of the connection; headers are not trusted.
	ClientAddr func(*http.Request) (netip.Addr, error)
	// Window is how far the time of signing may be off, both ways. Beyond it the
	// gateway is asked. Defaults to 10 minutes.
	Window time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Observe gets the error of every notification that was not simply taken.
	// Defaults to a warning of slog.Default, without the body.
	Observe func(ctx context.Context, err error)
}

// commitWithin bounds the commit of a notice: a store that hangs must not gather one
// goroutine for every delivery. Gateways wait for 5 to 10 seconds.
const commitWithin = 30 * time.Second

type handler struct {
	book   Receiver
	source Source
	cfg    Config
}

// Handler returns the endpoint for one gateway's notifications to one merchant. The
// merchant comes from the route and must equal the verified content.
//
// It answers 200 with the gateway's acknowledgement once everything is durable, also
// for a redelivery; 405, 403 and 413 before verifying; 401 for what does not verify;
// 400 for what is authentic and unreadable; 503 when the journal could not commit.
func Handler(book Receiver, source Source, cfg Config) http.Handler {
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 64 << 10
	}
	if cfg.Window <= 0 {
		cfg.Window = 10 * time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.ClientAddr == nil {
		cfg.ClientAddr = connectionAddr
	}
	if cfg.Observe == nil {
		cfg.Observe = func(ctx context.Context, err error) {
			slog.WarnContext(ctx, "bankrail notification", "err", err)
		}
	}
	cfg.Sources = plain(cfg.Sources)
	return &handler{book: book, source: source, cfg: cfg}
}

// ServeHTTP takes one notification.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, err := h.take(w, r)
	if err != nil {
		h.cfg.Observe(r.Context(), err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if status != http.StatusOK {
		// The reason stays here: whoever forges learns nothing from the answer.
		http.Error(w, "FAIL", status)
		return
	}
	_, _ = io.WriteString(w, h.source.Acknowledgement()) // not read: it will be sent again
}

// take goes from the cheapest check to the dearest.
func (h *handler) take(w http.ResponseWriter, r *http.Request) (int, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, &bankrail.FieldError{Field: "method", Problem: "want POST"}
	}
	if err := h.admit(r); err != nil {
		return http.StatusForbidden, err
	}
	if r.ContentLength > h.cfg.MaxBody {
		return http.StatusRequestEntityTooLarge, tooLarge(h.cfg.MaxBody)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.cfg.MaxBody))
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit):
		return http.StatusRequestEntityTooLarge, tooLarge(h.cfg.MaxBody)
	case err != nil:
		return http.StatusBadRequest, fmt.Errorf("notify: body: %w", err)
	}
	notice, err := h.source.ReadNotice(r.Context(), Message{Header: r.Header, Query: r.URL.RawQuery, Body: body})
	switch {
	case errors.Is(err, ErrForged):
		return http.StatusUnauthorized, err
	case err != nil:
		return http.StatusBadRequest, fmt.Errorf("notify: %w", err)
	}
	stale := h.stale(notice)
	notice.Stale = stale != nil
	// The commit must not end with the connection: a gateway that hangs up early has
	// still said what it said.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), commitWithin)
	defer cancel()
	if err := h.book.Receive(ctx, notice); err != nil {
		return http.StatusServiceUnavailable, fmt.Errorf("notify: %w", err)
	}
	return http.StatusOK, stale
}

func (h *handler) stale(n journal.Notice) error {
	if d := h.cfg.Now().Sub(n.At); d > h.cfg.Window || d < -h.cfg.Window {
		return fmt.Errorf("%w: notice %.64s was signed at %s", ErrStale, n.ID, n.At.UTC().Format(time.RFC3339))
	}
	return nil
}

func (h *handler) admit(r *http.Request) error {
	if len(h.cfg.Sources) == 0 {
		return nil
	}
	addr, err := h.cfg.ClientAddr(r)
	if err != nil {
		return fmt.Errorf("%w: sender: %w", bankrail.ErrForbidden, err)
	}
	addr = addr.Unmap().WithZone("")
	for _, p := range h.cfg.Sources {
		if p.Contains(addr) {
			return nil
		}
	}
	return fmt.Errorf("%w: sender %s is not listed", bankrail.ErrForbidden, addr)
}

// plain writes IPv4 prefixes in their IPv6 form as IPv4, as senders are compared:
// netip holds ::ffff:203.0.113.0/120 and 203.0.113.7 for strangers.
func plain(sources []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(sources))
	for _, p := range sources {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		out = append(out, p)
	}
	return out
}

func connectionAddr(r *http.Request) (netip.Addr, error) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return ap.Addr(), err
}

func tooLarge(limit int64) error {
	return &bankrail.FieldError{Field: "body", Problem: fmt.Sprintf("larger than %d bytes", limit)}
}
