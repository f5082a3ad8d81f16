//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package client

import (
	"net"
	"syscall"
)

// peeker looks at a connection's socket. It belongs to one connection and is used
// by one attempt at a time.
type peeker struct {
	rc   syscall.RawConn
	look func(fd uintptr)
	gone bool
}

func newPeeker(c net.Conn) *peeker {
	s, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	rc, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	p := &peeker{rc: rc}
	p.look = func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		p.gone = n > 0 || err == nil || err != syscall.EAGAIN && err != syscall.EINTR
	}
	return p
}

// stale reports whether an idle connection is closed, or has something to say
// unasked. net/http finds that out too, a moment later: without this look most
// requests of that moment are lost with an unknown effect.
func (p *peeker) stale() bool {
	if p == nil {
		return false
	}
	// Not Read, whose lock net/http's pending read holds.
	return p.rc.Control(p.look) != nil || p.gone
}
