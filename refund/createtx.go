package refund

import (
	"context"
	"fmt"

	"github.com/bankrail/bankrail/journal"
)

// CreateTx records a refund in the host's own transaction, together with the host's
// own rows, and leaves the sending to the worker after the commit:
//
//	tx, err := db.BeginTx(ctx, nil)
//	// … the host's own rows …
//	r, err := refunds.CreateTx(ctx, store.In(tx), request)
//	err = tx.Commit()
//
// An error means that this call recorded nothing, and the transaction stays usable.
// No error means that the refund stands if the host commits. It is told as Created,
// or as whatever the number stands for already. Where the commit is unknown, repeat
// the number.
//
// Errors: those of Create.
func (s *Service) CreateTx(ctx context.Context, tx journal.Tx, r Request) (*Refund, error) {
	id, err := s.id(r)
	if err != nil {
		return nil, fmt.Errorf("refund: %w", err)
	}
	e, err := s.book.CreateTx(ctx, tx, id, r.fingerprint(), func(ctx context.Context) (journal.Draft, error) {
		return s.prepare(ctx, id, r)
	})
	if err != nil {
		return nil, fmt.Errorf("refund: %w", err)
	}
	return refundOf(e), nil
}
