package client

import (
	"net/http"
	"strings"

	"github.com/bankrail/bankrail"
)

// replayHeaders make net/http send a request again by itself.
var replayHeaders = [...]string{"Idempotency-Key", "X-Idempotency-Key"}

// sign has the dialect sign and checks what it made.
func (c *Client) sign(a *attempt) error {
	r := &a.req
	a.final = true
	if err := c.cfg.Dialect.Sign(a.ctx, r); err != nil {
		return &textError{text: "not sent: signing failed: " + err.Error(), err: err}
	}
	if err := r.check(); err != nil {
		return err
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	a.final = false
	return nil
}

// check finds what could not be sent as it was signed.
func (r *Request) check() error {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	case http.MethodGet, http.MethodDelete:
		if len(r.Body) > 0 {
			return &bankrail.FieldError{Field: "Request.Body", Problem: "a " + r.Method + " is sent without one"}
		}
	default:
		return &bankrail.FieldError{Field: "Request.Method", Problem: "want GET, POST, PUT, PATCH or DELETE"}
	}
	if !wirePath(r.Path) {
		return &bankrail.FieldError{Field: "Request.Path", Problem: "want a path from the slash on, escaped as it goes on the wire, without a fragment"}
	}
	if r.MovesMoney {
		for name := range r.Header {
			for _, bad := range replayHeaders {
				if strings.EqualFold(name, bad) {
					return &bankrail.FieldError{Field: "Request.Header", Problem: bad + " makes net/http send a request twice"}
				}
			}
		}
	}
	return nil
}

// wirePath reports whether net/url gives a path and query back unchanged.
func wirePath(s string) bool {
	if s == "" || s[0] != '/' {
		return false
	}
	query := false
	for i := 0; i < len(s); i++ {
		b := s[i]
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', strings.IndexByte("-._~!$&'()*+,;=:@/", b) >= 0:
		case b == '?':
			query = true
		case b == '%':
			if i+2 >= len(s) || !hex(s[i+1]) || !hex(s[i+2]) {
				return false
			}
		case query && b > ' ' && b < 0x7f && strings.IndexByte(`#"<>`, b) < 0:
		default:
			return false
		}
	}
	return true
}

func hex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}
