package sandbox

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	base        = "/bank/v1"
	maxBody     = 1 << 20
	maxAmount   = 1_000_000_000_000 // fen; ten billion yuan
	nonceLife   = 10 * time.Minute
	clockWindow = 5 * time.Minute
)

// A call is an authenticated request.
type call struct {
	nonce string
	body  members
}

// ServeHTTP is the bank. It answers POST /bank/v1/refunds, /bank/v1/refunds/query
// and /bank/v1/trades/query. To cut a connection it hijacks it, or, where the
// ResponseWriter cannot be hijacked, panics with http.ErrAbortHandler, which
// net/http turns into the same.
func (b *Bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var handle func(http.ResponseWriter, *http.Request, call)
	switch r.URL.Path {
	case base + "/refunds":
		handle = b.serveRefund
	case base + "/refunds/query":
		handle = b.serveRefundQuery
	case base + "/trades/query":
		handle = b.serveTradeQuery
	default:
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	if b.ctx.Err() != nil {
		drop(w, false)
		return
	}
	c, refused := b.admit(r)
	if refused != nil {
		b.send(w, c, *refused)
		return
	}
	if !b.allowed(r.RemoteAddr) {
		b.send(w, c, refusal(c, "IP_NOT_ALLOWED", "caller's address is not allowed"))
		return
	}
	handle(w, r, c)
}

// admit reads and authenticates a request. What it refuses is answered unsigned:
// the bank does not know whom it is talking to.
func (b *Bank) admit(r *http.Request) (call, *reply) {
	var c call
	if n := r.Header.Get("X-Nonce"); plain(n, 16, 64, "_-") {
		c.nonce = n
	}
	unsigned := func(code, message string) (call, *reply) {
		rep := refusal(c, code, message)
		rep.unsigned = true
		return c, &rep
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return unsigned("PARAM_ERROR", "body could not be read")
	case len(raw) > maxBody:
		return unsigned("PARAM_ERROR", "body above 1 MiB")
	case !jsonType(r.Header.Get("Content-Type")):
		return unsigned("PARAM_ERROR", "Content-Type is not application/json; charset=utf-8")
	case c.nonce == "":
		return unsigned("PARAM_ERROR", "X-Nonce is not 16 to 64 of [0-9A-Za-z_-]")
	}
	if c.body, err = parseObject(raw); err != nil {
		return unsigned("PARAM_ERROR", err.Error())
	}
	for _, name := range []string{"merchantId", "timestamp", "nonce"} {
		if c.body.has(name) {
			return unsigned("PARAM_ERROR", name+" belongs into the header")
		}
	}
	merchant, stamp := r.Header.Get("X-Merchant-Id"), r.Header.Get("X-Timestamp")
	if merchant != b.opts.Merchant {
		return unsigned("MERCHANT_NOT_EXIST", "no such merchant")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != stamp {
		return unsigned("PARAM_ERROR", "X-Timestamp is not in unix seconds")
	}
	text := c.body.with("merchantId", merchant).with("timestamp", stamp).with("nonce", c.nonce).text()
	if err := b.authentic(r, text, seconds); err != nil {
		return unsigned("SIGN_ERROR", err.Error())
	}
	return c, nil
}

// authentic checks time, signature and nonce, in this order: only a request that
// was really signed may use up a nonce.
func (b *Bank) authentic(r *http.Request, text string, seconds int64) error {
	now := b.Now()
	if seconds < now.Add(-clockWindow).Unix() || seconds > now.Add(clockWindow).Unix() {
		return errors.New("timestamp is off by more than 5 minutes")
	}
	if r.Header.Get("X-Sign-Type") != string(b.keys.told.Algorithm) {
		return errors.New("X-Sign-Type is not the merchant's algorithm")
	}
	keyID := r.Header.Get("X-Key-Id")
	if keyID == "" {
		return errors.New("X-Key-Id is missing")
	}
	encoded := r.Header.Get("Sign")
	sig, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || encoded == "" || strings.ContainsAny(encoded, "\r\n") {
		return errors.New("signature is missing or not Base64")
	}
	if err := b.keys.merchant.Verify(r.Context(), []byte(text), sig, keyID); err != nil {
		b.log.Debug("signature refused", "err", err, "signed", text)
		return errors.New("signature does not verify")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.nonces.use(r.Header.Get("X-Nonce"), now) {
		return errors.New("nonce was used before")
	}
	return nil
}

func jsonType(header string) bool {
	media, params, err := mime.ParseMediaType(header)
	charset, given := params["charset"]
	return err == nil && media == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}

func (b *Bank) allowed(remote string) bool {
	if len(b.opts.AllowIP) == 0 {
		return true
	}
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	for _, p := range b.opts.AllowIP {
		if p.Contains(addr.Addr().Unmap()) {
			return true
		}
	}
	return false
}

// nonceCache remembers nonces for their life. It is kept in memory only, and
// bounded by time: only authenticated requests get into it.
type nonceCache struct {
	seen  map[string]bool
	order []usedNonce
}

type usedNonce struct {
	nonce string
	at    time.Time
}

// use says whether the nonce is new.
func (n *nonceCache) use(nonce string, now time.Time) bool {
	for len(n.order) > 0 && now.Sub(n.order[0].at) > nonceLife {
		delete(n.seen, n.order[0].nonce)
		n.order = n.order[1:]
	}
	if n.seen[nonce] {
		return false
	}
	n.seen[nonce] = true
	n.order = append(n.order, usedNonce{nonce, now})
	return true
}
