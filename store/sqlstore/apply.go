package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// apply does a batch in the order of its fields.
func (s session) apply(ctx context.Context, b journal.Batch) error {
	if b.Notice != nil {
		if err := s.receive(ctx, *b.Notice); err != nil {
			return err
		}
	}
	if err := s.lock(ctx, newNumbers(b)...); err != nil {
		return err
	}
	for _, p := range b.Pending {
		if err := s.keep(ctx, p); err != nil {
			return err
		}
	}
	for _, c := range b.Changes {
		if err := s.change(ctx, c); err != nil {
			return err
		}
	}
	now := ms(s.now())
	for _, id := range b.Wake {
		if _, err := s.q.ExecContext(ctx, s.wake, append(append([]any{now}, key(id)...), now)...); err != nil {
			return fmt.Errorf("wake %s: %w", id, err)
		}
	}
	for _, p := range b.Matched {
		if _, err := s.q.ExecContext(ctx, s.deletePending, rowID(p.Row)); err != nil {
			return fmt.Errorf("match %s: %w", p.ID, err)
		}
	}
	for _, p := range b.Flagged {
		if _, err := s.q.ExecContext(ctx, s.flagPending, rowID(p.Row)); err != nil {
			return fmt.Errorf("flag %s: %w", p.ID, err)
		}
	}
	for _, a := range b.Anomalies {
		values := append([]any{string(a.Kind)}, key(a.Entry)...)
		if _, err := s.q.ExecContext(ctx, s.addAnomaly, append(values, text(a.Note), a.Evidence[:], ms(a.At))...); err != nil {
			return fmt.Errorf("anomaly of %s: %w", a.Entry, err)
		}
	}
	return nil
}

// newNumbers lists what the batch records, or keeps news of.
func newNumbers(b journal.Batch) []bankrail.ID {
	var ids []bankrail.ID
	for _, p := range b.Pending {
		if !p.Blocked {
			ids = append(ids, p.ID)
		}
	}
	for _, c := range b.Changes {
		if c.Entry.Version == 0 {
			ids = append(ids, c.Entry.ID)
		}
	}
	return ids
}

// receive puts a notice into the inbox.
func (s session) receive(ctx context.Context, n journal.Notice) error {
	news, err := json.Marshal(n.News)
	if err != nil {
		return fmt.Errorf("notice %s of %s: %w", n.ID, n.Channel, err)
	}
	added, err := s.add(ctx, s.insertNotice,
		n.Gateway, n.Merchant, n.ID, n.Digest[:], ms(n.At), flag(n.Stale), string(n.Source), news, ms(s.now()))
	if err != nil || added {
		return err
	}
	var digest []byte
	err = s.q.QueryRowContext(ctx, s.noticeDigest, n.Gateway, n.Merchant, n.ID).Scan(&digest)
	switch {
	case err != nil:
		return err
	case string(digest) == string(n.Digest[:]):
		return fmt.Errorf("notice %s of %s: %w", n.ID, n.Channel, journal.ErrSeen)
	}
	return fmt.Errorf("notice %s of %s: %w", n.ID, n.Channel, journal.ErrReused)
}

// keep adds news of a number that is not recorded.
func (s session) keep(ctx context.Context, p journal.Pending) error {
	recorded, err := s.has(ctx, s.hasEntry, key(p.ID)...)
	if err != nil {
		return err
	}
	if recorded && !p.Blocked {
		return fmt.Errorf("pending news of %s: %w", p.ID, journal.ErrLost)
	}
	news, err := json.Marshal(p.News)
	if err != nil {
		return fmt.Errorf("pending news of %s: %w", p.ID, err)
	}
	_, err = s.q.ExecContext(ctx, s.insertPending, append(key(p.ID), news, p.Digest[:], ms(p.At), flag(p.Blocked), string(p.Source))...)
	return err
}
