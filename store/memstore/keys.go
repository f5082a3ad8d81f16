package memstore

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bankrail/bankrail/idempotency"
)

// Keys keeps idempotency keys in memory, for tests: a restart forgets them, and what
// was executed is executed again. It is safe for concurrent use.
type Keys struct {
	now func() time.Time

	mu   sync.Mutex
	rows map[idempotency.Key]*keyRow
}

type keyRow struct {
	print        idempotency.Fingerprint
	epoch        int64
	owner        string
	since, until time.Time
	outcome      idempotency.Outcome
	response     []byte
	completed    time.Time
	trimmed      bool
}

var _ idempotency.Store = (*Keys)(nil)

// NewKeys returns an empty store of keys.
func NewKeys(cfg Config) *Keys {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Keys{now: cfg.Now, rows: map[idempotency.Key]*keyRow{}}
}

// Durable returns false: nothing survives the process.
func (s *Keys) Durable() bool { return false }

// Begin looks a key up or records it; see idempotency.Store.
func (s *Keys) Begin(ctx context.Context, k idempotency.Key, p idempotency.Fingerprint, owner string, lease time.Duration) (idempotency.Claim, error) {
	if err := first(ctx.Err(), k.Validate(), idempotency.ValidateLease(owner, lease)); err != nil {
		return idempotency.Claim{}, fmt.Errorf("memstore: begin: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := whole(s.now())
	r, ok := s.rows[k]
	if !ok {
		r = &keyRow{print: p, epoch: 1, owner: owner, since: now, until: whole(now.Add(lease))}
		s.rows[k] = r
		return r.claim(idempotency.New), nil
	}
	if r.print != p {
		return idempotency.Claim{State: idempotency.Mismatch}, nil
	}
	return r.claim(r.state(now)), nil
}

// Complete stores an outcome; see idempotency.Store.
func (s *Keys) Complete(ctx context.Context, k idempotency.Key, epoch int64, o idempotency.Outcome, response []byte) error {
	if err := first(ctx.Err(), k.Validate(), o.Validate()); err != nil {
		return fmt.Errorf("memstore: complete: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rows[k]
	if !ok || r.epoch != epoch || r.outcome == idempotency.Done {
		return fmt.Errorf("memstore: complete: %w", idempotency.ErrLost)
	}
	r.outcome, r.response, r.completed = o, bytes.Clone(response), whole(s.now())
	return nil
}

// Reclaim takes over a record that is Unknown; see idempotency.Store.
func (s *Keys) Reclaim(ctx context.Context, k idempotency.Key, epoch int64, owner string, lease time.Duration) (idempotency.Claim, error) {
	if err := first(ctx.Err(), k.Validate(), idempotency.ValidateLease(owner, lease)); err != nil {
		return idempotency.Claim{}, fmt.Errorf("memstore: reclaim: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := whole(s.now())
	r, ok := s.rows[k]
	if !ok || r.epoch != epoch || r.state(now) != idempotency.Unknown {
		return idempotency.Claim{}, fmt.Errorf("memstore: reclaim: %w", idempotency.ErrLost)
	}
	*r = keyRow{print: r.print, epoch: epoch + 1, owner: owner, since: now, until: whole(now.Add(lease))}
	return r.claim(idempotency.New), nil
}

// Trim drops old responses; see idempotency.Store.
func (s *Keys) Trim(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("memstore: trim: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.rows {
		if n >= limit {
			break
		}
		if r.outcome == idempotency.Done && !r.trimmed && r.completed.Before(whole(before)) {
			r.response, r.trimmed = nil, true
			n++
		}
	}
	return n, nil
}

func (r *keyRow) state(now time.Time) idempotency.State {
	switch {
	case r.outcome == idempotency.Done:
		return idempotency.Replay
	case r.outcome == "" && now.Before(r.until):
		return idempotency.InFlight
	}
	return idempotency.Unknown
}

func (r *keyRow) claim(state idempotency.State) idempotency.Claim {
	return idempotency.Claim{
		State: state, Epoch: r.epoch, Owner: r.owner, Since: r.since, Until: r.until,
		Outcome: r.outcome, Response: bytes.Clone(r.response), Trimmed: r.trimmed,
	}
}

// first of several errors.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
