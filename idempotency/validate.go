package idempotency

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bankrail/bankrail"
)

// maxName bounds each part of a Key and the name of an owner, in bytes: what the
// databases index.
const maxName = 255

// Validate reports what no store records, as a *bankrail.FieldError that does not
// repeat the key.
func (k Key) Validate() error {
	switch {
	case k.Key == "" || len(k.Key) > maxName:
		return &bankrail.FieldError{Field: "key", Problem: "want 1 to 255 characters"}
	case strings.IndexFunc(k.Key, func(r rune) bool { return r < ' ' || r > '~' }) >= 0:
		return &bankrail.FieldError{Field: "key", Problem: "want printable ASCII characters only"}
	}
	if err := validName("tenant", k.Tenant); err != nil {
		return err
	}
	return validName("route", k.Route)
}

// ValidateLease reports an owner or a lease that no store records.
func ValidateLease(owner string, lease time.Duration) error {
	if lease < time.Millisecond {
		return &bankrail.FieldError{Field: "lease", Problem: "want at least a millisecond"}
	}
	if owner == "" {
		return &bankrail.FieldError{Field: "owner", Problem: "want a name"}
	}
	return validName("owner", owner)
}

// Validate reports an outcome that is none.
func (o Outcome) Validate() error {
	if o != Done && o != Open {
		return &bankrail.FieldError{Field: "outcome", Problem: "want done or open"}
	}
	return nil
}

func validName(field, name string) error {
	if len(name) > maxName || !utf8.ValidString(name) || strings.IndexFunc(name, unicode.IsControl) >= 0 {
		return &bankrail.FieldError{Field: field, Problem: "want at most 255 bytes of UTF-8 without control characters"}
	}
	return nil
}
