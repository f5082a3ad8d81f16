package faultproxy_test

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bankrail/bankrail/internal/faultproxy"
)

// echo answers every line with itself, until the test ends. heard gets what came.
func echo(t *testing.T) (addr string, heard chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	heard = make(chan string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					heard <- lines.Text()
					if _, err := io.WriteString(c, lines.Text()+"\n"); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String(), heard
}

func start(t *testing.T, server string) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.Start(server)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// client is a connection through the proxy.
type client struct {
	net.Conn
	lines *bufio.Reader
}

func dial(t *testing.T, p *faultproxy.Proxy) client {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	return client{c, bufio.NewReader(c)}
}

// try asks over a connection of its own.
func try(p *faultproxy.Proxy, line string) error {
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = client{c, bufio.NewReader(c)}.ask(line)
	return err
}

func (c client) ask(line string) (string, error) {
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return "", err
	}
	return c.lines.ReadString('\n')
}

func TestCarriesBothWays(t *testing.T) {
	t.Parallel()
	server, _ := echo(t)
	p := start(t, server)
	c := dial(t, p)
	got, err := c.ask("hello")
	require.NoError(t, err)
	require.Equal(t, "hello\n", got)
	require.Equal(t, int64(6), p.Carried(faultproxy.Up))
	require.Equal(t, int64(6), p.Carried(faultproxy.Down))
	require.Equal(t, 1, p.Connections())
}

func TestCutEndsConnectionsAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	server, _ := echo(t)
	p := start(t, server)
	c := dial(t, p)
	_, err := c.ask("one")
	require.NoError(t, err)
	p.Cut()
	_, err = c.ask("two")
	require.Error(t, err)
	require.Error(t, try(p, "three"))

	p.Heal()
	got, err := dial(t, p).ask("four")
	require.NoError(t, err)
	require.Equal(t, "four\n", got)
}

func TestFrozenWireLosesNothing(t *testing.T) {
	t.Parallel()
	server, heard := echo(t)
	p := start(t, server)
	c := dial(t, p)
	p.Freeze(faultproxy.Down)
	answer := make(chan string, 1)
	go func() {
		got, _ := c.ask("late")
		answer <- got
	}()
	require.Equal(t, "late", <-heard, "the other direction goes on")
	select {
	case got := <-answer:
		require.Fail(t, "a frozen wire carried", got)
	case <-time.After(50 * time.Millisecond):
	}
	p.Heal()
	require.Equal(t, "late\n", <-answer)
}

func TestNewConnectionsStandOnAFrozenWire(t *testing.T) {
	t.Parallel()
	server, heard := echo(t)
	p := start(t, server)
	p.Freeze()
	c := dial(t, p)
	_, err := io.WriteString(c, "x\n")
	require.NoError(t, err)
	require.Zero(t, p.Carried(faultproxy.Up))
	p.Heal()
	require.Equal(t, "x", <-heard)
}

func TestDelayHoldsBack(t *testing.T) {
	t.Parallel()
	server, _ := echo(t)
	p := start(t, server)
	c := dial(t, p)
	const d = 60 * time.Millisecond
	p.Delay(d)
	began := time.Now()
	got, err := c.ask("slow")
	require.NoError(t, err)
	require.Equal(t, "slow\n", got)
	require.GreaterOrEqual(t, time.Since(began), 2*d, "once in each direction")
}

// What a lost answer to a COMMIT looks like: the server did it, the client cannot know.
func TestCutAfterLosesTheAnswer(t *testing.T) {
	t.Parallel()
	server, heard := echo(t)
	p := start(t, server)
	c := dial(t, p)
	_, err := c.ask("begin")
	require.NoError(t, err)
	require.Equal(t, "begin", <-heard)
	p.CutAfter(faultproxy.Down, 2)
	got, err := c.ask("commit")
	require.Error(t, err)
	require.LessOrEqual(t, len(got), 2)
	require.Equal(t, "commit", <-heard)
	require.Equal(t, int64(8), p.Carried(faultproxy.Down))
}

func TestCutAfterLosesTheRequest(t *testing.T) {
	t.Parallel()
	server, heard := echo(t)
	p := start(t, server)
	c := dial(t, p)
	p.CutAfter(faultproxy.Up, 3)
	_, err := c.ask("commit")
	require.Error(t, err)
	require.Empty(t, heard)
}

func TestServerThatIsDownResetsTheClient(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Error(t, try(start(t, l.Addr().String()), "x"))
}

// Not parallel: it counts goroutines.
func TestCloseLeavesNothingBehind(t *testing.T) {
	server, _ := echo(t)
	before := goleak.IgnoreCurrent()
	p, err := faultproxy.Start(server)
	require.NoError(t, err)
	c := dial(t, p)
	_, err = c.ask("one")
	require.NoError(t, err)
	p.Freeze()
	_, err = io.WriteString(c, "held back\n")
	require.NoError(t, err)
	p.Delay(time.Hour)
	require.NoError(t, p.Close())
	require.NoError(t, p.Close(), "closing twice is nothing")
	require.Zero(t, p.Connections())
	goleak.VerifyNone(t, before)
}
