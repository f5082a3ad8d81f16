package sqlstore_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
	"github.com/bankrail/bankrail/store/storetest"
)

func TestHistoriesInFile(t *testing.T) {
	t.Parallel()
	histories(t, func(t *testing.T) [2]*sqlstore.DB {
		path := file(t)
		cfg := sqlstore.Config{Logger: quiet}
		return [2]*sqlstore.DB{open(t, path, cfg), open(t, path, cfg)}
	})
}

func TestHistoriesOnServers(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		histories(t, func(t *testing.T) [2]*sqlstore.DB { return two(t, e) })
	})
}

// histories checks what two processes see of one database.
func histories(t *testing.T, open func(t *testing.T) [2]*sqlstore.DB) {
	storetest.RunHistories(t, storetest.Histories{
		Keys: func(t *testing.T) idempotency.Store {
			dbs := open(t)
			return &pairOfKeys{Store: dbs[0].Keys(), other: dbs[1].Keys()}
		},
		Journal: func(t *testing.T) journal.Store {
			dbs := open(t)
			return &pairOfJournals{Store: dbs[0], other: dbs[1]}
		},
	})
}

// turn lets calls go to two handles by turns.
type turn struct{ n atomic.Int64 }

func (t *turn) first() bool { return t.n.Add(1)%2 == 0 }

type pairOfKeys struct {
	idempotency.Store
	other idempotency.Store
	turn
}

func (p *pairOfKeys) next() idempotency.Store {
	if p.first() {
		return p.Store
	}
	return p.other
}

func (p *pairOfKeys) Begin(ctx context.Context, k idempotency.Key, f idempotency.Fingerprint, owner string, lease time.Duration) (idempotency.Claim, error) {
	return p.next().Begin(ctx, k, f, owner, lease)
}

func (p *pairOfKeys) Complete(ctx context.Context, k idempotency.Key, epoch int64, o idempotency.Outcome, response []byte) error {
	return p.next().Complete(ctx, k, epoch, o, response)
}

func (p *pairOfKeys) Reclaim(ctx context.Context, k idempotency.Key, epoch int64, owner string, lease time.Duration) (idempotency.Claim, error) {
	return p.next().Reclaim(ctx, k, epoch, owner, lease)
}

type pairOfJournals struct {
	journal.Store
	other journal.Store
	turn
}

func (p *pairOfJournals) next() journal.Store {
	if p.first() {
		return p.Store
	}
	return p.other
}

func (p *pairOfJournals) Get(ctx context.Context, id bankrail.ID) (journal.Entry, error) {
	return p.next().Get(ctx, id)
}

func (p *pairOfJournals) Insert(ctx context.Context, c journal.Change, h journal.Hold) error {
	return p.next().Insert(ctx, c, h)
}

func (p *pairOfJournals) Apply(ctx context.Context, b journal.Batch) error {
	return p.next().Apply(ctx, b)
}

func (p *pairOfJournals) Claim(ctx context.Context, q journal.ClaimQuery) ([]journal.Entry, error) {
	return p.next().Claim(ctx, q)
}
