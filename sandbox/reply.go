package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// A reply is an answer before it is signed and sent.
type reply struct {
	status    int
	body      members
	unsigned  bool
	wrongSign bool
	noSign    bool
	html      bool
	cut       bool
}

// codes are the bank's codes with their HTTP status. Business refusals come with
// 200. Source: the bank refund brief made exact, section S0.3.
var codes = map[string]int{
	"0000":                   http.StatusOK,
	"SIGN_ERROR":             http.StatusUnauthorized,
	"PARAM_ERROR":            http.StatusBadRequest,
	"MERCHANT_NOT_EXIST":     http.StatusForbidden,
	"IP_NOT_ALLOWED":         http.StatusForbidden,
	"TRADE_NOT_EXIST":        http.StatusNotFound,
	"REFUND_NOT_EXIST":       http.StatusNotFound,
	"TRADE_STATUS_INVALID":   http.StatusOK,
	"REFUND_AMOUNT_EXCEEDED": http.StatusOK,
	"NO_CONFLICT":            http.StatusOK,
	"BALANCE_NOT_ENOUGH":     http.StatusOK,
	"FREQUENCY_LIMITED":      http.StatusTooManyRequests,
	"SYSTEM_ERROR":           http.StatusInternalServerError, // the outcome is unknown
}

// answer starts an accepted reply. requestNonce binds it to its request.
func answer(c call, rest ...member) reply {
	body := members{{"code", "0000"}, {"message", "accepted"}, {"requestNonce", c.nonce}}
	return reply{status: http.StatusOK, body: append(body, rest...)}
}

// refusal is a reply with a code. It names the number that it is about.
func refusal(c call, code, message string) reply {
	rep := reply{status: codes[code], body: members{{"code", code}, {"message", message}, {"requestNonce", c.nonce}}}
	for _, name := range []string{"merchantRefundNo", "bankRefundNo", "originalTradeNo"} {
		if v := c.body.value(name); v != "" && plain(v, 1, 64, "_-") {
			rep.body = append(rep.body, member{name, v})
			break
		}
	}
	return rep
}

func (r reply) code() string { return r.body.value("code") }

// china is the bank's zone for the times it writes.
var china = time.FixedZone("CST", 8*60*60)

// stamp writes a time as the bank does; a zero time is an empty value.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(china).Format("2006-01-02T15:04:05+08:00")
}

// send signs a reply and writes it.
func (b *Bank) send(w http.ResponseWriter, c call, rep reply) {
	if rep.html {
		page := "<html><head><title>" + http.StatusText(rep.status) + "</title></head><body><h1>Please try again later</h1></body></html>\n"
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(rep.status)
		_, _ = w.Write([]byte(page))
		return
	}
	body := rep.body.json()
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if rep.code() == "FREQUENCY_LIMITED" {
		h.Set("Retry-After", "1")
	}
	if !rep.unsigned {
		b.seal(h, c, rep)
	}
	if rep.cut {
		cut(w, rep.status, body)
		return
	}
	w.WriteHeader(rep.status)
	_, _ = w.Write(body)
}

// seal sets the headers of a signed reply. They are the request's turned round:
// merchant, time and a fresh nonce are part of what is signed.
func (b *Bank) seal(h http.Header, c call, rep reply) {
	stamp := strconv.FormatInt(b.Now().Unix(), 10)
	nonce := token(32, b.opts.Seed, "reply", c.nonce, 0)
	text := rep.body.with("merchantId", b.opts.Merchant).with("timestamp", stamp).with("nonce", nonce).text()
	if rep.wrongSign {
		text += "&wrong=1"
	}
	h.Set("X-Merchant-Id", b.opts.Merchant)
	h.Set("X-Timestamp", stamp)
	h.Set("X-Nonce", nonce)
	h.Set("X-Key-Id", b.keys.bank.KeyID())
	h.Set("X-Sign-Type", string(b.keys.bank.Algorithm()))
	if sig := signature(b.keys.bank, text); sig != "" && !rep.noSign {
		h.Set("Sign", sig)
	}
}

// drop ends a connection without an answer; reset says rudely.
func drop(w http.ResponseWriter, reset bool) {
	conn := hijack(w)
	if conn == nil {
		panic(http.ErrAbortHandler) // net/http then closes the connection or stream
	}
	hangUp(conn, reset)
}

// cut promises a body and closes the connection after half of it: a reset could
// overtake that half.
func cut(w http.ResponseWriter, status int, body []byte) {
	half := body[:len(body)/2]
	conn := hijack(w)
	if conn == nil {
		w.WriteHeader(status)
		_, _ = w.Write(half)
		panic(http.ErrAbortHandler)
	}
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	_ = w.Header().Write(conn)
	_, _ = fmt.Fprintf(conn, "\r\n%s", half)
	hangUp(conn, false)
}

// hijack takes the connection over, or returns nil where that does not work.
func hijack(w http.ResponseWriter) net.Conn {
	h, ok := w.(http.Hijacker)
	if !ok {
		return nil
	}
	conn, _, err := h.Hijack()
	if err != nil {
		return nil
	}
	return conn
}

func hangUp(conn net.Conn, reset bool) {
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
