package envelope

import (
	"fmt"
	"log/slog"
)

// hiddenText is all that is ever shown of a value that holds a key.
const hiddenText = "[envelope key]"

// hidden, embedded, keeps a value that holds a key out of logs. Keys stand behind a
// pointer besides, because fmt asks unexported fields of other people's structs for
// nothing.
type hidden struct{}

// String shows nothing of the key.
func (hidden) String() string { return hiddenText }

// GoString shows nothing of the key.
func (hidden) GoString() string { return hiddenText }

// Format shows nothing of the key, whatever the verb.
func (hidden) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hiddenText)) }

// LogValue shows nothing of the key.
func (hidden) LogValue() slog.Value { return slog.StringValue(hiddenText) }

// MarshalJSON shows nothing of the key.
func (hidden) MarshalJSON() ([]byte, error) { return []byte(`"` + hiddenText + `"`), nil }
