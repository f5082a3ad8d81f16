package client_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bankrail/bankrail"
	"github.com/stretchr/testify/require"
)

// proxy is one that opens tunnels, and tells what was asked.
func proxy(t *testing.T, asked chan<- string, answer string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw(t, func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		asked <- r.Method + " " + r.RequestURI + " " + r.Header.Get("Proxy-Authorization")
		if answer != "" {
			_, _ = io.WriteString(c, answer)
			return
		}
		up, err := net.Dial("tcp", r.RequestURI)
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(up, c); _ = up.(*net.TCPConn).CloseWrite() }()
		_, _ = io.Copy(c, up)
		_ = up.Close()
	}))
	require.NoError(t, err)
	u.User = url.UserPassword("host", "canary")
	return u
}

func TestProxyOpensATunnel(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){"http": (*httptest.Server).Start, "https": (*httptest.Server).StartTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				reply(w, 200, r.RequestURI+r.Header.Get("Proxy-Authorization"))
			}))
			start(s)
			defer s.Close()
			asked := make(chan string, 9)
			cfg := config(s.URL)
			cfg.Proxy = proxy(t, asked, "")
			if s.Certificate() != nil {
				cfg.RootCAs = trusted(s.Certificate())
			}
			c := open(t, cfg)
			for range 2 {
				a, err := c.Do(t.Context(), post)
				require.NoError(t, err)
				require.Equal(t, "/refund", string(a.Body))
			}
			c.Close()
			require.Equal(t, "CONNECT "+s.Listener.Addr().String()+" Basic aG9zdDpjYW5hcnk=", <-asked)
			require.Empty(t, asked, "the tunnel is kept")
		})
	}
}

func TestProxyThatOpensNone(t *testing.T) {
	t.Parallel()
	for answer, text := range map[string]string{
		"HTTP/1.1 407 canary\r\nContent-Length: 0\r\n\r\n": "proxy: http status 407",
		"canary\r\n\r\n":                       "proxy: unreadable answer: malformed",
		"HTTP/1.1 200 OK\r\n\r\nearly canary":  "proxy: bytes after its answer",
		"HTTP/1.1 200 OK\r\nX: " + long + "\r": "proxy: unreadable answer: answer too large",
	} {
		cfg := config("http://bank.test")
		cfg.Proxy, cfg.Retries = proxy(t, make(chan string, 1), answer), -1
		_, err := open(t, cfg).Do(t.Context(), post)
		require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
		require.EqualError(t, err, "testbank: refund: not sent: "+text)
	}
}

var long = strings.Repeat("x", 32<<10)

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	t.Setenv("NO_PROXY", "")
	_, err := open(t, config("http://bank.invalid:81")).Do(t.Context(), post)
	require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
	require.NotContains(t, err.Error(), "127.0.0.1:1:")
	var dns *net.DNSError
	require.ErrorAs(t, err, &dns)
}
