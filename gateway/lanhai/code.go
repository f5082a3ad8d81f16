package lanhai

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
)

// codeOK is the code of a request the bank took.
const codeOK = "0000"

// class says what a code means for the number it answers.
type class uint8

const (
	// unknown: it may have been executed. Also the class of every code not listed.
	unknown class = iota
	// final: this copy will not be executed.
	final
	// deferred: not now; the same number later.
	deferred
	// absent: the bank has no such record.
	absent
)

// codes classes the bank's answer codes. An unlisted code is unknown.
//
// Source: the sandbox contract, docs/lanhai.md, codes; the class is this package's
// reading of it.
var codes = map[string]class{
	"SIGN_ERROR":             final, // refused before anything was read
	"PARAM_ERROR":            final,
	"MERCHANT_NOT_EXIST":     final,
	"IP_NOT_ALLOWED":         final,
	"TRADE_NOT_EXIST":        final,
	"TRADE_STATUS_INVALID":   final,
	"REFUND_AMOUNT_EXCEEDED": final,
	"REFUND_NOT_EXIST":       absent,
	"BALANCE_NOT_ENOUGH":     deferred, // the merchant's account is short of funds
	"FREQUENCY_LIMITED":      deferred,
	// The bank holds this number for other content: something did move, or may. Only a
	// query says what.
	"NO_CONFLICT":  unknown,
	"SYSTEM_ERROR": unknown,
}

// refusal makes the error of an authentic answer whose code is not 0000. A query can
// refuse nothing: whatever its code, the number's outcome is not in it.
func (g *Gateway) refusal(r client.Request, a *client.Answer, m map[string]string) error {
	e := &bankrail.Error{
		Gateway: g.channel.Gateway, Op: r.Op, Code: m["code"], Message: m["message"],
		RequestID: a.Header.Get(headerNonce), HTTPStatus: a.HTTPStatus,
	}
	switch c := codes[e.Code]; {
	case !r.MovesMoney && c == absent:
		e.Err = bankrail.ErrNotFound
	case !r.MovesMoney:
	case c == final:
		e.Effect = bankrail.Refused
	case c == deferred:
		e.Effect, e.Deferred, e.RetryAfter = bankrail.Refused, true, retryAfter(a.Header)
	}
	return e
}

// retryAfter reads whole seconds, up to a day; the header is outside the signature,
// so it only ever delays.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After")))
	if err != nil || n < 0 || n > 86400 {
		return 0
	}
	return time.Duration(n) * time.Second
}
