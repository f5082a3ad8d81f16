package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// read takes the answer in, up to limit bytes of body.
func (a *attempt) read(resp *http.Response, limit int64) error {
	defer func() { _ = resp.Body.Close() }()
	a.answer.HTTPStatus, a.answer.Header = resp.StatusCode, resp.Header
	if resp.ContentLength > limit {
		return fmt.Errorf("%w: %d bytes announced, %d allowed", errTooLarge, resp.ContentLength, limit)
	}
	size := resp.ContentLength
	if size < 0 {
		size = min(limit, 4<<10)
	}
	body := make([]byte, 0, size+1) // one more, to see the end without growing
	br := boundedReader{r: resp.Body, left: limit}
	for {
		n, err := br.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		a.answer.Body = body
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
	}
}

// boundedReader fails with errTooLarge where io.LimitedReader would call it the end.
type boundedReader struct {
	r    io.Reader
	left int64
}

// Read reads at most one byte more than is allowed, and keeps it to itself.
func (b *boundedReader) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		err = errTooLarge
	}
	b.left -= int64(n)
	return n, err
}

// verify asks the dialect. The bytes come from anywhere, so a dialect that panics
// on them is a dialect that could not verify them.
func (c *Client) verify(ctx context.Context, r *Request, a *Answer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.cfg.Logger.ErrorContext(ctx, "client: verifying an answer panicked", "gateway", c.cfg.Channel.Gateway, "op", r.Op, "number", r.Number)
			err = errVerifyPanic
		}
		if err != nil {
			err = &textError{text: "answer does not verify: " + err.Error(), err: err}
		}
	}()
	return c.cfg.Dialect.Verify(ctx, r, a)
}
