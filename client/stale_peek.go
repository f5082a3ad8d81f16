//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package client

import (
	"net"
	"syscall"
)

// stale reports whether an idle connection is closed, or has something to say
// unasked. net/http finds that out too, a moment later: without this look most
// requests of that moment are lost with an unknown effect.
func stale(c net.Conn) bool {
	s, ok := c.(syscall.Conn)
	if !ok {
		return false
	}
	rc, err := s.SyscallConn()
	if err != nil {
		return false
	}
	var gone bool
	err = rc.Control(func(fd uintptr) { // not Read, whose lock net/http's pending read holds
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		gone = n > 0 || err == nil || err != syscall.EAGAIN && err != syscall.EINTR
	})
	return gone || err != nil
}
