package client

import (
	"context"
	"fmt"
	"time"

	"github.com/bankrail/bankrail"
)

const (
	recordTime = 2 * time.Second
	recordSize = 64 << 10
)

// record gives the attempt to the recorder and waits for it, for a while.
func (c *Client) record(a *attempt, err error) {
	r := &a.req
	x := bankrail.Exchange{
		Channel: c.cfg.Channel, Op: r.Op, Number: r.Number, Attempt: a.n,
		Method: r.Method, URL: c.base + redactPath(r.Path, c.names),
		RequestHeader: redactHeader(r.Header, c.names),
		Request:       c.keep(r.Body, r.Header.Get("Content-Type")),
		HTTPStatus:    a.answer.HTTPStatus,
		AnswerHeader:  redactHeader(a.answer.Header, c.names),
		Answer:        c.keep(a.answer.Body, a.answer.Header.Get("Content-Type")),
		Started:       a.started, Took: c.cfg.Now().Sub(a.started),
	}
	if err != nil {
		x.Effect, x.Problem = bankrail.EffectOf(err), err.Error()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), recordTime)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("recorder panicked: %v", p)
			}
		}()
		done <- c.cfg.Recorder.Record(ctx, x)
	}()
	var problem error
	select {
	case problem = <-done:
	case <-ctx.Done():
		problem = ctx.Err()
	}
	if problem != nil {
		c.cfg.Logger.WarnContext(ctx, "client: exchange not recorded", "channel", c.cfg.Channel.String(),
			"op", string(r.Op), "number", r.Number, "attempt", a.n, "error", problem)
	}
}

// keep redacts a body, then cuts it.
func (c *Client) keep(body []byte, contentType string) []byte {
	if len(body) == 0 {
		return nil
	}
	body = redactBody(body, contentType, c.names)
	return body[:min(len(body), recordSize):min(len(body), recordSize)]
}
