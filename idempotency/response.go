package idempotency

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Response is what a Middleware stores of a response, and what a worker that ends a
// request later gives to Store.Complete.
type Response struct {
	Status int         `json:"status"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"-"`
}

// MarshalBinary writes the status and the headers as one line of JSON, and after it the
// body as it is.
func (r Response) MarshalBinary() ([]byte, error) {
	if r.Status < 200 || r.Status > 999 {
		return nil, fmt.Errorf("idempotency: response has status %d", r.Status)
	}
	head, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("idempotency: response: %w", err)
	}
	return append(append(head, '\n'), r.Body...), nil
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (r *Response) UnmarshalBinary(b []byte) error {
	head, body, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return errors.New("idempotency: stored response has no head")
	}
	var read Response
	if err := json.Unmarshal(head, &read); err != nil {
		return fmt.Errorf("idempotency: stored response: %w", err)
	}
	if read.Status < 200 || read.Status > 999 {
		return fmt.Errorf("idempotency: stored response has status %d", read.Status)
	}
	read.Body = bytes.Clone(body)
	*r = read
	return nil
}

// capture holds a response back until its outcome is recorded. One that grows over
// max is let through as it comes.
type capture struct {
	w      http.ResponseWriter
	max    int
	header http.Header // the handler's own
	sent   http.Header // header as it was when the status was written
	status int
	body   bytes.Buffer
	over   bool
}

func newCapture(w http.ResponseWriter, most int) *capture {
	return &capture{w: w, max: most, header: w.Header().Clone()}
}

// Header returns the headers of the response.
func (c *capture) Header() http.Header {
	if c.header == nil {
		c.header = http.Header{}
	}
	return c.header
}

// WriteHeader notes the status; those below 200 are not the answer.
func (c *capture) WriteHeader(status int) {
	if c.status == 0 && status >= 200 {
		c.status, c.sent = status, c.Header().Clone()
	}
}

// Write keeps the body, or lets it through once it is too long to keep.
func (c *capture) Write(b []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if !c.over && c.body.Len()+len(b) > c.max {
		c.over = true
		if err := c.release(); err != nil {
			return 0, err
		}
	}
	if c.over {
		return c.w.Write(b)
	}
	return c.body.Write(b)
}

// release lets the response go.
func (c *capture) release() error {
	h := c.w.Header()
	clear(h)
	for name, values := range c.sent {
		h[name] = values
	}
	c.w.WriteHeader(c.status)
	_, err := c.w.Write(c.body.Bytes())
	return err
}

// kept is what is stored of the response.
func (c *capture) kept(names []string) Response {
	r := Response{Status: c.status, Header: http.Header{}, Body: c.body.Bytes()}
	for _, name := range names {
		if values := c.sent.Values(name); len(values) > 0 {
			r.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	return r
}
