package client

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// tunnel asks the proxy for a way to addr, also for an http base URL, so that a
// proxy never sees a request to keep or to repeat.
func (d *dialer) tunnel(ctx context.Context, nd *net.Dialer, addr string) (net.Conn, error) {
	proxy := d.cfg.Proxy
	host := proxy.Host
	if proxy.Port() == "" {
		host = net.JoinHostPort(proxy.Hostname(), "80")
	}
	raw, err := nd.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, cause(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	err = connect(raw, addr, proxy.User)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = raw.Close()
		return nil, cause(ctx, err)
	}
	return raw, nil
}

// connect speaks CONNECT. What follows the proxy's answer belongs to the peer,
// which does not speak first in HTTP or TLS.
func connect(raw net.Conn, addr string, user *url.Userinfo) error {
	r := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if user != nil {
		pass, _ := user.Password()
		r.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+pass)))
	}
	if err := r.Write(raw); err != nil {
		return err
	}
	// Small enough that a proxy cannot send headers without end.
	br := bufio.NewReader(&boundedReader{r: raw, left: 16 << 10})
	resp, err := http.ReadResponse(br, r)
	if err != nil {
		return fmt.Errorf("proxy: unreadable answer: %w", hide(err))
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("proxy: http status %d", resp.StatusCode)
	}
	if br.Buffered() > 0 {
		return fmt.Errorf("proxy: bytes after its answer")
	}
	return nil
}
