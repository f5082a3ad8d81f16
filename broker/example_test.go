package broker_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/broker"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/memstore"
)

// A host of one process needs no broker.
func ExampleFunc() {
	ctx := context.Background()
	book := journal.New(memstore.New(memstore.Config{}), journal.Config{AllowVolatile: true, Logger: slog.New(slog.DiscardHandler)})
	id := bankrail.ID{Channel: bankrail.Channel{Gateway: "bank-sandbox", Merchant: "M1001"}, Op: bankrail.OpRefund, Number: "R1001"}
	_, err := book.Create(ctx, id, journal.NewFingerprint("12.34"), driver{ch: id.Channel}, func(context.Context) (journal.Draft, error) {
		return journal.Draft{Order: "O77", Amount: bankrail.CNY(1234), Queue: true}, nil
	})
	fmt.Println(err)
	n, err := book.Relay(ctx, broker.Func(func(_ context.Context, e journal.Event) error {
		fmt.Println(e.ID, e.Type, e.Amount)
		return nil // only when it is dealt with
	}), 100) // worker.Run calls it
	fmt.Println(n, err)
	// Output:
	// <nil>
	// bank-sandbox/M1001/refund/R1001#1 created 12.34 CNY
	// 1 <nil>
}

// What a consumer gets is what Encode wrote.
func ExampleDecode() {
	message, err := broker.Encode(event())
	fmt.Println(len(message) < broker.MaxSize, err)
	e, err := broker.Decode(message)
	fmt.Println(e.ID, e.Type, e.Settled, err)
	_, err = broker.Decode([]byte(`{"v":2}`))
	fmt.Println(err)
	// Output:
	// true <nil>
	// lanhai-production/M1001/refund/R1001#2 succeeded 12.34 CNY <nil>
	// broker: another version of the event format: 2, want 1
}

// The stream is the host's: made once, before the first publisher.
func ExampleNewNATS() {
	_ = func(ctx context.Context, js jetstream.JetStream) (*broker.NATS, error) {
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: "BANKRAIL", Subjects: []string{"bankrail.>"}, Storage: jetstream.FileStorage,
			Duplicates: time.Hour, Replicas: 3,
		})
		if err != nil {
			return nil, err
		}
		p, err := broker.NewNATS(ctx, js, broker.NATSConfig{})
		return p, err
	}
}

func ExampleNewKafka() {
	_ = func(brokers ...string) (*broker.Kafka, error) {
		cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...)) // all in-sync replicas, idempotent, by key: its defaults
		if err != nil {
			return nil, err
		}
		p, err := broker.NewKafka(cl, broker.KafkaConfig{Topic: "bankrail.events"})
		return p, err
	}
}

// A consumer of Kafka commits what it took, and nothing before.
func ExampleKafka_consumer() {
	_ = func(ctx context.Context, brokers []string, db *sql.DB, take func(context.Context, *sql.DB, []byte) error) error {
		cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("bankrail.events"),
			kgo.ConsumerGroup("balances"), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll())
		if err != nil {
			return err
		}
		defer cl.CloseAllowingRebalance()
		for {
			fetches := cl.PollRecords(ctx, 100)
			if err := fetches.Err0(); err != nil {
				return err
			}
			for _, r := range fetches.Records() {
				if err := take(ctx, db, r.Value); err != nil {
					return err // not committed: what restarts this begins here again
				}
			}
			if err := cl.CommitUncommittedOffsets(ctx); err != nil {
				log.Print(err) // they come again, and Once refuses them
			}
			cl.AllowRebalance()
		}
	}
}
