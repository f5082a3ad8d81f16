package faultproxy

import (
	"net"
	"time"
)

// dialTimeout bounds how long a client waits for the server behind.
const dialTimeout = 5 * time.Second

// accept takes clients until the listener is closed.
func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

// serve carries one connection in both directions until one of them ends.
func (p *Proxy) serve(client net.Conn) {
	if p.isCut() {
		(&conn{client: client}).resetClient()
		return
	}
	server, err := net.DialTimeout("tcp", p.server, dialTimeout)
	if err != nil {
		(&conn{client: client}).resetClient()
		return
	}
	c := &conn{client, server}
	p.mu.Lock()
	p.conns[c] = struct{}{}
	cut := p.cut
	p.mu.Unlock()
	if cut { // meanwhile
		c.reset()
	}
	done := make(chan struct{})
	p.wg.Go(func() {
		defer close(done)
		p.carry(c, Up, client, server)
	})
	p.carry(c, Down, server, client)
	<-done
	c.reset()
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
}

func (c *conn) resetClient() {
	if t, ok := c.client.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.client.Close()
}

func (p *Proxy) isCut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut
}

// carry moves bytes one way. When its source ends, its target hears that; the other
// way may go on.
func (p *Proxy) carry(c *conn, d Direction, from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !p.pass(c, d, to, buf[:n]) {
			return
		}
		if err != nil {
			if t, ok := to.(*net.TCPConn); ok {
				_ = t.CloseWrite()
			}
			return
		}
	}
}

// pass lets a piece through as the switches say; false where the connection is cut.
func (p *Proxy) pass(c *conn, d Direction, to net.Conn, b []byte) bool {
	if !p.wait(c, d) {
		return false
	}
	p.mu.Lock()
	w := &p.wire[d]
	cut := w.counts && int64(len(b)) > w.left
	if cut {
		b = b[:w.left]
	}
	if w.counts {
		w.left -= int64(len(b))
	}
	p.carried[d] += int64(len(b))
	p.mu.Unlock()
	_, err := to.Write(b)
	if cut {
		p.turn(p.cutAll)
	}
	return err == nil && !cut
}

// wait holds a piece back while its direction is frozen, and for its delay; false
// where the connection was cut meanwhile.
func (p *Proxy) wait(c *conn, d Direction) bool {
	since := time.Now()
	for {
		p.mu.Lock()
		w, turned := p.wire[d], p.turned
		_, stands := p.conns[c]
		stands = stands && !p.cut
		p.mu.Unlock()
		left := w.delay - time.Since(since)
		switch {
		case !stands:
			return false
		case w.frozen:
			<-turned
		case left <= 0:
			return true
		default:
			t := time.NewTimer(left)
			select {
			case <-t.C:
			case <-turned:
				t.Stop()
			}
		}
	}
}
