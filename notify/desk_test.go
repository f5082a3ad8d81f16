package notify_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/store/memstore"
	"github.com/bankrail/bankrail/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// desk is a host with a journal and an endpoint for the bank's notifications.
type desk struct {
	t        *testing.T
	clock    *clock
	bank     sign.Signer // the bank's key, serial b-1
	stranger sign.Signer // another key that claims it
	verifier *counter
	store    *memstore.Store
	faulty   *storetest.Faulty
	book     *journal.Book
	wire     *wire
	refunds  *refund.Service
	source   notify.Source
	handler  http.Handler

	mu       sync.Mutex
	alarms   []journal.Alarm
	observed []error
}

// counter counts verifications.
type counter struct {
	sign.Verifier
	mu    sync.Mutex
	asked int
}

func (c *counter) Verify(ctx context.Context, message, signature []byte, keyID string) error {
	c.mu.Lock()
	c.asked++
	c.mu.Unlock()
	return c.Verifier.Verify(ctx, message, signature, keyID)
}

// wire is the bank's refund interface: it accepts, and says what it is told to when
// it is asked.
type wire struct {
	mu     sync.Mutex
	sent   []string
	asked  []string
	answer bankrail.Receipt
}

var errNoWire = errors.New("no outbound call is expected here")

func (*wire) Channel() bankrail.Channel {
	return bankrail.Channel{Gateway: "lanhai-sandbox", Merchant: "M1001"}
}
func (*wire) Rules(bankrail.Op) journal.Rules {
	return journal.Rules{Dedupe: journal.DedupeAll, Horizon: 24 * time.Hour}
}
func (*wire) CheckRefund(refund.Request) error { return nil }
func (w *wire) Refund(_ context.Context, r refund.Request) (bankrail.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, r.Number)
	return bankrail.Receipt{Number: r.Number, Status: bankrail.Processing}, nil
}
func (w *wire) QueryRefund(_ context.Context, r refund.Request) (bankrail.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, r.Number)
	a := w.answer
	a.Number = r.Number
	return a, nil
}

// RoundTrip fails, and is remembered: reading a notification makes no call.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, r.URL.Path)
	return nil, errNoWire
}

// Order says that every order was paid.
func (*wire) Order(_ context.Context, number string) (refund.Order, error) {
	return refund.Order{Number: number, Trade: "T77", Status: refund.OrderPaid, Paid: bankrail.CNY(10000)}, nil
}

func open(t *testing.T, change func(*notify.Config)) *desk {
	t.Helper()
	d := &desk{t: t, clock: &clock{now: start}, wire: &wire{}}
	var ring *sign.KeyRing
	d.bank, ring = pair(t, "b-1")
	d.stranger, _ = pair(t, "b-1")
	own, _ := pair(t, "m-1")
	d.verifier = &counter{Verifier: ring}
	d.store = memstore.New(memstore.Config{Now: d.clock.Now})
	d.faulty = storetest.NewFaulty(d.store)
	d.book = journal.New(d.faulty, journal.Config{Now: d.clock.Now, AllowVolatile: true, Alarm: func(_ context.Context, a journal.Alarm) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.alarms = append(d.alarms, a)
	}})
	d.refunds = refund.New(d.book, d.wire, refund.Config{})
	gateway, err := lanhai.New(lanhai.Config{
		Environment: lanhai.Sandbox, BaseURL: "https://bank.example", Merchant: "M1001", Signer: own, Bank: d.verifier,
		Now: d.clock.Now, Transport: d.wire,
	})
	require.NoError(t, err)
	t.Cleanup(gateway.Close)
	d.source = gateway
	cfg := notify.Config{Now: d.clock.Now, Observe: d.observe}
	if change != nil {
		change(&cfg)
	}
	d.handler = notify.Handler(d.book, gateway, cfg)
	return d
}

func pair(t testing.TB, id string) (sign.Signer, *sign.KeyRing) {
	t.Helper()
	key, err := sign.GenerateSM2()
	require.NoError(t, err)
	return use(t, key, id)
}

func use(t testing.TB, key *sign.PrivateKey, id string) (sign.Signer, *sign.KeyRing) {
	t.Helper()
	signer, err := sign.NewSigner(key, sign.SignerConfig{KeyID: id})
	require.NoError(t, err)
	ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: id, Key: key.Public()})
	require.NoError(t, err)
	return signer, ring
}

func (d *desk) observe(_ context.Context, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.observed = append(d.observed, err)
}

