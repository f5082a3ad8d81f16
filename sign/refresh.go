package sign

import (
	"context"
	"errors"
	"sync"
	"time"
)

// RefreshConfig says where the other side's keys come from while a process runs.
type RefreshConfig struct {
	// Fetch returns all keys that are to be believed from now on, over a channel
	// that proves who answers: TLS to a pinned host with the answer's own
	// signature checked, a file the operator put there, a secret store. It is not
	// told which serial a message named, because whoever sent the message chose it.
	// It is called by one goroutine at a time, without a lock held, and has to
	// return soon after ctx ends. Required.
	Fetch func(ctx context.Context) ([]RingKey, error)
	// Every is the shortest time between the starts of two fetches that messages
	// cause, successful or not. Defaults to one minute.
	Every time.Duration
	// Timeout bounds one fetch that a message caused. Defaults to 10 seconds.
	Timeout time.Duration
	// Done is told how each fetch that a message caused ended, nil for keys in
	// place. It is called on the fetching goroutine. Defaults to nobody.
	Done func(error)
	// Now is the clock of Every. Defaults to time.Now.
	Now func() time.Time
}

// Refresher is a [KeyRing] that learns of new keys. A message under an unknown
// serial fails at once, as it does in the ring; besides, it sets off one fetch, of
// which there is one at a time and one per RefreshConfig.Every, so that junk cannot
// turn this process against the source of the keys. The gateway sends its message
// again, and by then the key is there.
//
// Safe for concurrent use; Verify takes a lock only where the ring refused.
type Refresher struct {
	ring  *KeyRing
	cfg   RefreshConfig
	base  context.Context
	stop  context.CancelFunc
	group sync.WaitGroup
	turn  chan struct{} // holds a token while a fetch runs

	mu     sync.Mutex // never held over a call
	closed bool
	last   time.Time // start of the last fetch that a message caused
}

var _ Verifier = (*Refresher)(nil)

// NewRefresher makes a refresher over ring, which keeps the keys it has until a
// fetch brings others. The host closes it.
//
// Errors: ErrKey for no ring, no Fetch, or a negative duration.
func NewRefresher(ring *KeyRing, cfg RefreshConfig) (*Refresher, error) {
	problem := ""
	switch {
	case ring == nil:
		problem = "no ring"
	case cfg.Fetch == nil:
		problem = "no Fetch"
	case cfg.Every < 0 || cfg.Timeout < 0:
		problem = "Every or Timeout is negative"
	}
	if problem != "" {
		return nil, &KeyError{Source: "refresher", Problem: problem}
	}
	if cfg.Every == 0 {
		cfg.Every = time.Minute
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Refresher{ring: ring, cfg: cfg, turn: make(chan struct{}, 1)}
	r.base, r.stop = context.WithCancel(context.Background())
	return r, nil
}

// Verify is the ring's; it never waits for a fetch. A serial that is unknown, or
// whose key is not valid now, may set one off.
func (r *Refresher) Verify(ctx context.Context, message, signature []byte, keyID string) error {
	err := r.ring.Verify(ctx, message, signature, keyID)
	var e *Error
	if errors.As(err, &e) && (e.Part == partSerial || e.Part == partClock) {
		r.schedule()
	}
	return err
}

// schedule starts a fetch unless one runs, ran lately, or the refresher is closed.
func (r *Refresher) schedule() {
	now := r.cfg.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	// A clock that was set back by more than Every does not silence it for ever.
	since := now.Sub(r.last)
	if r.closed || !r.last.IsZero() && since < r.cfg.Every && since > -r.cfg.Every {
		return
	}
	select {
	case r.turn <- struct{}{}:
	default:
		return
	}
	r.last = now
	r.group.Add(1)
	go func() {
		defer r.group.Done()
		ctx, cancel := context.WithTimeout(r.base, r.cfg.Timeout)
		defer cancel()
		err := r.fetch(ctx)
		<-r.turn
		if r.cfg.Done != nil {
			r.cfg.Done(err)
		}
	}()
}

// Refresh fetches now and waits: at the start, by a schedule of the host's, by hand.
// Every does not bound it; a fetch under way is waited for first.
//
// Errors: Fetch's own, ErrKey for keys the ring refuses or of another environment
// than those it has, ctx's, and context.Canceled once closed. The ring then keeps
// what it had.
func (r *Refresher) Refresh(ctx context.Context) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return context.Canceled
	}
	r.group.Add(1)
	r.mu.Unlock()
	defer r.group.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.base, cancel)()
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.turn }()
	return r.fetch(ctx)
}

// fetch asks for the keys and puts them in place.
func (r *Refresher) fetch(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	keys, err := r.cfg.Fetch(ctx)
	if err == nil {
		err = ctx.Err() // an answer after the end is not looked at
	}
	if err != nil {
		return err
	}
	env := ""
	for _, k := range keys {
		env = ringEnvironment(env, k.Key.Environment())
	}
	// A ring that turned into a sandbox's would believe whoever runs the sandbox.
	if have := r.ring.Environment(); env != have {
		return &KeyError{Source: "refresh", Problem: "keys for environment " + quote(env) + ", the ring's are for " + quote(have)}
	}
	return r.ring.Replace(keys...)
}

// Close ends a fetch under way and waits for it; afterwards Verify goes on with the
// keys there are. It returns nil, always.
func (r *Refresher) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.group.Wait()
	return nil
}
