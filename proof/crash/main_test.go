package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/internal/point"
)

// TestMain is a host where a test starts this program as a process to kill.
func TestMain(m *testing.M) {
	if name := os.Getenv(hostFile); name != "" {
		os.Exit(beHost(name, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestKillsLoseNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	code := run(t.Context(), []string{"-only", string(point.Inserted), "-kills", "3", "-numbers", "6"}, &out, &out)
	require.Equal(t, exitOK, code, out.String())
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Equal(t, "kills 4 lost 0 double 0", lines[len(lines)-1])
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-kills", "-1"}, {"-parallel", "0"}, {"-numbers", "1"}, {"-only", "C99"}, {"more"}, {"-x"}} {
		var out, errs bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), args, &out, &errs), args)
		require.NotEmpty(t, errs.String())
	}
}

func TestPlansStrikeEveryPointAndSoManyTimes(t *testing.T) {
	t.Parallel()
	plans, err := options{kills: 60, points: true, seed: 7, numbers: 12}.plans()
	require.NoError(t, err)
	directed := map[point.Point]bool{}
	random := 0
	for i, p := range plans {
		require.Equal(t, i, p.Index)
		for _, s := range p.Strikes {
			if s.Point == "" {
				require.Positive(t, s.After)
				random++
				continue
			}
			require.Positive(t, s.Nth)
			directed[s.Point] = true
		}
	}
	require.Equal(t, 60, random)
	require.Len(t, directed, 17)
}
