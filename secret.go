package bankrail

import (
	"fmt"
	"log/slog"
)

// Secret holds a value that must not be seen: no formatting verb, log record or
// JSON document shows it, also where it is an unexported field of something that is
// printed. Reveal gives it to the code that needs it. Two secrets are compared by
// what they reveal, not by ==.
type Secret struct {
	// value is a pointer because fmt calls no method on a field it may not see: it
	// would print a string, and of a pointer it prints the address.
	value *string
}

const redacted = "[secret]"

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal returns the value. Its result belongs on the wire or in a cipher, never
// in a log, an error, a row or a trace.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no value.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// String shows nothing of the value.
func (Secret) String() string { return redacted }

// GoString shows nothing of the value.
func (Secret) GoString() string { return redacted }

// Format shows nothing of the value, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue shows nothing of the value.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON shows nothing of the value.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText shows nothing of the value, as a map key or in XML.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
