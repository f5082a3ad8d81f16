package sign

import (
	"bytes"
	"fmt"
	"log/slog"
)

const (
	secretHidden = "[secret]"
	maxSecret    = 4096
)

// Secret is a key shared with a gateway. Formatting, logging and JSON show nothing
// of it; converting it to []byte is the one way out.
type Secret []byte

func (s Secret) check() string {
	switch {
	case len(s) == 0:
		return "no secret: anybody could sign with an empty one"
	case len(s) > maxSecret:
		return fmt.Sprintf("secret is %d bytes, want at most %d", len(s), maxSecret)
	}
	return ""
}

func (s Secret) clone() []byte { return bytes.Clone(s) }

// String shows nothing of the secret.
func (Secret) String() string { return secretHidden }

// GoString shows nothing of the secret.
func (Secret) GoString() string { return secretHidden }

// Format shows nothing of the secret, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(secretHidden)) }

// LogValue shows nothing of the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(secretHidden) }

// MarshalText shows nothing of the secret, in JSON and in other formats.
func (Secret) MarshalText() ([]byte, error) { return []byte(secretHidden), nil }

// Format shows the configuration but for the secret, whatever the verb.
func (c MACConfig) Format(f fmt.State, _ rune) { formatConfig(f, c.Algorithm, c.KeyID) }

// Format shows the configuration but for the secret, whatever the verb.
func (c DigestConfig) Format(f fmt.State, _ rune) { formatConfig(f, c.Algorithm, c.KeyID) }

// formatConfig is needed because fmt shows the bytes of a Secret behind a pointer
// when the verb does not fit.
func formatConfig(f fmt.State, a Algorithm, keyID string) {
	_, _ = fmt.Fprintf(f, "{%s %s %q}", a, secretHidden, keyID)
}

// hidden makes what it is embedded in show nothing of itself.
type hidden struct{}

// String shows nothing of the secret.
func (hidden) String() string { return secretHidden }

// GoString shows nothing of the secret.
func (hidden) GoString() string { return secretHidden }

// Format shows nothing of the secret, whatever the verb.
func (hidden) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(secretHidden)) }

// LogValue shows nothing of the secret.
func (hidden) LogValue() slog.Value { return slog.StringValue(secretHidden) }

// MarshalText shows nothing of the secret, in JSON and in other formats.
func (hidden) MarshalText() ([]byte, error) { return []byte(secretHidden), nil }
