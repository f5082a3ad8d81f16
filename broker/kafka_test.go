package broker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/broker"
	"github.com/bankrail/bankrail/journal"
)

const topic = "bankrail.events"

func cluster(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, topic))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func dial(t *testing.T, c *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// consume reads n records of all partitions.
func consume(t *testing.T, c *kfake.Cluster, n int) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cl := dial(t, c, kgo.ConsumeTopics(topic))
	var out []*kgo.Record
	for len(out) < n {
		fs := cl.PollFetches(ctx)
		require.NoError(t, fs.Err())
		out = append(out, fs.Records()...)
	}
	return out
}

func TestKafkaKeepsAnEntryInOnePartition(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	p, err := broker.NewKafka(dial(t, c), broker.KafkaConfig{})
	require.NoError(t, err)
	h := newHost("M1")
	h.refunds(t, 20)
	n := h.relay(t, forgetful(p))
	require.GreaterOrEqual(t, n, 40)
	records := consume(t, c, n+n/3-1)
	require.Greater(t, len(records), n, "events whose acknowledgement was lost came again")
	var seen []journal.Event
	home, used := map[bankrail.ID]int32{}, map[int32]bool{}
	for _, r := range records {
		e, err := broker.Decode(r.Value)
		require.NoError(t, err)
		seen = append(seen, e)
		if _, known := home[e.Entry]; !known {
			home[e.Entry] = r.Partition
		}
		require.Equal(t, home[e.Entry], r.Partition)
		require.Equal(t, e.Entry.String(), string(r.Key))
		require.Equal(t, []kgo.RecordHeader{
			{Key: "id", Value: []byte(e.ID)}, {Key: "type", Value: []byte(e.Type)},
			{Key: "content-type", Value: []byte(broker.ContentType)},
		}, r.Headers)
		used[r.Partition] = true
	}
	require.Greater(t, len(used), 1, "not all in one")
	h.complete(t, 20, n, seen)
}

// refuse answers every produce request with an error of the broker.
func refuse(c *kfake.Cluster, code int16) {
	c.ControlKey(kmsg.Produce.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		r := req.(*kmsg.ProduceRequest)
		resp := r.ResponseKind().(*kmsg.ProduceResponse)
		for _, rt := range r.Topics {
			st := kmsg.NewProduceResponseTopic()
			st.Topic, st.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				sp := kmsg.NewProduceResponseTopicPartition()
				sp.Partition, sp.ErrorCode = rp.Partition, code
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
}

func TestKafkaSaysWhatTheBrokerSays(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	refuse(c, kerr.TopicAuthorizationFailed.Code)
	p, err := broker.NewKafka(dial(t, c), broker.KafkaConfig{})
	require.NoError(t, err)
	err = p.Publish(t.Context(), event())
	require.ErrorIs(t, err, kerr.TopicAuthorizationFailed)
	var e *broker.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, []string{"kafka", topic, event().ID}, []string{e.Broker, e.Where, e.Event})
}

// A record that left cannot be called back: the next try waits for it, and there is
// one of it in the end.
func TestKafkaDoesNotPileUpWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	gate, arrived := make(chan struct{}), make(chan struct{}, 16)
	c.ControlKey(kmsg.Produce.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		arrived <- struct{}{}
		c.SleepControl(func() { <-gate })
		return nil, nil, false
	})
	p, err := broker.NewKafka(dial(t, c), broker.KafkaConfig{Timeout: 300 * time.Millisecond})
	require.NoError(t, err)
	for range 3 {
		err = p.Publish(t.Context(), event())
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	require.Len(t, arrived, 1)
	close(gate)
	require.Eventually(t, func() bool { return p.Publish(t.Context(), event()) == nil }, 10*time.Second, time.Millisecond)
	last := event()
	last.ID, last.Version = "last", 3
	require.NoError(t, p.Publish(t.Context(), last))
	got := consume(t, c, 2)
	require.LessOrEqual(t, len(got), 3, "three tries, one record; one more where it had arrived by the fourth")
}

func TestKafkaRefusesClientsThatPromiseLess(t *testing.T) {
	t.Parallel()
	for field, opts := range map[string][]kgo.Opt{
		"kgo.RequiredAcks":           {kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()},
		"kgo.DisableIdempotentWrite": {kgo.DisableIdempotentWrite()},
		"kgo.ManualFlushing":         {kgo.ManualFlushing()},
		"kgo.TransactionalID":        {kgo.TransactionalID("t")},
		"kgo.RecordPartitioner":      {kgo.RecordPartitioner(kgo.RoundRobinPartitioner())},
	} {
		cl, err := kgo.NewClient(opts...)
		require.NoError(t, err)
		t.Cleanup(cl.Close)
		_, err = broker.NewKafka(cl, broker.KafkaConfig{})
		var f *bankrail.FieldError
		require.ErrorAs(t, err, &f, field)
		require.Equal(t, field, f.Field)
	}
	_, err := broker.NewKafka(nil, broker.KafkaConfig{})
	require.ErrorIs(t, err, bankrail.ErrInvalid)
	cl, err := kgo.NewClient()
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	_, err = broker.NewKafka(cl, broker.KafkaConfig{Timeout: -1})
	require.ErrorIs(t, err, bankrail.ErrInvalid)
	p, err := broker.NewKafka(cl, broker.KafkaConfig{})
	require.NoError(t, err)
	require.ErrorIs(t, p.Publish(t.Context(), journal.Event{}), bankrail.ErrInvalid)
}
