package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain is the command itself where a test starts it as a process to kill.
func TestMain(m *testing.M) {
	if os.Getenv("BANKRAIL_REFUND") != "" {
		main()
	}
	os.Exit(m.Run())
}

var equal = regexp.MustCompile(`^audit: journal equals bank, [1-9][0-9]* refunds, 0 double, 0 open$`)

func lastLine(out string) string {
	lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
	return lines[len(lines)-1]
}

// together runs f for 0 to n-1 at once, because it mostly waits, and not just for as
// many as there are processors.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func TestJournalEqualsBank(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seeds := []int{0, 1, 46, 51} // 46 and 51 first tell of a bounce and of a late success with a wrong time
	together(len(seeds), func(i int) {
		seed := seeds[i]
		file := filepath.Join(dir, strconv.Itoa(seed)+".db")
		var out bytes.Buffer
		code := run(t.Context(), []string{"-n", "40", "-seed", strconv.Itoa(seed), "-db", file}, &out, &out)
		assert.Equal(t, exitOK, code, out.String())
		assert.Regexp(t, equal, lastLine(out.String()))
		assert.Contains(t, out.String(), "The money arrived, and came back.")
		assert.Contains(t, out.String(), "a correction holds the money")

		// The same again changes nothing: every number is answered from its record.
		before := lastLine(out.String())
		out.Reset()
		code = run(t.Context(), []string{"-db", file}, &out, &out)
		assert.Equal(t, exitOK, code, out.String())
		assert.Equal(t, before, lastLine(out.String()))
	})
}

func TestKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kills := [][]time.Duration{
		{20 * time.Millisecond, 300 * time.Millisecond},
		{600 * time.Millisecond},
		{1500 * time.Millisecond, 400 * time.Millisecond, 900 * time.Millisecond},
		{3 * time.Second},
	}
	together(len(kills), func(seed int) {
		file := filepath.Join(dir, strconv.Itoa(seed)+".db")
		for _, moment := range kills[seed] {
			cmd := command(file, seed, io.Discard)
			if !assert.NoError(t, cmd.Start()) {
				return
			}
			time.Sleep(moment) // the moment is what is tested
			assert.NoError(t, cmd.Process.Kill())
			_ = cmd.Wait()
		}
		var out bytes.Buffer
		assert.NoError(t, command(file, seed, &out).Run(), "%s", &out)
		assert.Regexp(t, equal, lastLine(out.String()))
	})
}

// command is this test binary as the command.
func command(file string, seed int, out io.Writer) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-n", "60", "-seed", strconv.Itoa(seed), "-db", file)
	cmd.Env = append(os.Environ(), "BANKRAIL_REFUND=1")
	cmd.Stdout, cmd.Stderr = out, out
	return cmd
}

func TestInterruptEndsCleanly(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	file := filepath.Join(t.TempDir(), "shop.db")
	var out bytes.Buffer
	require.Equal(t, exitInterrupted, run(ctx, []string{"-n", "40", "-db", file}, &out, &out), out.String())
	require.Contains(t, out.String(), "interrupted")
	require.NotContains(t, out.String(), "audit:")
	out.Reset()
	require.Equal(t, exitOK, run(t.Context(), []string{"-db", file}, &out, &out), out.String())
	require.Contains(t, out.String(), "Going on")
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "shop.db")
	var p plan
	p.file, p.N, p.Seed = file, 10, 3
	_, err := p.prepare()
	require.NoError(t, err)
	for name, args := range map[string][]string{
		"no refunds":    {"-n", "0"},
		"an argument":   {"please"},
		"unknown":       {"-fast"},
		"another seed":  {"-db", file, "-seed", "4"},
		"another count": {"-db", file, "-n", "11"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.Equal(t, exitUsage, run(t.Context(), args, &out, &out), out.String())
			require.NotEmpty(t, out.String())
		})
	}
	var out bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &out, &out))
	require.Contains(t, out.String(), "-seed")
}

// TestShortenedSchedule holds the shortened times to what the real ones promise.
func TestShortenedSchedule(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, connectTimeout+readTimeout, callTimeout)
	require.GreaterOrEqual(t, tries[0], callTimeout, "nobody is asked about a call under way")
	require.Greater(t, bankDelay, readTimeout, "a late answer is a lost one")
	require.Greater(t, visible, bankDelay, "what may still arrive is not sent again")
	require.Greater(t, visible, staleQuery, "nor what the bank does not show yet")
	require.Greater(t, settles, settleMax)
	require.Greater(t, sendWithin, 3*time.Second, "several times the bank's Retry-After")
}

func TestSameSeedSameWishes(t *testing.T) {
	t.Parallel()
	a, b := intents(7, 200, newShop(7).orders), intents(7, 200, newShop(7).orders)
	require.Equal(t, a, b)
	require.NotEqual(t, a, intents(8, 200, newShop(8).orders))
	seen := map[manner]int{}
	for _, in := range a {
		seen[in.manner]++
	}
	for _, m := range []manner{once, repeated, concurrent, other, tooMuch, wrongOrder, trainee, final} {
		require.Positive(t, seen[m], m)
	}
}
