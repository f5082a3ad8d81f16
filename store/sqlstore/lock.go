package sqlstore

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/bankrail/bankrail"
)

// lock makes this transaction the only one that records the numbers or keeps news of
// them, until it ends. Of "the number is recorded" and "news of it arrives" the later
// one then sees the earlier, which is what ErrEarly and ErrLost rest on.
func (s session) lock(ctx context.Context, ids ...bankrail.ID) error {
	if s.lockNumber == "" {
		return nil // one writer: the transaction is the lock
	}
	var slots []int64
	for _, id := range ids {
		slots = append(slots, s.slotOf(id))
	}
	slices.Sort(slots) // in one order, so that two batches do not wait for each other
	for _, slot := range slices.Compact(slots) {
		var isolation string
		if err := s.q.QueryRowContext(ctx, s.lockNumber, slot).Scan(&isolation); err != nil {
			return err
		}
		// A snapshot from before the lock would not see what the lock waited for.
		if isolation != "read committed" {
			return &bankrail.FieldError{Field: "isolation", Problem: fmt.Sprintf("want a transaction of READ COMMITTED, this one is of %q", isolation)}
		}
	}
	return nil
}

// slotOf is the lock of a number. Numbers that share one wait for each other, and
// nothing worse.
func (d *dialect) slotOf(id bankrail.ID) int64 {
	h := fnv.New64a()
	for _, part := range []string{"bankrail", id.Gateway, id.Merchant, string(id.Op), id.Number} {
		_, _ = h.Write([]byte(part))
		_, _ = h.Write([]byte{0})
	}
	slot := int64(h.Sum64())
	if d.slots > 0 {
		slot &= d.slots - 1
	}
	return slot
}
