package notify_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/sign"
)

func BenchmarkNotificationSM2(b *testing.B) {
	key, err := sign.GenerateSM2()
	require.NoError(b, err)
	benchmark(b, key)
}

func BenchmarkNotificationRSA(b *testing.B) {
	key, err := sign.GenerateRSA(2048)
	require.NoError(b, err)
	benchmark(b, key)
}

// benchmark measures the raw verification, the same with reading (ReadNotice), and a
// whole request through the handler into a journal that does nothing.
func benchmark(b *testing.B, key *sign.PrivateKey) {
	signer, ring := use(b, key, "b-1")
	m := map[string]string{
		"bankRefundNo": "LH20261121000001", "merchantRefundNo": "R1001", "originalTradeNo": "T77", "refundAmount": "1234",
		"currency": "CNY", "status": "SUCCESS", "acceptedAt": "2026-11-21T22:00:00+08:00", "refundedAt": "2026-11-21T22:00:10+08:00",
		"failCode": "", "failMessage": "", "reversedAt": "", "notifyId": "N1", "merchantId": "M1001", "timestamp": "1795269600",
		"nonce": "fedcba9876543210fedcba9876543210",
	}
	raw, err := json.Marshal(m)
	require.NoError(b, err)
	text := []byte(textOf(m))
	encoded := signed(signer, string(text))
	signature, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(b, err)
	gateway, err := lanhai.New(lanhai.Config{
		BaseURL: "https://bank.example", Merchant: "M1001", Signer: signer, Bank: ring, Transport: &wire{},
	})
	require.NoError(b, err)
	header := http.Header{"Sign": {encoded}, "X-Key-Id": {"b-1"}, "Content-Type": {"application/json"}}
	ctx := context.Background()

	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := ring.Verify(ctx, text, signature, "b-1"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("notice", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := gateway.ReadNotice(ctx, notify.Message{Header: header, Body: raw}); err != nil {
				b.Fatal(err)
			}
		}
	})
	h := notify.Handler(receiver(func(context.Context, journal.Notice) error { return nil }), gateway,
		notify.Config{Now: func() time.Time { return start }})
	body := string(raw)
	r := httptest.NewRequest(http.MethodPost, "/notify", nil)
	r.Header, r.ContentLength = header, int64(len(body))
	w := &silent{header: http.Header{}}
	b.Run("request", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Body = io.NopCloser(strings.NewReader(body))
			if h.ServeHTTP(w, r); w.status != 0 {
				b.Fatal(w.status)
			}
		}
	})
}

// silent is a ResponseWriter that keeps nothing.
type silent struct {
	header http.Header
	status int
}

func (w *silent) Header() http.Header         { return w.header }
func (w *silent) Write(p []byte) (int, error) { return len(p), nil }
func (w *silent) WriteHeader(status int)      { w.status = status }
