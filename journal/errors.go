package journal

import (
	"errors"
	"fmt"

	"github.com/bankrail/bankrail"
)

// ErrSent: the entry can no longer be cancelled, because it may have been sent.
var ErrSent = errors.New("journal: may have been sent already")

// ConflictError says that a number stands for another request. Nothing was sent for
// the one it refuses; what the existing one did is in Existing.
type ConflictError struct {
	Existing Entry
}

// Error writes "journal: number … stands for another request".
func (e *ConflictError) Error() string {
	return fmt.Sprintf("journal: %s is %s: %s", e.Existing.ID, e.Existing.Status, bankrail.ErrConflict)
}

// Unwrap returns bankrail.ErrConflict.
func (e *ConflictError) Unwrap() error { return bankrail.ErrConflict }

// unavailable wraps what kept the journal from being read. Nothing was recorded by
// the call that returns it, and nothing was sent.
func unavailable(id bankrail.ID, cause error) error {
	return fmt.Errorf("journal: %s: %w: %w", id, bankrail.ErrUnavailable, cause)
}

// failure is the error of a Failed entry: the same for the call that saw it fail and
// for every repeat, but that the first also carries the cause.
func failure(e Entry, cause error) error {
	err := bankrail.ErrFailed
	effect := bankrail.Refused
	if e.Cause == CauseNeverSent {
		effect = bankrail.NotSent
	}
	out := &bankrail.Error{Gateway: e.Gateway, Op: e.Op, Code: e.Code, Message: e.Message, Effect: effect, Err: err}
	var be *bankrail.Error
	if errors.As(cause, &be) {
		out.RequestID, out.HTTPStatus = be.RequestID, be.HTTPStatus
		out.Deferred, out.RetryAfter = be.Deferred, be.RetryAfter
	}
	if cause != nil {
		out.Err = &failedCause{cause: cause}
	}
	return out
}

// failedCause keeps the cause reachable for errors.As without writing its text a
// second time: Code and Message already hold it.
type failedCause struct{ cause error }

func (f *failedCause) Error() string   { return bankrail.ErrFailed.Error() }
func (f *failedCause) Unwrap() []error { return []error{bankrail.ErrFailed, f.cause} }

// HookError says that the host's own hook refused a change inside its transaction.
type HookError struct {
	Entry bankrail.ID
	Err   error
}

// Error writes "journal: the host's hook refused the change of …".
func (e *HookError) Error() string { return fmt.Sprintf("%s of %s: %v", ErrHook, e.Entry, e.Err) }

// Unwrap returns ErrHook and what the hook said.
func (e *HookError) Unwrap() []error { return []error{ErrHook, e.Err} }
