package bankrail

import (
	"context"
	"time"
)

// Exchange is one request to a gateway and its answer as they are kept for
// support and audit (请求报文和响应报文): secrets removed, bodies bounded.
type Exchange struct {
	Channel
	Op     Op
	Number string
	// Attempt counts the attempts of one call from 1; more than one only where
	// nothing of the earlier ones was sent.
	Attempt int
	Method  string
	URL     string
	// RequestHeader and AnswerHeader hold the headers that are worth keeping.
	RequestHeader map[string][]string
	Request       []byte
	// HTTPStatus is 0 when no answer came.
	HTTPStatus   int
	AnswerHeader map[string][]string
	Answer       []byte
	// Effect is what the call may have done at the gateway, Problem why it failed.
	Effect  Effect
	Problem string
	Started time.Time
	Took    time.Duration
}

// Recorder keeps exchanges. A Recorder that fails is reported and otherwise
// ignored: the money has moved or not whatever the log says.
type Recorder interface {
	Record(ctx context.Context, x Exchange) error
}
