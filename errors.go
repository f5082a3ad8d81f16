package bankrail

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// The errors that callers branch on. Match them with errors.Is; each is wrapped by
// a struct that says more ([Error], [FieldError], or one of the journal).
var (
	// ErrFailed: the operation failed, finally and on record. No money moved.
	ErrFailed = errors.New("failed")
	// ErrConflict: the number stands for another request. Nothing was sent for this one.
	ErrConflict = errors.New("number stands for another request")
	// ErrUnavailable: the journal could not be read, so nothing is known and nothing
	// was sent. Repeat the same number; do not take a new one.
	ErrUnavailable = errors.New("journal unavailable: repeat the same number")
	// ErrNotFound: there is no such record, in the journal or at the gateway.
	ErrNotFound = errors.New("not found")
	// ErrBudget: the order has not enough left to refund.
	ErrBudget = errors.New("not enough left of the order")
	// ErrForbidden: the operator may not do this.
	ErrForbidden = errors.New("forbidden")
	// ErrUnsupported: the gateway cannot do this.
	ErrUnsupported = errors.New("unsupported")
	// ErrInvalid: the request is malformed; a *FieldError says what and where.
	ErrInvalid = errors.New("invalid")
)

// Effect is what a call may have done at the gateway.
type Effect uint8

// The effects. The zero Effect is Unknown: in doubt, it was sent and may have been
// executed.
const (
	// Unknown: the gateway may have executed the request, or may yet.
	Unknown Effect = iota
	// Refused: the gateway said, authentically, that it will not execute this copy.
	Refused
	// NotSent: no byte of the request left.
	NotSent
)

// String writes "unknown", "refused" or "not sent".
func (e Effect) String() string {
	switch e {
	case Refused:
		return "refused"
	case NotSent:
		return "not sent"
	}
	return "unknown"
}

// Error is what went wrong at or on the way to a gateway. Its text holds no body,
// header, key or card number.
type Error struct {
	Gateway string
	Op      Op
	// Code and Message are the gateway's own, verbatim. An answer that did not verify
	// has none: what it says is nobody's word.
	Code    string
	Message string
	// RequestID is the gateway's number of the exchange, for its support desk.
	RequestID  string
	HTTPStatus int
	// Effect is what the call may have done. EffectOf reads it from any error.
	Effect Effect
	// Deferred marks a refusal for now (rate limit, merchant short of funds): the same
	// number may be sent again, after RetryAfter where the gateway said how long.
	Deferred   bool
	RetryAfter time.Duration
	// Err is the cause.
	Err error
}

// Error writes "gateway: op: code message: cause".
func (e *Error) Error() string {
	var b strings.Builder
	for _, s := range []string{e.Gateway, string(e.Op)} {
		if s != "" {
			b.WriteString(s)
			b.WriteString(": ")
		}
	}
	said := strings.TrimSpace(clip(e.Code, 64) + " " + clip(e.Message, 200))
	b.WriteString(said)
	if e.Err != nil {
		if said != "" {
			b.WriteString(": ")
		}
		b.WriteString(clip(e.Err.Error(), 400))
	} else if said == "" {
		fmt.Fprintf(&b, "http status %d", e.HTTPStatus)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// EffectOf reads what a failed call may have done: Unknown unless the error is sure.
// The outermost *Error of a chain decides, a *FieldError stands for NotSent, and of
// joined errors the least sure one counts.
func EffectOf(err error) Effect {
	effect, _ := effectOf(err)
	return effect
}

// effectOf also reports whether the error says anything about an effect at all.
func effectOf(err error) (effect Effect, found bool) {
	switch e := err.(type) {
	case *Error:
		return e.Effect, true
	case *FieldError:
		return NotSent, true
	case interface{ Unwrap() error }:
		return effectOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, joined := range e.Unwrap() {
			if one, ok := effectOf(joined); ok && (!found || one < effect) {
				effect, found = one, true
			}
		}
	}
	return effect, found
}

// FieldError says which field of a request, configuration or file is wrong and
// how. It is found before anything is recorded or sent, and errors.Is(err,
// ErrInvalid) holds.
type FieldError struct {
	// Field names the field as the caller wrote it: "amount", "Config.BaseURL".
	Field string
	// Problem says what is wrong and what is wanted, without the value of a secret.
	Problem string
	// Err is the cause, where there is one.
	Err error
}

// Error writes "field: problem".
func (e *FieldError) Error() string {
	s := e.Field + ": " + e.Problem
	if e.Err != nil {
		s += ": " + clip(e.Err.Error(), 400)
	}
	return s
}

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// Is makes every FieldError an ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }

// clip bounds text that came from outside, so that an error stays one line and reads
// the way it is written: no control, line-breaking or direction-changing characters.
func clip(s string, n int) string {
	cut := len(s) > n
	if cut {
		s = strings.ToValidUTF8(s[:n], "") // half a character goes too
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, s)
	if cut {
		s += "…"
	}
	return s
}
