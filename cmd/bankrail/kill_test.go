//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
)

// TestMain lets the test binary be the command, for tests that kill it.
func TestMain(m *testing.M) {
	if os.Getenv("BANKRAIL_TEST_AS_COMMAND") != "" {
		main()
	}
	os.Exit(m.Run())
}

// spawn starts the command as a process and returns its management address.
func spawn(t *testing.T, args ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"sandbox", "-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0"}, args...)...)
	cmd.Env = append(os.Environ(), "BANKRAIL_TEST_AS_COMMAND=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	admin := regexp.MustCompile(`^management +(http://\S+)`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := admin.FindStringSubmatch(lines.Text()); m != nil {
			return cmd, m[1]
		}
	}
	t.Fatal("the command does not say where it listens")
	return nil, ""
}

func TestSandboxSurvivesSIGKILLAndEndsOnSIGTERM(t *testing.T) {
	t.Parallel()
	ledger := filepath.Join(t.TempDir(), "ledger.jsonl")
	cmd, admin := spawn(t, "-ledger", ledger)
	before := readKeys(t, admin)
	resp, err := http.Post(admin+"/trades", "application/json", strings.NewReader(`{"tradeNo":"T1","paidAmount":9900}`))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	cmd, admin = spawn(t, "-ledger", ledger)
	require.Equal(t, before, readKeys(t, admin))
	resp, err = http.Get(admin + "/ledger")
	require.NoError(t, err)
	var l sandbox.Ledger
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&l))
	require.NoError(t, resp.Body.Close())
	require.Len(t, l.Trades, 1)

	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait(), "exit code 0")
}
