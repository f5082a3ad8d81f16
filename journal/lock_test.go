package journal_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
)

// lockService answers as it is told, and counts what is held.
type lockService struct {
	err   error
	takes time.Duration
	held  atomic.Int32
	asked atomic.Int32
}

func (l *lockService) Lock(ctx context.Context, _ string, life time.Duration) (idempotency.Lease, error) {
	l.asked.Add(1)
	until := time.Now().Add(life)
	select {
	case <-time.After(l.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l.err != nil {
		return nil, l.err
	}
	l.held.Add(1)
	return lease{l, until}, nil
}

type lease struct {
	*lockService
	until time.Time
}

func (l lease) Fence() int64                 { return 1 }
func (l lease) Until() time.Time             { return l.until }
func (l lease) Unlock(context.Context) error { l.held.Add(-1); return nil }

// locking is a desk on the bubble's clock with a lock service.
func locking(t *testing.T, l *lockService, change ...func(*journal.Config)) *desk {
	d := newDesk(t, journal.Rules{})
	d.store = memstore.New(memstore.Config{})
	cfg := journal.Config{AllowVolatile: true, Locker: l, Alarm: func(context.Context, journal.Alarm) {}}
	for _, f := range change {
		f(&cfg)
	}
	d.book = journal.New(d.store, cfg)
	return d
}

func TestOrderLock(t *testing.T) {
	t.Parallel()
	required := func(c *journal.Config) { c.LockRequired = true }
	down := errors.New("connection refused")
	for name, c := range map[string]struct {
		service *lockService
		change  []func(*journal.Config)
		want    error
		took    time.Duration
	}{
		"held until the outcome":       {service: &lockService{}},
		"down":                         {service: &lockService{err: down}},
		"slow":                         {service: &lockService{takes: 5 * time.Second}, took: 2 * time.Second},
		"taken":                        {service: &lockService{err: idempotency.ErrLocked}, took: 2 * time.Second},
		"down, and required":           {&lockService{err: down}, []func(*journal.Config){required}, bankrail.ErrUnavailable, 0},
		"taken, and required":          {&lockService{err: idempotency.ErrLocked}, []func(*journal.Config){required}, bankrail.ErrUnavailable, 2 * time.Second},
		"too late for the call's time": {service: &lockService{takes: 1900 * time.Millisecond}, took: 1900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := c.service
				d := locking(t, l, c.change...)
				d.send = func(int) (bankrail.Receipt, error) {
					if l.err == nil && c.took < 2*time.Second {
						require.EqualValues(t, 1, l.held.Load(), "held while it is sent")
					}
					return said(bankrail.Succeeded, 100), nil
				}
				begun := time.Now()
				_, err := d.create("R1")
				require.Equal(t, c.took, time.Since(begun))
				require.EqualValues(t, 0, l.held.Load(), "given back")
				if c.want != nil {
					require.ErrorIs(t, err, c.want)
					require.Empty(t, d.sends)
					_, err = d.book.Get(t.Context(), numbered("R1"))
					require.ErrorIs(t, err, bankrail.ErrNotFound)
					return
				}
				require.NoError(t, err)
				require.Len(t, d.sends, 1)
				asked := l.asked.Load()
				_, err = d.create("R1")
				require.NoError(t, err)
				require.Equal(t, asked, l.asked.Load(), "a repeat needs no lock")
			})
		})
	}
}

// TestNothingIsSentPastTheLock: a copy that would still be on its way when the lock
// ends does not leave, although its send-by time has not come.
func TestNothingIsSentPastTheLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &lockService{}
		d := locking(t, l, func(c *journal.Config) { c.LockLife = 22 * time.Second })
		d.book = journal.New(&stallingStore{Store: d.store, stall: 3 * time.Second}, journal.Config{
			AllowVolatile: true, Locker: l, LockLife: 22 * time.Second, Alarm: func(context.Context, journal.Alarm) {},
		})
		e, err := d.create("R1")
		require.NoError(t, err)
		require.Equal(t, bankrail.Processing, e.Status)
		require.Empty(t, d.sends, "22 s of lock less 20 s of call are over after 2 s")
	})
}

// stallingStore takes its time to say that an insert was committed.
type stallingStore struct {
	journal.Store
	stall time.Duration
}

func (s *stallingStore) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	err := s.Store.Insert(ctx, c, h)
	time.Sleep(s.stall)
	return err
}
