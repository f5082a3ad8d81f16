package audit

import "github.com/bankrail/bankrail"

// Told is one thing between the host and bankrail.
type Told struct {
	Number string `json:"number,omitempty"`
	What   What   `json:"what"`
	Err    string `json:"err,omitempty"`
	// Notice is the number of a statement's line that was taken.
	Notice string `json:"notice,omitempty"`
}

// What happened.
type What string

const (
	Calls   What = "calls"   // the host is about to call Create
	Open    What = "open"    // Create returned nil
	Failed  What = "failed"  // Create returned ErrFailed: this number will never move money
	Refused What = "refused" // another error: no money moved, and who repeats the number starts anew
	Unknown What = "unknown" // ErrUnavailable, or unconfirmed: the host repeats the number
	Taken   What = "taken"   // a notice was taken
)

// Event is one event as it was published.
type Event struct {
	ID      string          `json:"id"`
	Number  string          `json:"number"`
	Op      string          `json:"op"`
	Version int64           `json:"version"`
	Status  bankrail.Status `json:"status"`
}
