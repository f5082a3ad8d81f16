package sandbox_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/sign"
)

// killed copies a ledger file as a kill would leave it, and returns the copy.
func killed(t *testing.T, path string, tail string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	after := filepath.Join(t.TempDir(), "after.jsonl")
	require.NoError(t, os.WriteFile(after, append(b, tail...), 0o600))
	return after
}

func TestBankSurvivesAKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	before := open(t, func(o *sandbox.Options) { o.LedgerFile = path })
	before.hook.reply("busy")
	before.bank.Advance(time.Hour) // time goes on after the restart
	before.refund("DONE", "100")
	require.NoError(t, before.bank.Script("BOUNCE", sandbox.LateBounce))
	before.refund("BOUNCE", "150")
	before.bank.Advance(12 * time.Second)
	before.refund("OPEN", "200")
	require.NoError(t, before.bank.Script("LOST", sandbox.ReplyLost))
	require.Error(t, before.refund("LOST", "300").err)
	require.NoError(t, before.bank.Script("EARLY", sandbox.EarlyNotice))
	before.refund("EARLY", "50")

	for name, tail := range map[string]string{
		"clean": "", "torn": `{"Account":{"Number":"OPEN","Seq":2,"Rec`, "torn inside a rune": "{\"Account\":\"\xe9\x80",
		"torn and long": `{"Account":` + strings.Repeat(" ", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			copied := killed(t, path, tail)
			after := open(t, func(o *sandbox.Options) { o.LedgerFile, o.Trades = copied, nil })
			require.Equal(t, before.bank.Keys(), after.bank.Keys())
			require.Equal(t, before.bank.Now(), after.bank.Now())
			require.Equal(t, toUTC(before.bank.Ledger()), toUTC(after.bank.Ledger()))

			require.Equal(t, "0000", after.refund("LOST", "300").code(), "the first result again")
			heardBefore := len(before.hook.all())
			before.hook.reply("OK")
			after.bank.Advance(72 * time.Hour)
			for _, number := range []string{"DONE", "OPEN", "LOST", "EARLY"} {
				r := after.row(number)
				require.Equal(t, sandbox.Success, r.Status, number)
				require.Equal(t, 1, r.Executions, number)
			}
			require.Equal(t, sandbox.Reversed, after.row("BOUNCE").Status)
			require.EqualValues(t, 650, after.bank.Ledger().Trades[0].RefundedAmount)
			require.Zero(t, after.bank.Ledger().Trades[0].OpenAmount)
			for _, n := range after.bank.Notices() { // also those of before
				require.True(t, n.Acknowledged, n.MerchantRefundNo)
			}
			require.Greater(t, len(before.hook.all()), heardBefore)
			for _, n := range before.hook.all() {
				require.True(t, n.valid)
			}
			before.hook.reply("busy")

			// What was torn is gone, so that the file can be read a third time.
			require.NoError(t, after.bank.Close())
			third, err := sandbox.New(sandbox.Options{LedgerFile: copied, Clock: sandbox.NewClock(start), Faults: sandbox.Calm})
			require.NoError(t, err)
			require.Equal(t, toUTC(after.bank.Ledger()), toUTC(third.Ledger()))
			require.NoError(t, third.Close())
		})
	}
}

// toUTC makes times comparable that went through a file.
func toUTC(l sandbox.Ledger) sandbox.Ledger {
	for i := range l.Refunds {
		r := &l.Refunds[i]
		r.AcceptedAt, r.RefundedAt, r.ReversedAt = r.AcceptedAt.UTC(), r.RefundedAt.UTC(), r.ReversedAt.UTC()
	}
	return l
}

func TestLedgerFileIsPrivateAndChecked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	g := open(t, func(o *sandbox.Options) { o.LedgerFile = path })
	g.refund("R1", "1")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it holds private keys")

	_, err = sandbox.New(sandbox.Options{LedgerFile: killed(t, path, ""), Algorithm: sign.RSASHA256})
	require.ErrorContains(t, err, "ledger file is for")
	_, err = sandbox.New(sandbox.Options{LedgerFile: killed(t, path, ""), Merchant: "M2"})
	require.ErrorContains(t, err, "ledger file is for")
	_, err = sandbox.New(sandbox.Options{LedgerFile: killed(t, path, "{garbage\n")})
	require.ErrorContains(t, err, "line ")
	_, err = sandbox.New(sandbox.Options{LedgerFile: filepath.Join(path, "x")})
	require.ErrorContains(t, err, "ledger file")
}

// Nobody may hear of what is not on disk.
func TestBankWithABrokenFileFallsSilent(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	require.Equal(t, "0000", g.refund("R1", "1").code())
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	g2 := open(t, func(o *sandbox.Options) { o.LedgerFile = path })
	sandbox.BreakFile(g2.bank)
	s := g2.refund("R1", "1")
	require.Error(t, s.err)
	require.False(t, strings.Contains(string(s.raw), "0000"))
	g2.bank.Advance(time.Hour)
	require.Empty(t, g2.hook.all())
	sandbox.MendFile(g2.bank)
}
