package journal

import (
	"context"
	"sync"

	"github.com/bankrail/bankrail"
)

// keyed serialises calls of one number within this process, so that of two callers
// of one number the later is answered from the record instead of being refused by a
// check that the earlier has passed. It costs speed only: the unique row decides.
type keyed struct {
	mu sync.Mutex
	m  map[bankrail.ID]*turn
}

type turn struct {
	free  chan struct{} // holds one token while nobody has the turn
	users int
}

// lock waits for the turn; the func it returns passes it on.
func (k *keyed) lock(ctx context.Context, id bankrail.ID) (func(), error) {
	k.mu.Lock()
	if k.m == nil {
		k.m = make(map[bankrail.ID]*turn)
	}
	t := k.m[id]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		k.m[id] = t
	}
	t.users++
	k.mu.Unlock()

	leave := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(k.m, id)
		}
	}
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
