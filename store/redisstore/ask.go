package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrPaused: Redis did not answer a moment ago and was not asked. Nothing was done.
var ErrPaused = errors.New("redisstore: redis is left alone for a moment")

// Event is what Config.Observe hears.
type Event struct {
	Kind EventKind
	// Op is the step: begin, complete, reclaim, trim, lock, extend, unlock, allow, check.
	Op string
	// Took is how long the call lasted; zero where Redis was not asked.
	Took time.Duration
	// Err is what went wrong. It names no key.
	Err error
}

// EventKind says what happened.
type EventKind string

const (
	// Failed: a call brought no answer.
	Failed EventKind = "failed"
	// Paused: it was one too many; Redis is not asked for Config.Pause.
	Paused EventKind = "paused"
	// Resumed: Redis answers again.
	Resumed EventKind = "resumed"
	// Degraded: a bucket counted for this process alone.
	Degraded EventKind = "degraded"
)

func (s *Store) observe(ctx context.Context, e Event) {
	if s.cfg.Observe != nil {
		s.cfg.Observe(ctx, e)
	}
}

// run executes a script. After an error that is not ErrPaused it may have been
// executed all the same, and the text says so.
func (s *Store) run(ctx context.Context, op string, script *redis.Script, keys []string, args ...any) (any, error) {
	var reply any
	err := s.ask(ctx, op, func(ctx context.Context) (err error) {
		reply, err = script.Run(ctx, s.client, keys, args...).Result()
		return err
	})
	return reply, err
}

// ask makes one call within the time limit, unless Redis is left alone.
func (s *Store) ask(ctx context.Context, op string, call func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("redisstore: %s: not asked: %w", op, err)
	}
	began := s.cfg.Now()
	probe, ok := s.gate.enter(began)
	if !ok {
		return fmt.Errorf("%s: %w", op, ErrPaused)
	}
	bounded, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	err := call(bounded)
	ended := s.cfg.Now()
	v := s.judge(ctx, err, ended.Sub(began))
	turned := s.gate.leave(probe, v, ended)
	if v == silent {
		s.observe(ctx, Event{Kind: Failed, Op: op, Took: ended.Sub(began), Err: err})
	}
	if turned != "" {
		s.observe(ctx, Event{Kind: turned, Op: op, Took: ended.Sub(began), Err: err})
	}
	if err != nil {
		return fmt.Errorf("redisstore: %s: %w; it may have been done all the same", op, err)
	}
	return nil
}

// judge says what a call told about the health of Redis.
func (s *Store) judge(ctx context.Context, err error, took time.Duration) verdict {
	if err == nil {
		return answered
	}
	if reply := redis.Error(nil); errors.As(err, &reply) && !unfit(reply.Error()) {
		return answered
	}
	// A caller in a hurry proves nothing, unless it had some patience.
	if hasty(ctx, err) && took < s.cfg.Timeout/2 {
		return unsure
	}
	return silent
}

func hasty(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return true
	}
	// The socket's deadline may strike just before the context's.
	_, limited := ctx.Deadline()
	var timeout net.Error
	return limited && errors.As(err, &timeout) && timeout.Timeout()
}

// unfit reports an answer of a server that is up but cannot serve.
func unfit(reply string) bool {
	for _, p := range []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY ", "MISCONF", "NOREPLICAS"} {
		if strings.HasPrefix(reply, p) {
			return true
		}
	}
	return strings.HasPrefix(reply, "ERR max number of clients reached")
}
