package main

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMain is a node itself where run starts this binary as one.
func TestMain(m *testing.M) {
	if _, ok := asNode(os.Args[1:]); ok {
		main()
	}
	os.Exit(m.Run())
}

func TestTwoNodesShareRefunds(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"BANKRAIL_TEST_POSTGRES", "BANKRAIL_TEST_REDIS", "BANKRAIL_TEST_NATS"} {
		if os.Getenv(v) == "" {
			t.Skipf("set %s to the address of a server to run this test", v)
		}
	}
	var out bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-refunds", "200", "-cut", "700ms"}, &out, &out), out.String())
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Equal(t, "audit: journal equals bank, 200 refunds, 0 double, 0 open", lines[len(lines)-1])
	events := regexp.MustCompile(`^events: (\d+) published, (\d+) delivered, (\d+) consumed exactly once$`).FindStringSubmatch(lines[len(lines)-2])
	require.NotNil(t, events, lines[len(lines)-2])
	require.Equal(t, events[1], events[3])
	published, err := strconv.Atoi(events[1])
	require.NoError(t, err)
	delivered, err := strconv.Atoi(events[2])
	require.NoError(t, err)
	require.Greater(t, delivered, published, "some came twice")
	for _, act := range []string{
		"node 2 is killed", "node 2 is started again", "Redis is cut off", "Redis is back", "NATS is cut off", "NATS is back",
	} {
		require.Contains(t, out.String(), act)
	}
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"too few":       {"-refunds", "39"},
		"too many":      {"-refunds", "100001"},
		"unknown":       {"-fast"},
		"an argument":   {"please"},
		"faults":        {"-faults", "mild"},
		"too short":     {"-cut", "1ms"},
		"no node":       {"-node", "first"},
		"node and more": {"-node", "1", "-seed", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.Equal(t, exitUsage, run(t.Context(), args, &out, &out))
			require.NotEmpty(t, out.String())
		})
	}
	var out bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &out, &out))
	require.Contains(t, out.String(), "-postgres")
}

func TestServerThatCannotBeReached(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{
		"nobody listens": "postgres://shop:s3cret@127.0.0.1:1/test",
		"words":          "host=127.0.0.1 port=1 user=shop password=s3cret",
		"unreadable":     "postgres://shop:s3cret@127.0.0.1:port/test",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.Equal(t, exitUsage, run(t.Context(), []string{"-postgres", dsn}, &out, &out))
			require.Contains(t, out.String(), "PostgreSQL")
			require.Contains(t, out.String(), "cannot be reached")
			require.NotContains(t, out.String(), "s3cret")
			require.Equal(t, 1, strings.Count(out.String(), "\n"), out.String())
		})
	}
}

func TestSchemaIsAskedForInEitherSpelling(t *testing.T) {
	t.Parallel()
	require.Equal(t, "postgres://u:p@h/d?search_path=own&sslmode=disable", inSchema("postgres://u:p@h/d?sslmode=disable", "own"))
	require.Equal(t, "host=h password=p search_path=own", inSchema("host=h password=p", "own"))
}
