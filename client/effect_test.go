package client_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/stretchr/testify/require"
)

// raw starts a server that speaks whatever it likes, once per connection.
func raw(t *testing.T, speak func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			speak(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "http://" + l.Addr().String()
}

// request reads one request with a body of known length.
func request(c net.Conn) {
	var b []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(b, post.Body) {
		n, err := c.Read(buf)
		b = append(b, buf[:n]...)
		if err != nil {
			return
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	const canary = "canary-6217"
	raws := func(answer string) func(*testing.T) string {
		return func(t *testing.T) string {
			return raw(t, func(c net.Conn) {
				request(c)
				_, _ = io.WriteString(c, answer)
			})
		}
	}
	handler := func(h http.HandlerFunc) func(*testing.T) string {
		return func(t *testing.T) string { return serve(t, h).URL }
	}
	for name, tc := range map[string]struct {
		url    func(*testing.T) string
		status int
		is     error
		text   string
	}{
		"HTML with 200": {handler(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<html>"+canary)
		}), 200, errBadSignature, "answer does not verify: signature does not fit"},
		"unsigned refusal": {handler(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, canary, 400)
		}), 400, errBadSignature, "answer does not verify: signature does not fit"},
		"redirect": {handler(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere?"+canary, http.StatusTemporaryRedirect)
		}), 307, nil, "redirect or interim status instead of an answer"},
		"redirect to nowhere":   {raws("HTTP/1.1 302 Found\r\nLocation: :" + canary + "\r\nContent-Length: 0\r\n\r\n"), 302, nil, "redirect or interim status instead of an answer"},
		"switching protocols":   {raws("HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + canary + "\r\nConnection: upgrade\r\n\r\n"), 101, nil, "redirect or interim status instead of an answer"},
		"garbage":               {raws(canary + " not http\r\n\r\n"), 0, nil, "unreadable answer"},
		"garbage in headers":    {raws("HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n"), 0, nil, "unreadable answer"},
		"garbage as the length": {raws("HTTP/1.1 200 OK\r\nContent-Length: " + canary + "\r\n\r\n"), 0, nil, "unreadable answer"},
		"headers without end":   {raws("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+canary+"\r\n", 20000) + "\r\n"), 0, nil, "unreadable answer"},
		"nothing":               {raws(""), 0, io.EOF, "EOF"},
		"body cut in the middle": {raws("HTTP/1.1 200 OK\r\nSignature: theirs\r\nContent-Length: 100\r\n\r\n" + canary),
			200, io.ErrUnexpectedEOF, "unexpected EOF"},
		"chunk cut in the middle": {raws("HTTP/1.1 200 OK\r\nSignature: theirs\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + canary),
			200, io.ErrUnexpectedEOF, "unexpected EOF"},
		"body too long by announcement": {raws("HTTP/1.1 200 OK\r\nSignature: theirs\r\nContent-Length: 1048577\r\n\r\n" + canary),
			200, nil, "answer too large: 1048577 bytes announced, 1048576 allowed"},
		"64 MiB without announcement": {handler(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Signature", "theirs")
			chunk := bytes.Repeat([]byte("x"), 1<<20)
			for range 64 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}), 200, nil, "answer too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, config(tc.url(t)))
			a, err := c.Do(t.Context(), post)
			require.Nil(t, a)
			e := failed(t, err)
			require.Equal(t, bankrail.Unknown, e.Effect)
			require.Equal(t, tc.status, e.HTTPStatus)
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
			}
			require.Equal(t, "testbank: refund: "+tc.text, err.Error())
			require.NotContains(t, err.Error(), canary)
		})
	}
}

func TestResetAfterHalfABody(t *testing.T) {
	t.Parallel()
	c := open(t, config(raw(t, func(c net.Conn) {
		request(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nSignature: theirs\r\nContent-Length: 100\r\n\r\nhalf")
		_ = c.(*net.TCPConn).SetLinger(0)
	})))
	_, err := c.Do(t.Context(), post)
	require.Equal(t, bankrail.Unknown, failed(t, err).Effect)
	require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
}

func TestVerifiedAnswersOfAnyStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 202, 400, 401, 404, 429, 500, 503} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { reply(w, status, "said") })
		a, err := open(t, config(s.URL)).Do(t.Context(), post)
		require.NoError(t, err)
		require.Equal(t, status, a.HTTPStatus)
		require.Equal(t, "said", string(a.Body))
	}
}

func TestAnswerOfExactlyTheLimit(t *testing.T) {
	t.Parallel()
	for name, announced := range map[string]bool{"announced": true, "chunked": false} {
		for extra, fits := range map[int]bool{-1: true, 0: true, 1: false} {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				body := strings.Repeat("x", 5000+extra)
				w.Header().Set("Signature", "theirs")
				if !announced {
					_, _ = io.WriteString(w, body[:1])
					w.(http.Flusher).Flush()
					body = body[1:]
				}
				_, _ = io.WriteString(w, body)
			})
			cfg := config(s.URL)
			cfg.MaxAnswer = 5000
			a, err := open(t, cfg).Do(t.Context(), post)
			require.Equal(t, fits, err == nil, "%s %+d: %v", name, extra, err)
			if fits {
				require.Len(t, a.Body, 5000+extra)
			}
		}
	}
}

func TestBytesAreVerifiedAsTheyCame(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, strings.Repeat("0", 1<<20))
	require.NoError(t, z.Close())
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		reply(w, 200, packed.String())
	})
	cfg := config(s.URL)
	cfg.MaxAnswer = int64(packed.Len())
	a, err := open(t, cfg).Do(t.Context(), post)
	require.NoError(t, err)
	require.Equal(t, packed.Bytes(), a.Body)
}

func TestVerifyThatPanicsIsUnknown(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, "") })
	cfg := config(s.URL)
	cfg.Dialect = dialect{verified: func(a *client.Answer) error { _ = a.Body[7]; return nil }}
	_, err := open(t, cfg).Do(t.Context(), post)
	require.Equal(t, bankrail.Unknown, failed(t, err).Effect)
	require.EqualError(t, err, "testbank: refund: answer does not verify: verifying panicked")
}

func TestReadTimeout(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]string{
		"no answer":      "",
		"slow headers":   "HTTP/1.1 200 OK\r\n",
		"slow body":      "HTTP/1.1 200 OK\r\nSignature: theirs\r\nContent-Length: 100\r\n\r\nhalf",
		"only interims":  "HTTP/1.1 103 Early Hints\r\n\r\n",
		"status, silent": "HTTP/1.1 200",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			over := make(chan struct{})
			cfg := config(raw(t, func(c net.Conn) {
				calls.Add(1)
				request(c)
				_, _ = io.WriteString(c, begin)
				<-over
			}))
			cfg.ReadTimeout = 40 * time.Millisecond
			_, err := open(t, cfg).Do(t.Context(), post)
			close(over)
			require.Equal(t, bankrail.Unknown, failed(t, err).Effect)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.EqualError(t, err, "testbank: refund: no complete answer within the read timeout: context deadline exceeded")
			require.EqualValues(t, 1, calls.Load())
		})
	}
}
