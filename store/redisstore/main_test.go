package redisstore_test

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/store/redisstore"
)

// options of the test server; the test is skipped without one.
func options(tb testing.TB) *redis.Options {
	tb.Helper()
	url := os.Getenv("BANKRAIL_TEST_REDIS")
	if url == "" {
		tb.Skip("set BANKRAIL_TEST_REDIS to a redis:// URL to run this test")
	}
	opt, err := redis.ParseURL(url)
	require.NoError(tb, err)
	opt.ContextTimeoutEnabled = true
	return opt
}

// world is a store under a prefix of its own.
type world struct {
	*redisstore.Store
	client *redis.Client // the store's own
	raw    *redis.Client // to the server itself, whatever the store's client goes through
	prefix string
}

func open(tb testing.TB, cfg redisstore.Config) world {
	tb.Helper()
	opt := options(tb)
	return openVia(tb, opt, cfg)
}

func openVia(tb testing.TB, opt *redis.Options, cfg redisstore.Config) world {
	tb.Helper()
	raw := redis.NewClient(options(tb))
	client := redis.NewClient(opt)
	cfg.Prefix = "bankrail-test:" + rand.Text() + ":"
	s, err := redisstore.New(client, cfg)
	require.NoError(tb, err)
	w := world{s, client, raw, cfg.Prefix}
	tb.Cleanup(func() {
		if names := w.names(tb, ""); len(names) > 0 {
			require.NoError(tb, raw.Del(context.Background(), names...).Err())
		}
		_ = client.Close()
		_ = raw.Close()
	})
	return w
}

// names of the store's keys whose name begins with kind.
func (w world) names(tb testing.TB, kind string) []string {
	tb.Helper()
	var names []string
	it := w.raw.Scan(context.Background(), 0, w.prefix+kind+"*", 1000).Iterator()
	for it.Next(context.Background()) {
		names = append(names, it.Val())
	}
	require.NoError(tb, it.Err())
	return names
}

// only is the one key of a kind.
func (w world) only(tb testing.TB, kind string) string {
	tb.Helper()
	names := w.names(tb, kind)
	require.Len(tb, names, 1, kind)
	return names[0]
}

// eventually polls what only real time on the server brings about.
func eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	require.Eventually(tb, done, 10*time.Second, 2*time.Millisecond, what)
}

// faulty is a way to the server that can be cut and frozen.
type faulty struct {
	addr     string
	accepted atomic.Int64

	mu    sync.Mutex
	mode  mode
	turn  chan struct{} // closed when mode changes
	conns map[net.Conn]bool
}

type mode int

const (
	healthy mode = iota
	frozen       // takes what is sent and passes nothing on, either way
	mute         // passes on what is sent, keeps the answers
	cutting      // closes what there is and what comes
)

func newFaulty(tb testing.TB, server string) *faulty {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	f := &faulty{addr: ln.Addr().String(), turn: make(chan struct{}), conns: map[net.Conn]bool{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			f.accepted.Add(1)
			all.Go(func() { f.serve(c, server) })
		}
	})
	tb.Cleanup(func() {
		_ = ln.Close()
		f.set(cutting)
		all.Wait()
	})
	return f
}

func (f *faulty) set(m mode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mode = m
	close(f.turn)
	f.turn = make(chan struct{})
	if m == cutting {
		for c := range f.conns {
			_ = c.Close()
		}
	}
}

// track keeps a connection to be cut, unless it is to be cut now.
func (f *faulty) track(c net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns[c] = true
	if f.mode == cutting {
		_ = c.Close()
	}
	return f.mode != cutting
}

func (f *faulty) serve(c net.Conn, server string) {
	defer func() { _ = c.Close() }()
	up, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	if !f.track(c) || !f.track(up) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { f.pass(up, c, frozen) })
	both.Go(func() { f.pass(c, up, frozen, mute) })
	both.Wait()
}

func (f *faulty) pass(to, from net.Conn, held ...mode) {
	defer func() { _ = to.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !f.hold(held) {
			return
		}
		if _, werr := to.Write(buf[:n]); werr != nil || err == io.EOF || err != nil {
			return
		}
	}
}

// hold waits while one of the modes lasts, and reports whether to go on.
func (f *faulty) hold(held []mode) bool {
	for {
		f.mu.Lock()
		m, turn := f.mode, f.turn
		f.mu.Unlock()
		on := false
		for _, h := range held {
			on = on || h == m
		}
		if !on {
			return m != cutting
		}
		<-turn
	}
}

// through is a store whose client goes through a faulty way.
func through(tb testing.TB, cfg redisstore.Config) (world, *faulty) {
	tb.Helper()
	opt := options(tb)
	f := newFaulty(tb, opt.Addr)
	opt.Addr = f.addr
	return openVia(tb, opt, cfg), f
}
