package journal

import (
	"context"
	"log/slog"

	"github.com/bankrail/bankrail"
)

// note writes one record for every change of status of what was committed, and of
// what was inserted. Call it after the commit only: a record says what is so. It holds
// nothing of the request or the reply.
func (b *Book) note(ctx context.Context, cs ...Change) {
	if !b.cfg.Logger.Enabled(ctx, slog.LevelInfo) {
		return
	}
	for _, c := range cs {
		if e := c.Entry; c.From != e.Status {
			b.cfg.Logger.LogAttrs(ctx, slog.LevelInfo, "bankrail: "+e.Status.String(), transition(c)...)
		}
	}
}

// transition is a change as attributes of a log record.
func transition(c Change) []slog.Attr {
	e := c.Entry
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("entry", e.ID.String()))
	if c.From != 0 {
		attrs = append(attrs, slog.String("from", c.From.String()))
	}
	attrs = append(attrs,
		slog.String("to", e.Status.String()),
		slog.String("source", string(c.Source)),
		slog.Int64("version", e.Version+1), // a Change carries the version it replaces
	)
	if e.Code != "" {
		attrs = append(attrs, slog.String("code", clip(e.Code)))
	}
	if e.Cause != CauseNone {
		attrs = append(attrs, slog.String("cause", string(e.Cause)))
	}
	if e.Of != (bankrail.ID{}) {
		attrs = append(attrs, slog.String("of", e.Of.String()))
	}
	return attrs
}
