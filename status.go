package bankrail

import (
	"fmt"
	"slices"
)

// Status is what is known of an entry.
//
//	status      first send  send again  ask  open  changes to
//	created     yes         –           –    yes   processing, failed, manual
//	processing  –           by rule     yes  yes   created¹, succeeded, failed, manual
//	manual      –           –           yes  yes   succeeded, failed
//	succeeded   –           –           –    –     reversed
//	failed      –           –           –    –     –
//	reversed    –           –           –    –     –
//
// ¹ only a first send that certainly did not leave, while the host allows waiting.
//
// Created is recorded and certainly not sent. Processing is perhaps sent: it is
// committed before the first byte goes out. Manual is still unknown after
// everything that may be tried, or contradictory; its amount stays reserved and a
// person, or verified news where nothing contradicts, ends it. Created goes to
// Manual when the bank has news of a number that was never sent. Final states
// never change, but that a bounce (退汇) turns Succeeded into Reversed.
type Status uint8

// The states of an entry. The zero Status is none of them.
const (
	Created Status = iota + 1
	Processing
	Manual
	Succeeded
	Failed
	Reversed
)

var statusNames = [...]string{"", "created", "processing", "manual", "succeeded", "failed", "reversed"}

// statusEdges lists where each status may go.
var statusEdges = [...][]Status{
	Created:    {Processing, Failed, Manual},
	Processing: {Created, Succeeded, Failed, Manual},
	Manual:     {Succeeded, Failed},
	Succeeded:  {Reversed},
	Failed:     nil,
	Reversed:   nil,
}

// MayBecome reports whether the state machine has an edge from s to next.
func (s Status) MayBecome(next Status) bool {
	return s.Valid() && slices.Contains(statusEdges[s], next)
}

// MaySend reports whether a first copy may be sent, after the move to Processing
// is committed.
func (s Status) MaySend() bool { return s == Created }

// MayResend reports whether another copy may be sent if the gateway's rules allow
// it. Which rules: journal.Rules.
func (s Status) MayResend() bool { return s == Processing }

// MayAsk reports whether a query of the bank can tell anything new.
func (s Status) MayAsk() bool { return s == Processing || s == Manual }

// Open reports whether the outcome is still to come.
func (s Status) Open() bool { return s == Created || s == Processing || s == Manual }

// Final reports whether the outcome is known: Succeeded, Failed or Reversed.
func (s Status) Final() bool { return s == Succeeded || s == Failed || s == Reversed }

// Reserves reports whether an entry in this state holds its amount of the order's
// budget. Failed never moved it, Reversed gave it back.
func (s Status) Reserves() bool { return s.Open() || s == Succeeded }

// Valid reports whether s is one of the six states.
func (s Status) Valid() bool { return s >= Created && s <= Reversed }

// String writes the lower-case name, "none" for the zero Status.
func (s Status) String() string {
	if !s.Valid() {
		return "none"
	}
	return statusNames[s]
}

// MarshalText writes the name that stores keep; the zero Status is empty.
func (s Status) MarshalText() ([]byte, error) {
	if s != 0 && !s.Valid() {
		return nil, &FieldError{Field: "status", Problem: fmt.Sprintf("no status %d", uint8(s))}
	}
	return []byte(statusNames[s]), nil
}

// UnmarshalText reads what MarshalText wrote.
//
// Errors: *FieldError for an unknown name.
func (s *Status) UnmarshalText(b []byte) error {
	for i, n := range statusNames {
		if n == string(b) {
			*s = Status(i)
			return nil
		}
	}
	return &FieldError{Field: "status", Problem: fmt.Sprintf("no status %.16q", b)}
}
