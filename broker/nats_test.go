package broker_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/broker"
	"github.com/bankrail/bankrail/journal"
)

// server is the NATS server of the tests.
func server(t *testing.T) string {
	t.Helper()
	url := os.Getenv("BANKRAIL_TEST_NATS")
	if url == "" {
		t.Skip("set BANKRAIL_TEST_NATS to the URL of a NATS server with JetStream to run this test")
	}
	return url
}

func connect(t *testing.T, url string, opts ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, opts...)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js
}

// stream makes a stream of this test's own and returns the prefix of its subjects.
func stream(t *testing.T, js jetstream.JetStream, change func(*jetstream.StreamConfig)) (prefix string, s jetstream.Stream) {
	t.Helper()
	name := strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()) + fmt.Sprint("-", time.Now().UnixNano())
	cfg := jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, Duplicates: time.Minute}
	if change != nil {
		change(&cfg)
	}
	s, err := js.CreateStream(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		require.NoError(t, js.DeleteStream(ctx, name))
	})
	return name, s
}

// stored reads all messages of a stream in order.
func stored(t *testing.T, s jetstream.Stream) []jetstream.Msg {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	info, err := s.Info(ctx)
	require.NoError(t, err)
	c, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	require.NoError(t, err)
	var out []jetstream.Msg
	for len(out) < int(info.State.Msgs) {
		m, err := c.Next(jetstream.FetchMaxWait(5 * time.Second))
		require.NoError(t, err)
		out = append(out, m)
	}
	return out
}

func TestNATSKeepsTheOrderAndDropsCopies(t *testing.T) {
	t.Parallel()
	js := connect(t, server(t))
	prefix, s := stream(t, js, nil)
	p, err := broker.NewNATS(t.Context(), js, broker.NATSConfig{Prefix: prefix})
	require.NoError(t, err)
	h := newHost("M1")
	h.refunds(t, 20)
	n := h.relay(t, forgetful(p))
	require.GreaterOrEqual(t, n, 40)
	msgs := stored(t, s)
	require.Len(t, msgs, n, "what was published again is there once")
	var seen []journal.Event
	for _, m := range msgs {
		e, err := broker.Decode(m.Data())
		require.NoError(t, err)
		seen = append(seen, e)
		require.Equal(t, p.Subject(e), m.Subject())
		require.Equal(t, e.ID, m.Headers().Get("Nats-Msg-Id"))
		require.Equal(t, broker.ContentType, m.Headers().Get("Content-Type"))
	}
	h.complete(t, 20, n, seen)
	e := event()
	require.Equal(t, prefix+".lanhai-production.refund.succeeded", p.Subject(e))
	e.Entry.Gateway, e.Entry.Op, e.Type = "a.b>*", e.Entry.Op.Correction(), journal.EventLateSuccess
	require.Equal(t, prefix+".a%2Eb%3E%2A.refund%2Ecorrection.late_success", p.Subject(e))
	require.NoError(t, p.Publish(t.Context(), e))
}

