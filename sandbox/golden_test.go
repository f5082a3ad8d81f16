package sandbox_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
)

var update = flag.Bool("update", false, "write the golden files anew")

const source = "SOURCE: bank refund brief (贷款退费), steps 1-4, made exact in the sandbox's contract; " +
	"written by this sandbox with seed 7 at 2026-11-21T22:00:00+08:00. Keys are new at each start: <key> and <sign> stand for what changes.\n"

// The wire, byte for byte. Whoever writes a client can check its canonical text
// against the lines under "signed text".
func TestGoldenWire(t *testing.T) {
	t.Parallel()
	var letters []string
	g := open(t, func(o *sandbox.Options) {
		o.NotifyClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			letters = append(letters, message("POST "+r.URL.String(), r.Header, body, nil))
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("SUCCESS")), Header: http.Header{}}, err
		})}
	})
	exchange := func(path string, fields map[string]string) string {
		r := g.build(path, fields)
		s := g.send(r)
		require.NoError(t, s.err)
		asked := message("POST /bank/v1"+path, r.header, []byte(r.body), r.header)
		return asked + message(fmt.Sprintf("HTTP %d", s.status), s.header, s.raw, s.header)
	}
	order := g.order("R1", "1234")
	order["notifyUrl"] = "https://merchant.example/notify"
	order["reason"] = `不要了 <a> & "b"/é`
	golden(t, "refund", exchange("/refunds", order))
	golden(t, "query-processing", exchange("/refunds/query", map[string]string{"merchantRefundNo": "R1"}))
	g.bank.Advance(10 * time.Second)
	golden(t, "notification", letters[0])
	golden(t, "query-success", exchange("/refunds/query", map[string]string{"merchantRefundNo": "R1"}))
	golden(t, "trade-query", exchange("/trades/query", map[string]string{"originalTradeNo": "T1"}))
	require.NoError(t, g.bank.Bounce("R1"))
	golden(t, "notification-reversed", letters[1])
	order["merchantRefundNo"], order["refundAmount"] = "R2", "10001"
	golden(t, "refused", exchange("/refunds", order))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// message writes one direction; envelope is where merchant, time and nonce come
// from, nil if they are in the body.
func message(line string, h http.Header, body []byte, envelope http.Header) string {
	fields := map[string]string{}
	if err := json.Unmarshal(body, &fields); err != nil {
		panic(err)
	}
	if envelope != nil {
		fields["merchantId"], fields["timestamp"], fields["nonce"] = envelope.Get("X-Merchant-Id"), envelope.Get("X-Timestamp"), envelope.Get("X-Nonce")
	}
	var sb strings.Builder
	sb.WriteString(line + "\n")
	for _, name := range []string{"Content-Type", "X-Merchant-Id", "X-Sign-Type", "X-Timestamp", "X-Nonce", "X-Key-Id", "Sign"} {
		switch v := h.Get(name); {
		case v == "":
		case name == "X-Key-Id":
			sb.WriteString(name + ": <key>\n")
		case name == "Sign":
			sb.WriteString(name + ": <sign>\n")
		default:
			sb.WriteString(name + ": " + v + "\n")
		}
	}
	fmt.Fprintf(&sb, "\n%s\n\nsigned text\n%s\n\n", body, text(fields))
	return sb.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "lanhai", "refund", name+".txt")
	got = source + "\n" + got
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))), got)
}