// create records R1 of 40 yuan, which the bank accepts.
func (d *desk) create(number string) *refund.Refund {
	d.t.Helper()
	r, err := d.refunds.Create(context.Background(), refund.Request{Number: number, Order: "O77", Amount: bankrail.CNY(4000)})
	require.NoError(d.t, err)
	return r
}

func (d *desk) entry(number string) journal.Entry {
	d.t.Helper()
	e, err := d.store.Get(context.Background(), bankrail.ID{Channel: d.wire.Channel(), Op: bankrail.OpRefund, Number: number})
	require.NoError(d.t, err)
	return e
}

func (d *desk) history(number string) []journal.Step {
	d.t.Helper()
	steps, err := d.store.History(context.Background(), bankrail.ID{Channel: d.wire.Channel(), Op: bankrail.OpRefund, Number: number})
	require.NoError(d.t, err)
	return steps
}

func (d *desk) anomalies() []journal.AnomalyKind {
	d.t.Helper()
	as, _, err := d.store.Anomalies(context.Background(), "", 100)
	require.NoError(d.t, err)
	var kinds []journal.AnomalyKind
	for _, a := range as {
		kinds = append(kinds, a.Kind)
	}
	return kinds
}

// events drains the outbox.
func (d *desk) events() []journal.EventType {
	d.t.Helper()
	ctx := context.Background()
	var out []journal.EventType
	for {
		es, err := d.store.TakeEvents(ctx, 0, 100)
		require.NoError(d.t, err)
		if len(es) == 0 {
			return out
		}
		for _, e := range es {
			out = append(out, e.Type)
			require.NoError(d.t, d.store.Published(ctx, e.ID))
		}
	}
}

// letter is a notification on its way.
type letter struct {
	fields map[string]string
	signer sign.Signer
	// after is applied to the body once it is signed.
	after func(string) string
	edit  func(*http.Request)
}

// news is the bank's word about a number now; pairs replace members.
func (d *desk) news(number, status string, pairs ...string) letter {
	m := map[string]string{
		"bankRefundNo": "LH1", "merchantRefundNo": number, "originalTradeNo": "T77", "refundAmount": "4000", "currency": "CNY",
		"status": status, "acceptedAt": "2026-11-21T22:00:00+08:00", "refundedAt": "", "failCode": "", "failMessage": "",
		"notifyId": "N-" + number + "-" + status, "merchantId": "M1001",
		"timestamp": strconv.FormatInt(d.clock.Now().Unix(), 10), "nonce": token(),
	}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return letter{fields: m, signer: d.bank}
}

var tokens struct {
	mu sync.Mutex
	n  int
}

func token() string {
	tokens.mu.Lock()
	defer tokens.mu.Unlock()
	tokens.n++
	return "nonce-" + strconv.Itoa(tokens.n)
}

// request signs a letter and puts it into an envelope.
func (d *desk) request(l letter) *http.Request {
	raw, err := json.Marshal(l.fields)
	require.NoError(d.t, err)
	body := string(raw)
	if l.after != nil {
		body = l.after(body)
	}
	r := httptest.NewRequest(http.MethodPost, "/notify/lanhai", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("X-Key-Id", l.signer.KeyID())
	r.Header.Set("X-Sign-Type", string(l.signer.Algorithm()))
	r.Header.Set("Sign", signed(l.signer, textOf(l.fields)))
	if l.edit != nil {
		l.edit(r)
	}
	return r
}

func signed(s sign.Signer, text string) string {
	sig, err := s.Sign(context.Background(), []byte(text))
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(sig)
}

// textOf is the canonical text by another road than the gateway's.
func textOf(m map[string]string) string {
	var lines []string
	for k, v := range m {
		if v != "" {
			lines = append(lines, k+"\x00="+v)
		}
	}
	slices.Sort(lines)
	return strings.ReplaceAll(strings.Join(lines, "&"), "\x00=", "=")
}

// deliver posts a letter.
func (d *desk) deliver(l letter) *httptest.ResponseRecorder { return d.serve(d.request(l)) }

func (d *desk) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w
}

// acknowledged holds an answer to the brief's: 200 and exactly SUCCESS.
func (d *desk) acknowledged(w *httptest.ResponseRecorder) {
	d.t.Helper()
	require.Equal(d.t, http.StatusOK, w.Code)
	require.Equal(d.t, "SUCCESS", w.Body.String())
}

// refused holds an answer to one that has the bank send again and says nothing.
func (d *desk) refused(w *httptest.ResponseRecorder, status int) {
	d.t.Helper()
	require.Equal(d.t, status, w.Code)
	require.Equal(d.t, "FAIL\n", w.Body.String())
}
