package lanhai_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sign"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start is the time on every wire here: 1795269600.
var start = time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)

// desk is the bank's end of the wire without a network: it answers whatever a test
// wants, and signs whatever it is told to.
type desk struct {
	t        testing.TB
	bank     sign.Signer // the bank's key, serial b-1
	stranger sign.Signer // another key that claims serial b-1
	merchant sign.Signer
	ring     *sign.KeyRing // what the merchant believes
	own      *sign.KeyRing // the merchant's key, as the bank knows it

	mu    sync.Mutex
	calls []call
	reply func(call) reply
}

// call is a request as it came.
type call struct {
	method, path, body string
	header             http.Header
	fields             map[string]string
}

// reply is an answer as it goes.
type reply struct {
	status int // 0: 200
	body   string
	// text is what is signed; empty: the canonical text of body.
	text   string
	signer sign.Signer // nil: the bank's
	// edit spoils the headers at last.
	edit func(http.Header)
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t}
	d.bank, d.ring = pair(t, "b-1")
	d.merchant, d.own = pair(t, "m-1")
	d.stranger, _ = pair(t, "b-1")
	return d
}

// pair makes an SM2 key under a serial.
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

// open makes a gateway at the desk; change may spoil its configuration.
func (d *desk) open(change func(*lanhai.Config)) *lanhai.Gateway {
	d.t.Helper()
	cfg := lanhai.Config{
		BaseURL: "https://bank.example/bank/v1", Merchant: "M1001", Signer: d.merchant, Bank: d.ring,
		Now: func() time.Time { return start }, Transport: d,
	}
	if change != nil {
		change(&cfg)
	}
	g, err := lanhai.New(cfg)
	require.NoError(d.t, err)
	d.t.Cleanup(g.Close)
	return g
}

// answers opens a gateway whose every call gets the same answer.
func (d *desk) answers(f func(call) reply) *lanhai.Gateway {
	d.reply = f
	return d.open(nil)
}

// RoundTrip is the network and the bank.
func (d *desk) RoundTrip(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("desk: %w", err)
	}
	c := call{method: req.Method, path: req.URL.Path, body: string(raw), header: req.Header.Clone(), fields: flat(string(raw))}
	d.mu.Lock()
	d.calls = append(d.calls, c)
	d.mu.Unlock()
	r := d.reply(c)
	h := d.seal(r)
	if r.edit != nil {
		r.edit(h)
	}
	status := r.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h,
		Body: io.NopCloser(strings.NewReader(r.body)), ContentLength: int64(len(r.body)), Request: req,
	}, nil
}

const answerNonce = "fedcba9876543210fedcba9876543210"

// seal makes the headers of an answer.
func (d *desk) seal(r reply) http.Header {
	signer := r.signer
	if signer == nil {
		signer = d.bank
	}
	stamp := strconv.FormatInt(start.Unix(), 10)
	text := r.text
	if text == "" {
		text = textOf(flat(r.body), map[string]string{"merchantId": "M1001", "timestamp": stamp, "nonce": answerNonce})
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Merchant-Id", "M1001")
	h.Set("X-Timestamp", stamp)
	h.Set("X-Nonce", answerNonce)
	h.Set("X-Key-Id", signer.KeyID())
	h.Set("X-Sign-Type", string(signer.Algorithm()))
	h.Set("Sign", signed(signer, text))
	return h
}

func signed(s sign.Signer, text string) string {
	sig, err := s.Sign(context.Background(), []byte(text))
	if err != nil {
		panic(err) // also called where no test may fail: in a server, in a fuzz target
	}
	return base64.StdEncoding.EncodeToString(sig)
}

// flat reads a flat JSON object by another road than the gateway's; nil if it is none.
func flat(body string) map[string]string {
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	var m map[string]any
	if dec.Decode(&m) != nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = fmt.Sprint(v)
	}
	return out
}

// textOf is the canonical text once more, by another road than the gateway's.
func textOf(maps ...map[string]string) string {
	var lines []string
	for _, m := range maps {
		for k, v := range m {
			if v != "" {
				lines = append(lines, k+"\x00="+v)
			}
		}
	}
	sort.Strings(lines)
	return strings.ReplaceAll(strings.Join(lines, "&"), "\x00=", "=")
}

// object writes a flat JSON object in the order given.
func object(pairs ...string) string {
	var b bytes.Buffer
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		k, _ := json.Marshal(pairs[i])
		v, _ := json.Marshal(pairs[i+1])
		fmt.Fprintf(&b, "%s:%s", k, v)
	}
	return b.String() + "}"
}

// ok is a signed answer of code 0000 to a call, with members appended.
func ok(c call, pairs ...string) reply { return coded(c, "0000", pairs...) }

func coded(c call, code string, pairs ...string) reply {
	return reply{body: object(append([]string{"code", code, "message", "m", "requestNonce", c.header.Get("X-Nonce")}, pairs...)...)}
}

// taken are the members of an accepted refund of want.
func taken(pairs ...string) []string {
	return append([]string{"merchantRefundNo", "R1001", "bankRefundNo", "LH1", "originalTradeNo", "T77"}, pairs...)
}

// want is the request of most tests.
var want = refund.Request{
	Number: "R1001", Order: "O77", Trade: "T77", Amount: bankrail.CNY(1234), Reason: "sold out",
}
