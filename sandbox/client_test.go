package sandbox_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/sign"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)

// rig is a bank on a manual clock, behind a server, with a merchant and its
// notification endpoint.
type rig struct {
	t      *testing.T
	bank   *sandbox.Bank
	clock  *sandbox.ManualClock
	srv    *httptest.Server
	hook   *hook
	signer sign.Signer
	ring   *sign.KeyRing
	http   *http.Client
	nonces atomic.Int64
}

// open starts a bank: calm, settling after 10 s, with trade T1 of 100 yuan, unless
// change says otherwise.
func open(t *testing.T, change func(*sandbox.Options)) *rig {
	t.Helper()
	clock := sandbox.NewClock(start)
	opts := sandbox.Options{
		Seed: 7, Clock: clock, Faults: sandbox.Calm, SettleMin: 10 * time.Second, SettleMax: 10 * time.Second,
		Trades: []sandbox.Trade{{TradeNo: "T1", PaidAmount: 10000}},
	}
	if change != nil {
		change(&opts)
	}
	bank, err := sandbox.New(opts)
	require.NoError(t, err)
	g := &rig{t: t, bank: bank, clock: clock, srv: httptest.NewServer(bank)}
	g.hook = newHook(t, bank)
	g.http = &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	g.signer, g.ring = credentials(t, bank.Keys())
	t.Cleanup(func() {
		require.NoError(t, bank.Close())
		g.http.CloseIdleConnections()
		g.srv.Close()
		g.hook.srv.Close()
	})
	return g
}

func credentials(t *testing.T, k sandbox.Keys) (sign.Signer, *sign.KeyRing) {
	t.Helper()
	key, err := sign.ParsePrivateKey([]byte(k.MerchantPrivatePEM))
	require.NoError(t, err)
	signer, err := sign.NewSigner(key, sign.SignerConfig{KeyID: k.MerchantKeyID})
	require.NoError(t, err)
	public, err := sign.ParsePublicKey([]byte(k.BankPublicPEM))
	require.NoError(t, err)
	ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: k.BankKeyID, Key: public})
	require.NoError(t, err)
	return signer, ring
}

// text is the canonical text once more, by another road than the bank's.
func text(fields map[string]string) string {
	var lines []string
	for k := range fields {
		lines = append(lines, k)
	}
	sort.Strings(lines)
	out := ""
	for _, k := range lines {
		if fields[k] != "" {
			out += "&" + k + "=" + fields[k]
		}
	}
	return strings.TrimPrefix(out, "&")
}

// seen is an answer as the client sees it.
type seen struct {
	status int
	header http.Header
	raw    []byte
	body   map[string]string
	signed bool // Sign is there
	valid  bool // and verifies
	err    error
}

func (s seen) code() string { return s.body["code"] }

// request builds a signed request; change may spoil it before it is sent.
type request struct {
	path   string
	body   string
	header http.Header
}

func (g *rig) build(path string, fields map[string]string) request {
	nonce := fmt.Sprintf("nonce-%016d", g.nonces.Add(1))
	stamp := strconv.FormatInt(g.bank.Now().Unix(), 10)
	raw, err := json.Marshal(fields)
	require.NoError(g.t, err)
	all := map[string]string{"merchantId": "M1001", "timestamp": stamp, "nonce": nonce}
	for k, v := range fields {
		all[k] = v
	}
	req := request{path: path, body: string(raw), header: http.Header{}}
	for k, v := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "X-Merchant-Id": "M1001", "X-Timestamp": stamp,
		"X-Nonce": nonce, "X-Key-Id": g.signer.KeyID(), "X-Sign-Type": string(g.signer.Algorithm()),
		"Sign": g.sign(text(all)),
	} {
		req.header.Set(k, v)
	}
	return req
}

func (g *rig) sign(text string) string {
	sig, err := g.signer.Sign(context.Background(), []byte(text))
	require.NoError(g.t, err)
	return base64.StdEncoding.EncodeToString(sig)
}

func (g *rig) send(r request) seen { return g.sendCtx(context.Background(), r) }

func (g *rig) sendCtx(ctx context.Context, r request) seen {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.srv.URL+"/bank/v1"+r.path, strings.NewReader(r.body))
	require.NoError(g.t, err)
	req.Header = r.header
	resp, err := g.http.Do(req)
	if err != nil {
		return seen{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	s := seen{status: resp.StatusCode, header: resp.Header, raw: raw, err: err}
	if err == nil && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		require.NoError(g.t, json.Unmarshal(raw, &s.body))
		s.signed = resp.Header.Get("Sign") != ""
		s.valid = g.verify(s.body, resp.Header) && s.body["requestNonce"] == r.header.Get("X-Nonce")
	}
	return s
}

func (g *rig) verify(body map[string]string, h http.Header) bool {
	all := map[string]string{"merchantId": h.Get("X-Merchant-Id"), "timestamp": h.Get("X-Timestamp"), "nonce": h.Get("X-Nonce")}
	for k, v := range body {
		all[k] = v
	}
	return verifies(g.ring, text(all), h)
}

func verifies(ring *sign.KeyRing, text string, h http.Header) bool {
	sig, err := base64.StdEncoding.DecodeString(h.Get("Sign"))
	return err == nil && ring.Verify(context.Background(), []byte(text), sig, h.Get("X-Key-Id")) == nil
}

// order is a refund of T1 with notifications to the rig's hook.
func (g *rig) order(number, amount string) map[string]string {
	return map[string]string{
		"merchantRefundNo": number, "originalTradeNo": "T1", "refundAmount": amount, "currency": "CNY",
		"reason": "不要了", "notifyUrl": g.hook.srv.URL + "/notify",
	}
}

func (g *rig) refund(number, amount string) seen {
	return g.send(g.build("/refunds", g.order(number, amount)))
}

func (g *rig) query(number string) seen {
	return g.send(g.build("/refunds/query", map[string]string{"merchantRefundNo": number}))
}

func (g *rig) row(number string) sandbox.Refund {
	r, ok := g.bank.Ledger().Refund(number)
	require.True(g.t, ok, "no refund %s", number)
	return r
}

// hook is the merchant's notification endpoint.
type hook struct {
	srv    *httptest.Server
	mu     sync.Mutex
	got    []heard
	answer string
}

type heard struct {
	at    time.Time
	raw   []byte
	body  map[string]string
	head  http.Header
	valid bool
}

func newHook(t *testing.T, bank *sandbox.Bank) *hook {
	_, ring := credentials(t, bank.Keys())
	h := &hook{answer: "SUCCESS"}
	h.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		x := heard{at: bank.Now(), raw: raw, head: r.Header}
		if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&x.body); err == nil {
			x.valid = verifies(ring, text(x.body), r.Header)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got = append(h.got, x)
		_, _ = io.WriteString(w, h.answer)
	}))
	return h
}

func (h *hook) reply(answer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

func (h *hook) all() []heard {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]heard(nil), h.got...)
}
