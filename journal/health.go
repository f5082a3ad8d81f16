package journal

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/bankrail/bankrail"
)

// Health is a snapshot of what is open, due, unpublished and odd: what a probe or a
// gauge reads. It asks the store once and counts the open entries, so ask it every
// half minute rather than with every request.
//
// Errors: bankrail.ErrUnavailable.
func (b *Book) Health(ctx context.Context) (Health, error) {
	h, err := b.store.Health(ctx)
	if err != nil {
		return Health{}, fmt.Errorf("journal: health: %w: %w", bankrail.ErrUnavailable, err)
	}
	return h, nil
}

// Late is for how long the entry that waits longest for a worker has been due; 0
// where none is.
func (h Health) Late() time.Duration { return h.since(h.DueSince) }

// Unsaid is for how long the oldest event has waited to be published; 0 where none
// waits.
func (h Health) Unsaid() time.Duration { return h.since(h.UnpublishedSince) }

// Open counts the open entries.
func (h Health) Open() int { return h.Created + h.Processing + h.Manual }

func (h Health) since(t time.Time) time.Duration {
	if t.IsZero() || h.At.Before(t) {
		return 0
	}
	return h.At.Sub(t)
}

// String writes one line: "open 3 (created 0, processing 2, manual 1; oldest 4h0m0s),
// due 1 (late 2m0s), unpublished 0, pending 0, anomalies 1".
func (h Health) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "open %d", h.Open())
	if h.Open() > 0 {
		fmt.Fprintf(&s, " (created %d, processing %d, manual %d; oldest %s)", h.Created, h.Processing, h.Manual, h.since(h.Oldest))
	}
	fmt.Fprintf(&s, ", due %d", h.Due)
	if h.Due > 0 {
		fmt.Fprintf(&s, " (late %s)", h.Late())
	}
	fmt.Fprintf(&s, ", unpublished %d", h.Unpublished)
	if h.Unpublished > 0 {
		fmt.Fprintf(&s, " (oldest %s)", h.Unsaid())
	}
	fmt.Fprintf(&s, ", pending %d, anomalies %d", h.Pending, h.Anomalies)
	return s.String()
}

// LogValue groups the figures for package log/slog.
func (h Health) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("created", h.Created), slog.Int("processing", h.Processing), slog.Int("manual", h.Manual),
		slog.Duration("oldest", h.since(h.Oldest)),
		slog.Int("due", h.Due), slog.Duration("late", h.Late()),
		slog.Int("unpublished", h.Unpublished), slog.Duration("unsaid", h.Unsaid()),
		slog.Int("pending", h.Pending), slog.Int("anomalies", h.Anomalies),
	)
}

var (
	_ fmt.Stringer   = Health{}
	_ slog.LogValuer = Health{}
)
