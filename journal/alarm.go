package journal

import (
	"context"
	"log/slog"
	"time"

	"github.com/bankrail/bankrail"
)

// Alarm tells a person that something needs one. Alarms are at least once: a node
// that dies between the commit and the call raises none, and the anomaly or the
// Manual entry in the journal stays the record.
type Alarm struct {
	Kind  AlarmKind
	Entry bankrail.ID
	Text  string
	At    time.Time
}

// AlarmKind names a kind of alarm: the kinds of anomaly, and those below.
type AlarmKind string

const (
	// AlarmManual: an entry became Manual.
	AlarmManual AlarmKind = "manual"
	// AlarmStalled: a sender stalled past its send-by time and gave up.
	AlarmStalled AlarmKind = "stalled"
	// AlarmUnanswered: the gateway has left the queries of an entry without an answer that
	// can be believed for about an hour, and again after every day. The entry stays open.
	AlarmUnanswered AlarmKind = "unanswered"
	// AlarmHook: the host's own hook refused a change that the gateway's news makes, or
	// the sending of what waits. It is tried again at every sweep.
	AlarmHook AlarmKind = "hook"
)

// logAlarm is the default hook.
func logAlarm(ctx context.Context, a Alarm) {
	slog.ErrorContext(ctx, "bankrail alarm", "kind", a.Kind, "entry", a.Entry.String(), "text", a.Text)
}
