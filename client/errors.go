package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/bankrail/bankrail"
)

var (
	errOver           = errors.New("the attempt is over")
	errReplay         = errors.New("the transport tried to send the request a second time")
	errStale          = errors.New("the kept connection is closed")
	errTooLarge       = errors.New("answer too large")
	errVerifyPanic    = errors.New("verifying panicked")
	errConnectTimeout = fmt.Errorf("no connection within the connect timeout: %w", context.DeadlineExceeded)
	errReadTimeout    = fmt.Errorf("no complete answer within the read timeout: %w", context.DeadlineExceeded)
	errCallTimeout    = fmt.Errorf("call timeout: %w", context.DeadlineExceeded)
)

// fail wraps what ended a call. Without an attempt nothing was begun.
func (c *Client) fail(r *Request, a *attempt, err error) error {
	e := &bankrail.Error{Gateway: c.cfg.Channel.Gateway, Op: r.Op, Effect: bankrail.NotSent, Err: err}
	if a == nil {
		return e
	}
	if a.sent() {
		e.Effect = bankrail.Unknown
	}
	e.HTTPStatus = a.answer.HTTPStatus
	if _, ok := err.(*textError); ok {
		return e // signing or verifying failed, and its text is the dialect's
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // its text has the URL
	}
	var redirect *redirectError
	if errors.As(err, &redirect) {
		a.answer, e.HTTPStatus = redirect.answer, redirect.answer.HTTPStatus
		err = redirect
	}
	if a.why != nil {
		err = a.why // the rest is how the transport took it
	}
	text := err.Error()
	switch {
	case e.Effect == bankrail.NotSent:
		text = "not sent: " + text
	case !tellable(err):
		text = "unreadable answer"
	}
	e.Err = &textError{text: clip(text), err: err}
	return e
}

// repeatable reports whether another attempt may follow and could end differently.
func (a *attempt) repeatable(err error) bool {
	var cert *tls.CertificateVerificationError
	return !a.final && !a.sent() && !errors.As(err, &cert)
}

// tellable reports whether the text of an error that came with an answer is ours
// or the kernel's. That of net/http quotes what it could not read.
func tellable(err error) bool {
	for _, own := range []error{context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, os.ErrDeadlineExceeded,
		net.ErrClosed, errOver, errReplay, errTooLarge} {
		if errors.Is(err, own) {
			return true
		}
	}
	var op *net.OpError
	var redirect *redirectError
	return errors.As(err, &op) || errors.As(err, &redirect)
}

// redirectError is a status that is no answer.
type redirectError struct{ answer Answer }

// Error does not say where to.
func (*redirectError) Error() string { return "redirect or interim status instead of an answer" }

// hide keeps an error for errors.Is and As and drops its text.
func hide(err error) error {
	if tellable(err) {
		return err
	}
	return &textError{text: "malformed", err: err}
}

// textError is an error whose text is fit to be logged.
type textError struct {
	text string
	err  error
}

// Error returns the text.
func (e *textError) Error() string { return e.text }

// Unwrap returns the error itself, whose text may quote what came.
func (e *textError) Unwrap() error { return e.err }

// clip keeps a text that a peer had a hand in (names in its certificate) short.
func clip(s string) string {
	const most = 400
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
