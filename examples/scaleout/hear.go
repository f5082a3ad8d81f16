package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bankrail/bankrail/journal"
)

// verdict is what all calls of Create together said of a number.
type verdict struct {
	open   bool
	failed string // the error of one that says so
}

// heard takes in what a node says.
func (s *story) heard(node int, l line) {
	switch {
	case l.At != "":
		s.forward.set(node, l.At)
	case l.Also > 0:
		s.crew.tell(3-node, fmt.Sprint(orderAlso, l.Also-1))
	case l.Done:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.done[node] = true
	case l.Told != nil:
		s.hear(*l.Told)
	}
}

func (s *story) hear(t told) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer++
	v := s.told[t.Number]
	switch t.Kind {
	case again:
		return // it speaks of something else, and the number is repeated
	case isOpen:
		v.open = true
	case isFailed:
		v.failed = t.Text
	default:
		s.wrongs = append(s.wrongs, fmt.Sprintf("%s: Create said %s: %s", t.Number, t.Kind, t.Text))
	}
	s.told[t.Number] = v
}

// answered waits for so many per cent of the refunds.
func (s *story) answered(percent int) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.told)*100 >= s.refunds*percent, nil
	}
}

func (s *story) finished() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done[1] && s.done[2]
}

// settled reports whether nothing is open, unpublished or not consumed.
func (s *story) settled(ctx context.Context) (bool, error) {
	h, err := s.look(ctx)
	if err != nil || h.Open() > 0 || h.Unpublished > 0 || h.Pending > 0 {
		return false, err
	}
	var events int64
	err = s.servers.pool.QueryRowContext(ctx, `SELECT count(*) FROM bankrail_events`).Scan(&events)
	return s.consumer.fresh.Load() >= events, err
}

// look reads the journal's health.
func (s *story) look(ctx context.Context) (journal.Health, error) {
	h, err := s.servers.db.Health(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.health = h
	}
	return h, err
}

// errPatience: nothing has moved for too long.
var errPatience = errors.New("nothing has moved for " + patience.String())

// await asks ready until it says yes, a node ends, or nothing moves any more.
func (s *story) await(ctx context.Context, ready func(context.Context) (bool, error)) error {
	moved, at := int64(-1), time.Now()
	for {
		ok, err := ready(ctx)
		if ok || err != nil {
			return err
		}
		s.mu.Lock()
		now := int64(len(s.told)) + s.consumer.fresh.Load()
		s.mu.Unlock()
		if now != moved {
			moved, at = now, time.Now()
		} else if time.Since(at) > patience {
			return errPatience
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.crew.fail:
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}
