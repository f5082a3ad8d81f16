package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

const (
	// Version is the version of the format that Encode writes. Members may be added
	// within it; a change that an old consumer would misread raises it.
	Version = 1
	// MaxSize is the longest message that Encode writes and Decode reads, in bytes.
	MaxSize = 64 << 10
	// ContentType names the format in the headers of a message.
	ContentType = "application/vnd.bankrail.event+json; version=1"
)

// ErrVersion: the message has another version of the format. Update the consumer;
// do not acknowledge the message.
var ErrVersion = errors.New("broker: another version of the event format")

// message is an event as it travels. Amounts are minor units, at is UTC epoch
// milliseconds; an amount of no currency has none.
type message struct {
	V       int            `json:"v"`
	ID      string         `json:"id"`
	Type    string         `json:"type"`
	Entry   entry          `json:"entry"`
	Version int64          `json:"version"`
	Status  string         `json:"status"`
	Order   string         `json:"order,omitempty"`
	Amount  bankrail.Money `json:"amount"`
	Settled bankrail.Money `json:"settled"`
	At      int64          `json:"at"`
}

type entry struct {
	Gateway  string `json:"gateway"`
	Merchant string `json:"merchant"`
	Op       string `json:"op"`
	Number   string `json:"number"`
}

// Encode writes an event as JSON: the payload of a message. It holds no secret, and
// no more of a person than the order's number.
//
// Errors: *bankrail.FieldError for an event that Decode would not read back.
func Encode(e journal.Event) ([]byte, error) {
	status, err := e.Status.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	m := message{
		V: Version, ID: e.ID, Type: string(e.Type), Version: e.Version, Status: string(status), Order: e.Order,
		Entry:  entry{Gateway: e.Entry.Gateway, Merchant: e.Entry.Merchant, Op: string(e.Entry.Op), Number: e.Entry.Number},
		Amount: e.Amount, Settled: e.Settled, At: e.At.UnixMilli(),
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it is read by machines, and by people in logs
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	out := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(out) > MaxSize {
		return nil, fmt.Errorf("broker: %w", bad("event", fmt.Sprintf("is %d bytes long, at most %d are read back", len(out), MaxSize)))
	}
	return out, nil
}

// Decode reads what Encode wrote, for consumers. Members it does not know are
// skipped: they are news of a later release.
//
// Errors: ErrVersion, *bankrail.FieldError for everything that is no event.
func Decode(b []byte) (journal.Event, error) {
	if len(b) > MaxSize {
		return journal.Event{}, fmt.Errorf("broker: %w", bad("message", fmt.Sprintf("is %d bytes long, want at most %d", len(b), MaxSize)))
	}
	var v struct {
		V int `json:"v"`
	}
	if err := only(b, &v); err != nil {
		return journal.Event{}, err
	}
	if v.V != Version {
		return journal.Event{}, fmt.Errorf("%w: %d, want %d", ErrVersion, v.V, Version)
	}
	var m message
	if err := only(b, &m); err != nil {
		return journal.Event{}, err
	}
	if err := m.check(); err != nil {
		return journal.Event{}, fmt.Errorf("broker: %w", err)
	}
	e := journal.Event{
		ID: m.ID, Type: journal.EventType(m.Type), Version: m.Version, Order: m.Order,
		Entry: bankrail.ID{
			Channel: bankrail.Channel{Gateway: m.Entry.Gateway, Merchant: m.Entry.Merchant},
			Op:      bankrail.Op(m.Entry.Op), Number: m.Entry.Number,
		},
		Amount: m.Amount, Settled: m.Settled, At: time.UnixMilli(m.At).UTC(),
	}
	if err := e.Status.UnmarshalText([]byte(m.Status)); err != nil {
		return journal.Event{}, fmt.Errorf("broker: %w", err)
	}
	return e, nil
}

// only reads one JSON value and nothing after it.
func only(b []byte, into any) error {
	if !utf8.Valid(b) {
		return fmt.Errorf("broker: %w", bad("message", "want UTF-8"))
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(into); err != nil {
		var field *bankrail.FieldError
		if errors.As(err, &field) {
			return fmt.Errorf("broker: %w", field)
		}
		return fmt.Errorf("broker: %w", &bankrail.FieldError{Field: "message", Problem: "want the JSON of one event", Err: err})
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("broker: %w", bad("message", "goes on after the event"))
	}
	return nil
}

// check finds what an event cannot lack, and what JSON would not give back.
func (m *message) check() error {
	for _, f := range []struct{ name, value string }{
		{"id", m.ID}, {"type", m.Type}, {"entry.gateway", m.Entry.Gateway}, {"entry.merchant", m.Entry.Merchant},
		{"entry.op", m.Entry.Op}, {"entry.number", m.Entry.Number}, {"status", m.Status},
	} {
		if f.value == "" {
			return bad(f.name, "required")
		}
		if !utf8.ValidString(f.value) {
			return bad(f.name, "want UTF-8")
		}
	}
	if !utf8.ValidString(m.Order) {
		return bad("order", "want UTF-8")
	}
	if m.Version < 1 {
		return bad("version", fmt.Sprintf("want 1 or more, is %d", m.Version))
	}
	return nil
}