func TestNATSWithoutItsServer(t *testing.T) {
	t.Parallel()
	direct := connect(t, server(t))
	prefix, s := stream(t, direct, nil)
	link := open(t, strings.TrimPrefix(server(t), "nats://"))
	lost, back := make(chan struct{}, 8), make(chan struct{}, 8)
	js := connect(t, "nats://"+link.Addr().String(), nats.MaxReconnects(-1), nats.ReconnectWait(5*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.DisconnectErrHandler(func(*nats.Conn, error) { lost <- struct{}{} }), nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	p, err := broker.NewNATS(t.Context(), js, broker.NATSConfig{Prefix: prefix, Timeout: 300 * time.Millisecond})
	require.NoError(t, err)
	require.NoError(t, p.Publish(t.Context(), event()))

	// The event arrives and its acknowledgement does not.
	link.deaf(true)
	second := event()
	second.ID, second.Version = "second", 3
	err = p.Publish(t.Context(), second)
	var e *broker.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "second", e.Event)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	// The server is gone: an error at once, and nothing kept for later.
	link.cut()
	<-lost
	third := event()
	third.ID, third.Version = "third", 4
	require.ErrorIs(t, p.Publish(t.Context(), third), nats.ErrDisconnected)

	link.deaf(false)
	link.mend()
	<-back
	require.NoError(t, p.Publish(t.Context(), second))
	msgs := stored(t, s)
	require.Len(t, msgs, 2, "the second once, the third never")
	require.Equal(t, "second", msgs[1].Headers().Get("Nats-Msg-Id"))
}

func TestNATSRefusesStreamsThatPromiseLess(t *testing.T) {
	t.Parallel()
	js := connect(t, server(t))
	for name, tc := range map[string]struct {
		change func(*jetstream.StreamConfig)
		field  string
	}{
		"no-ack":     {func(c *jetstream.StreamConfig) { c.NoAck = true }, "stream.NoAck"},
		"memory":     {func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "stream.Storage"},
		"a-part":     {func(c *jetstream.StreamConfig) { c.Subjects = []string{c.Name + ".test-sandbox.>"} }, "stream.Subjects"},
		"three-deep": {func(c *jetstream.StreamConfig) { c.Subjects = []string{c.Name + ".*.*.*"} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prefix, _ := stream(t, js, tc.change)
			_, err := broker.NewNATS(t.Context(), js, broker.NATSConfig{Prefix: prefix})
			if tc.field == "" {
				require.NoError(t, err)
				return
			}
			var f *bankrail.FieldError
			require.ErrorAs(t, err, &f)
			require.Equal(t, tc.field, f.Field)
			if name == "memory" {
				_, err = broker.NewNATS(t.Context(), js, broker.NATSConfig{Prefix: prefix, AllowMemory: true})
				require.NoError(t, err)
			}
		})
	}
	_, err := broker.NewNATS(t.Context(), js, broker.NATSConfig{Prefix: "no-such-stream-here"})
	require.ErrorIs(t, err, jetstream.ErrStreamNotFound)
}

func TestNATSConfigurations(t *testing.T) {
	t.Parallel()
	_, err := broker.NewNATS(t.Context(), nil, broker.NATSConfig{})
	require.ErrorIs(t, err, bankrail.ErrInvalid)
	nc := &nats.Conn{}
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	for _, cfg := range []broker.NATSConfig{{Timeout: -1}, {Prefix: "a..b"}, {Prefix: "a.>"}, {Prefix: "银行"}, {Prefix: "a b"}} {
		_, err = broker.NewNATS(t.Context(), js, cfg)
		require.ErrorIs(t, err, bankrail.ErrInvalid, "%+v", cfg)
	}
}

func TestSubjectsAndNumbersOfMessages(t *testing.T) {
	t.Parallel()
	e := event()
	require.Equal(t, e.ID, broker.MessageID(e))
	seen := map[string]bool{}
	for _, id := range []string{"退款", "a b", "a\r\nNats-TTL: 1s", strings.Repeat("x", 201)} {
		e.ID = id
		got := broker.MessageID(e)
		require.Regexp(t, "^sha256:[0-9a-f]{64}$", got)
		require.False(t, seen[got])
		seen[got] = true
	}
}

// link is a TCP proxy whose far side a test can make deaf, cut and mend.
type link struct {
	net.Listener
	to string

	mu    sync.Mutex
	mute  bool // what the server says is dropped
	down  bool
	conns []net.Conn
}

func open(t *testing.T, to string) *link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &link{Listener: l, to: to}
	var wg sync.WaitGroup
	wg.Go(func() { p.accept(&wg) })
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		wg.Wait()
	})
	return p
}

func (p *link) accept(wg *sync.WaitGroup) {
	for {
		near, err := p.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.to)
		p.mu.Lock()
		if err != nil || p.down {
			_ = near.Close()
			if err == nil {
				_ = far.Close()
			}
			p.mu.Unlock()
			continue
		}
		p.conns = append(p.conns, near, far)
		p.mu.Unlock()
		wg.Go(func() { _, _ = io.Copy(far, near); _ = far.Close() })
		wg.Go(func() { _, _ = io.Copy(&ear{p, near}, far); _ = near.Close() })
	}
}

// ear hears the server, unless it is deaf.
type ear struct {
	p  *link
	to net.Conn
}

func (e *ear) Write(b []byte) (int, error) {
	e.p.mu.Lock()
	mute := e.p.mute
	e.p.mu.Unlock()
	if mute {
		return len(b), nil
	}
	return e.to.Write(b)
}

func (p *link) deaf(yes bool) { p.mu.Lock(); p.mute = yes; p.mu.Unlock() }
func (p *link) mend()         { p.mu.Lock(); p.down = false; p.mu.Unlock() }

func (p *link) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}
