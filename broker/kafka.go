package broker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bankrail/bankrail/journal"
	"github.com/twmb/franz-go/pkg/kgo"
)

// KafkaConfig configures a Kafka publisher. Its zero value works.
type KafkaConfig struct {
	// Topic takes all events. Defaults to "bankrail.events".
	Topic string
	// Timeout bounds one publish. Defaults to 5 s.
	Timeout time.Duration
}

// Kafka publishes to a topic. The key of a record is its entry, so that the events
// of one entry stay in one partition and in order. It is safe for concurrent use.
type Kafka struct {
	client *kgo.Client
	topic  string
	limit  time.Duration

	mu      sync.Mutex
	pending map[string]*delivery // by event
}

// delivery is a record that the client has and the broker has not acknowledged.
type delivery struct {
	done chan struct{}
	err  error // once done is closed
}

var _ journal.Publisher = (*Kafka)(nil)

// NewKafka returns a publisher over the host's own client.
//
// Errors: *bankrail.FieldError for a client that does not wait for all in-sync
// replicas, is not idempotent, is transactional, flushes by hand or does not
// partition by key.
func NewKafka(client *kgo.Client, cfg KafkaConfig) (*Kafka, error) {
	if client == nil {
		return nil, fmt.Errorf("broker: %w", bad("client", "required"))
	}
	limit, err := timeout(cfg.Timeout)
	if err == nil {
		err = inspect(client)
	}
	if err != nil {
		return nil, fmt.Errorf("broker: kafka: %w", err)
	}
	if cfg.Topic == "" {
		cfg.Topic = "bankrail.events"
	}
	return &Kafka{client: client, topic: cfg.Topic, limit: limit, pending: map[string]*delivery{}}, nil
}

// inspect refuses clients whose acknowledgement, or order, says too little.
func inspect(client *kgo.Client) error {
	if acks, ok := client.OptValue(kgo.RequiredAcks).(kgo.Acks); !ok || acks != kgo.AllISRAcks() {
		return bad("kgo.RequiredAcks", "want AllISRAcks: an event that one broker has is not safely there")
	}
	if off, ok := client.OptValue(kgo.DisableIdempotentWrite).(bool); !ok || off {
		return bad("kgo.DisableIdempotentWrite", "want idempotent writes: without them a retry may change the order")
	}
	if by, ok := client.OptValue(kgo.ManualFlushing).(bool); !ok || by {
		return bad("kgo.ManualFlushing", "want records to leave by themselves")
	}
	if id := client.OptValues(kgo.TransactionalID); len(id) == 2 && id[1] == true {
		return bad("kgo.TransactionalID", "want a client of its own: a record in a transaction that nobody commits is not there")
	}
	p, ok := client.OptValue(kgo.RecordPartitioner).(kgo.Partitioner)
	if !ok || !p.ForTopic("").RequiresConsistency(&kgo.Record{Key: []byte("k")}) {
		return bad("kgo.RecordPartitioner", "want one that goes by key, such as the default")
	}
	return nil
}

// Publish produces the event and waits until all in-sync replicas have it.
//
// A record that was on its way when the time was up cannot be called back; the client
// goes on with it, and a later Publish of the same event waits for that one instead
// of producing another.
//
// Errors: *Error; *bankrail.FieldError for an event that is none.
func (k *Kafka) Publish(ctx context.Context, e journal.Event) error {
	value, err := Encode(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, k.limit)
	defer cancel()
	d := k.deliver(ctx, e, value)
	select {
	case <-d.done:
		err = d.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return &Error{Broker: "kafka", Where: k.topic, Event: e.ID, Err: ended(ctx, err)}
	}
	return nil
}

// deliver hands the event to the client, unless it is there already.
func (k *Kafka) deliver(ctx context.Context, e journal.Event, value []byte) *delivery {
	k.mu.Lock()
	d, there := k.pending[e.ID]
	if !there {
		d = &delivery{done: make(chan struct{})}
		k.pending[e.ID] = d
	}
	k.mu.Unlock()
	if there {
		return d
	}
	// The buffer of the client may be full, which ctx bounds, and the client drops a
	// record by its context only while it certainly did not leave.
	k.client.Produce(ctx, &kgo.Record{
		Topic: k.topic, Key: []byte(e.Entry.String()), Value: value, Timestamp: e.At,
		Headers: []kgo.RecordHeader{
			{Key: "id", Value: []byte(e.ID)},
			{Key: "type", Value: []byte(e.Type)},
			{Key: "content-type", Value: []byte(ContentType)},
		},
	}, func(_ *kgo.Record, err error) {
		k.mu.Lock()
		delete(k.pending, e.ID)
		k.mu.Unlock()
		d.err = err
		close(d.done)
	})
	return d
}
