package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
)

// TestWhatIsDueWaitsForTheBankToOpen goes on over a file by the real clock, by which
// notifications are due while the bank is still reading its keys.
func TestWhatIsDueWaitsForTheBankToOpen(t *testing.T) {
	t.Parallel()
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "later", http.StatusServiceUnavailable)
	}))
	defer shop.Close()
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	always := make([]time.Duration, 10_000) // due again at once
	deliveries := func(b *sandbox.Bank) (n int) {
		for _, notice := range b.Notices() {
			n += len(notice.Deliveries)
		}
		return n
	}
	before := open(t, func(o *sandbox.Options) {
		o.LedgerFile, o.SettleMax, o.Clock, o.NotifySchedule = path, -1, nil, always
	})
	for _, n := range []string{"R1", "R2", "R3"} {
		s := before.send(before.build("/refunds", map[string]string{
			"merchantRefundNo": n, "originalTradeNo": "T1", "refundAmount": "1", "currency": "CNY", "notifyUrl": shop.URL,
		}))
		require.Equal(t, "0000", s.code())
	}
	require.NoError(t, before.bank.Close())
	known := deliveries(before.bank)
	lines, err := os.ReadFile(path)
	require.NoError(t, err)
	for range 20 {
		copied := killed(t, path, "")
		after, err := sandbox.New(sandbox.Options{LedgerFile: copied, Faults: sandbox.Calm, NotifySchedule: always})
		require.NoError(t, err)
		require.Eventually(t, func() bool { return deliveries(after) > known }, 10*time.Second, time.Millisecond)
		require.NoError(t, after.Close())
		grown, err := os.ReadFile(copied)
		require.NoError(t, err)
		require.Greater(t, len(grown), len(lines), "the delivery is on file")
	}
}
