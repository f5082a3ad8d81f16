package broker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/bankrail/bankrail/journal"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// NATSConfig configures a NATS publisher. Its zero value works.
type NATSConfig struct {
	// Prefix begins every subject: Prefix.gateway.op.type. Defaults to "bankrail".
	Prefix string
	// Timeout bounds one publish, with the wait for the acknowledgement. Defaults to 5 s.
	Timeout time.Duration
	// AllowMemory accepts a stream that keeps its messages in memory, whose
	// acknowledgement does not mean that an event outlives the server. Defaults to false.
	AllowMemory bool
}

// NATS publishes to a JetStream stream. It is safe for concurrent use.
type NATS struct {
	js     jetstream.JetStream
	prefix string
	limit  time.Duration
}

var _ journal.Publisher = (*NATS)(nil)

// NewNATS returns a publisher over the host's own connection. The stream that
// listens on Prefix.> must exist; it is looked at once, here. Its Duplicates window
// should be longer than a broker outage usually lasts: within it the server drops
// copies by itself.
//
// Errors: *bankrail.FieldError for a stream that acknowledges nothing, keeps its
// messages in memory or listens on a part of the subjects; what NATS says where there
// is no stream.
func NewNATS(ctx context.Context, js jetstream.JetStream, cfg NATSConfig) (*NATS, error) {
	if js == nil {
		return nil, fmt.Errorf("broker: %w", bad("js", "required"))
	}
	limit, err := timeout(cfg.Timeout)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	p := &NATS{js: js, prefix: cfg.Prefix, limit: limit}
	if p.prefix == "" {
		p.prefix = "bankrail"
	}
	for _, token := range strings.Split(p.prefix, ".") {
		if token == "" || safe(token) != token {
			return nil, fmt.Errorf("broker: %w", bad("Config.Prefix", "want tokens of 0-9 A-Z a-z _ - joined by dots"))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := p.inspect(ctx, cfg.AllowMemory); err != nil {
		return nil, fmt.Errorf("broker: nats: stream of %s.>: %w", p.prefix, err)
	}
	return p, nil
}

// inspect refuses streams whose acknowledgement says too little. The look-up by
// Prefix.> finds only a stream with a subject that overlaps it.
func (p *NATS) inspect(ctx context.Context, memory bool) error {
	name, err := p.js.StreamNameBySubject(ctx, p.prefix+".>")
	if err != nil {
		return err
	}
	s, err := p.js.Stream(ctx, name)
	if err != nil {
		return err
	}
	cfg := s.CachedInfo().Config
	covered := false
	for _, subject := range cfg.Subjects {
		covered = covered || covers(subject, p.prefix)
	}
	switch {
	case !covered:
		return bad("stream.Subjects", fmt.Sprintf("want one that takes all of %s.>", p.prefix))
	case cfg.NoAck:
		return bad("stream.NoAck", "want acknowledgements: nothing else says that an event is there")
	case cfg.Storage == jetstream.MemoryStorage && !memory:
		return bad("stream.Storage", "want file storage, or Config.AllowMemory")
	}
	return nil
}

// covers reports whether a subject takes every event below prefix.
func covers(subject, prefix string) bool {
	s, want := strings.Split(subject, "."), append(strings.Split(prefix, "."), "*", "*", "*")
	for i, token := range s {
		switch {
		case token == ">":
			return i < len(want)
		case i >= len(want) || token != "*" && token != want[i]:
			return false
		}
	}
	return len(s) == len(want)
}

// Subject is where the event goes: Prefix.gateway.op.type. Characters other than
// 0-9 A-Z a-z _ - are written as %XX, so a correction's is …refund%2Ecorrection….
func (p *NATS) Subject(e journal.Event) string {
	return p.prefix + "." + safe(e.Entry.Gateway) + "." + safe(string(e.Entry.Op)) + "." + safe(string(e.Type))
}

// Publish sends the event with the header Nats-Msg-Id, by which the server drops
// copies, and waits for the acknowledgement. It does not send into a connection that
// is down: what the client would buffer then could arrive after newer events.
//
// Errors: *Error; *bankrail.FieldError for an event that is none.
func (p *NATS) Publish(ctx context.Context, e journal.Event) error {
	data, err := Encode(e)
	if err != nil {
		return err
	}
	m := nats.NewMsg(p.Subject(e))
	m.Data = data
	m.Header.Set(jetstream.MsgIDHeader, MessageID(e))
	m.Header.Set("Content-Type", ContentType)
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	if nc := p.js.Conn(); !nc.IsConnected() {
		err = nats.ErrDisconnected
	} else {
		_, err = p.js.PublishMsg(ctx, m)
	}
	if err != nil {
		return &Error{Broker: "nats", Where: m.Subject, Event: e.ID, Err: ended(ctx, err)}
	}
	return nil
}

// MessageID is the event's ID as a header can carry it: itself, or its digest where
// it is longer than 200 bytes or not of printable ASCII.
func MessageID(e journal.Event) string {
	plain := len(e.ID) <= 200
	for i := 0; i < len(e.ID) && plain; i++ {
		plain = e.ID[i] > ' ' && e.ID[i] < 0x7f
	}
	if plain {
		return e.ID
	}
	d := sha256.Sum256([]byte(e.ID))
	return "sha256:" + hex.EncodeToString(d[:])
}

// safe makes one token of a subject: no two strings make the same.
func safe(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '_' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
