// Package faultproxy puts a wire that can fail in front of a server, for tests:
//
//	p, err := faultproxy.Start("127.0.0.1:5432")
//	defer p.Close()
//	// the client connects to p.Addr()
//	p.CutAfter(faultproxy.Down, 1) // the answer to what is asked next is lost
//
// It carries bytes and understands none of them. It is not for production.
package faultproxy

import (
	"errors"
	"net"
	"sync"
	"time"
)

// Direction says which way bytes go.
type Direction int

// The directions.
const (
	Up   Direction = iota // from the client to the server
	Down                  // from the server to the client
)

// Proxy is a TCP proxy with switches. It is safe for concurrent use.
type Proxy struct {
	server   string
	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	turned  chan struct{} // closed and made anew at every change of what follows
	closed  bool
	cut     bool
	wire    [2]wire
	conns   map[*conn]struct{}
	carried [2]int64
}

// wire is one direction of all connections.
type wire struct {
	frozen bool
	delay  time.Duration
	left   int64 // what is carried before all is cut, where counts
	counts bool
}

// conn is a client and its connection to the server.
type conn struct{ client, server net.Conn }

// Start carries connections to server ("host:port") from a port of its own on
// loopback, until Close.
func Start(server string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{server: server, listener: l, turned: make(chan struct{}), conns: map[*conn]struct{}{}}
	p.wg.Go(p.accept)
	return p, nil
}

// Addr is where clients connect to: "127.0.0.1:port".
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut resets every connection, and every new one as soon as it comes, until Heal.
func (p *Proxy) Cut() {
	p.turn(func() { p.cutAll() })
}

// Freeze lets connections stand, and new ones be made, and carries nothing in the
// given directions, both where none is given, until Heal. Nothing is lost by it.
func (p *Proxy) Freeze(directions ...Direction) {
	p.each(directions, func(w *wire) { w.frozen = true })
}

// Delay holds every piece back for d in the given directions, both where none is
// given, until Heal.
func (p *Proxy) Delay(d time.Duration, directions ...Direction) {
	p.each(directions, func(w *wire) { w.delay = d })
}

// CutAfter carries n more bytes in that direction, all connections together, drops
// what follows, and cuts: with n 0, what comes next is lost and nobody knows whether
// its sender got it out. Until Heal.
func (p *Proxy) CutAfter(d Direction, n int64) {
	p.turn(func() { p.wire[d].left, p.wire[d].counts = n, true })
}

// Heal undoes all switches. Connections that were cut stay cut.
func (p *Proxy) Heal() {
	p.turn(func() { p.cut, p.wire = p.closed, [2]wire{} })
}

// Carried is how many bytes went through in a direction so far.
func (p *Proxy) Carried(d Direction) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.carried[d]
}

// Connections is how many stand.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// Close cuts everything and returns when no goroutine is left.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.turn(func() {
		p.closed = true
		p.cutAll()
	})
	p.wg.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// turn changes the switches and tells who waits for that.
func (p *Proxy) turn(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.turned)
	p.turned = make(chan struct{})
}

func (p *Proxy) each(directions []Direction, f func(*wire)) {
	if len(directions) == 0 {
		directions = []Direction{Up, Down}
	}
	p.turn(func() {
		for _, d := range directions {
			f(&p.wire[d])
		}
	})
}

// cutAll resets all connections. Needs p.mu.
func (p *Proxy) cutAll() {
	p.cut = true
	for c := range p.conns {
		c.reset()
	}
}

// reset ends a connection without a farewell, as a box in between does that has
// forgotten it.
func (c *conn) reset() {
	for _, one := range []net.Conn{c.client, c.server} {
		if t, ok := one.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		_ = one.Close()
	}
}
