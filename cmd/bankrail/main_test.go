package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/sign"
)

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		says string
		code int
	}{
		{"nothing", nil, "usage: bankrail <command>", 2},
		{"unknown command", []string{"pay"}, `no command "pay"`, 2},
		{"unknown flag", []string{"sandbox", "-x"}, "flag provided but not defined", 2},
		{"argument too many", []string{"sandbox", "x"}, "unexpected argument", 2},
		{"unknown faults", []string{"sandbox", "-faults", "evil"}, "-faults is", 2},
		{"unknown algorithm", []string{"sandbox", "-sign", "MD5"}, "-sign is", 2},
		{"every address", []string{"sandbox", "-listen", ":8601"}, "-allow-remote", 2},
		{"outside address", []string{"sandbox", "-listen", "192.0.2.1:8601"}, "-allow-remote", 2},
		{"management to the outside", []string{"sandbox", "-admin", "0.0.0.0:8602"}, "-allow-remote", 2},
		{"name that may be anything", []string{"sandbox", "-listen", "bank.example:8601"}, "-allow-remote", 2},
		{"bad merchant", []string{"sandbox", "-merchant", "a b"}, "merchant id", 1},
		{"no such ledger directory", []string{"sandbox", "-ledger", "/nowhere/at/all"}, "ledger file", 1},
		{"port taken from nobody", []string{"sandbox", "-listen", "127.0.0.1:70000"}, "70000", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			require.Equal(t, tt.code, run(t.Context(), tt.args, &out, &errs))
			require.Contains(t, errs.String(), tt.says)
			require.Empty(t, out.String())
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"help"}, &out, &errs))
	require.Contains(t, out.String(), "sandbox")
	require.Zero(t, run(t.Context(), []string{"sandbox", "-h"}, &out, &errs))
	require.Contains(t, errs.String(), "-allow-remote")
}

// running is a sandbox command in the background.
type running struct {
	bank, admin string
	text        string
	stop        func() int
}

// runSandbox starts the command and waits for what it prints.
func runSandbox(t *testing.T, args ...string) running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	code := make(chan int, 1)
	var errs bytes.Buffer
	args = append([]string{"sandbox", "-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0"}, args...)
	go func() {
		code <- run(ctx, args, write, &errs)
		_ = write.Close()
	}()
	var text strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(text.String(), "/ledger\n") {
		n, err := read.Read(buf)
		require.NoError(t, err, errs.String())
		text.Write(buf[:n])
	}
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(text.String())
		require.Len(t, m, 2, text.String())
		return m[1]
	}
	stopped := false
	stop := func() int {
		stopped = true
		cancel()
		return <-code
	}
	t.Cleanup(func() {
		if !stopped {
			stop()
		}
	})
	return running{find(`bank +(http://\S+)`), find(`management +(http://\S+)`), text.String(), stop}
}

func TestSandboxRunsUntilItIsStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, ledger := filepath.Join(dir, "keys"), filepath.Join(dir, "ledger.jsonl")
	r := runSandbox(t, "-keys", keys, "-ledger", ledger, "-sign", "RSA-SHA256", "-merchant", "M7", "-faults", "calm")

	merchant, err := sign.PrivateKeyFile(filepath.Join(keys, "merchant.pem"))
	require.NoError(t, err)
	require.Equal(t, "sandbox", merchant.Environment())
	_, err = sign.PublicKeyFile(filepath.Join(keys, "bank.pub.pem"))
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(keys, "merchant.pem"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	resp, err := http.Post(r.admin+"/trades", "application/json", strings.NewReader(`{"tradeNo":"T1","paidAmount":9900}`))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	before := readKeys(t, r.admin)
	require.Equal(t, sign.RSASHA256, before.Algorithm)
	require.Contains(t, r.text, before.BankKeyID)
	require.Contains(t, r.text, before.MerchantKeyID)
	require.NotContains(t, r.text, "PRIVATE KEY")

	// The management side is on its own port only.
	resp, err = http.Get(strings.TrimSuffix(r.bank, "/bank/v1") + "/keys")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	require.Zero(t, r.stop())

	// The next start goes on with the same keys and trades.
	r = runSandbox(t, "-ledger", ledger, "-merchant", "M7")
	require.Equal(t, before, readKeys(t, r.admin))
	resp, err = http.Get(r.admin + "/ledger")
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	var l sandbox.Ledger
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&l))
	require.Equal(t, []sandbox.Trade{{TradeNo: "T1", Status: sandbox.Paid, PaidAmount: 9900}}, l.Trades)
	require.Zero(t, r.stop())
}

func readKeys(t *testing.T, admin string) (k sandbox.Keys) {
	t.Helper()
	resp, err := http.Get(admin + "/keys")
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&k))
	return k
}
