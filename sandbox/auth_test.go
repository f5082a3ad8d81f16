package sandbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/sign"
)

// resign signs a body as it stands, fields being what it is taken to say.
func (g *rig) resign(r request, body string, fields map[string]string) request {
	all := map[string]string{"merchantId": "M1001", "timestamp": r.header.Get("X-Timestamp"), "nonce": r.header.Get("X-Nonce")}
	for k, v := range fields {
		all[k] = v
	}
	r.body = body
	r.header.Set("Sign", g.sign(text(all)))
	return r
}

func TestRequestsThatAreNotAuthentic(t *testing.T) {
	t.Parallel()
	set := func(name, value string) func(*rig, request) request {
		return func(_ *rig, r request) request { r.header.Set(name, value); return r }
	}
	moved := func(by time.Duration) func(*rig, request) request {
		return func(g *rig, r request) request {
			r.header.Set("X-Timestamp", strconv.FormatInt(g.bank.Now().Add(by).Unix(), 10))
			return g.resign(r, r.body, g.order("R1", "1"))
		}
	}
	tests := []struct {
		name  string
		code  string
		spoil func(g *rig, r request) request
	}{
		{"untouched", "0000", func(_ *rig, r request) request { return r }},
		{"other body", "SIGN_ERROR", func(_ *rig, r request) request {
			r.body = strings.Replace(r.body, `"refundAmount":"1"`, `"refundAmount":"2"`, 1)
			return r
		}},
		{"no signature", "SIGN_ERROR", set("Sign", "")},
		{"signature without padding", "SIGN_ERROR", func(_ *rig, r request) request {
			r.header.Set("Sign", strings.TrimRight(r.header.Get("Sign"), "=")+"?")
			return r
		}},
		{"unknown key", "SIGN_ERROR", set("X-Key-Id", "sandbox-other")},
		{"no key id", "SIGN_ERROR", set("X-Key-Id", "")},
		{"other algorithm", "SIGN_ERROR", set("X-Sign-Type", "RSA-SHA256")},
		{"timestamp not signed", "SIGN_ERROR", set("X-Timestamp", strconv.FormatInt(start.Unix()+1, 10))},
		{"timestamp 5 min old", "0000", moved(-5 * time.Minute)},
		{"timestamp 5 min ahead", "0000", moved(5 * time.Minute)},
		{"timestamp too old", "SIGN_ERROR", moved(-5*time.Minute - time.Second)},
		{"timestamp too far ahead", "SIGN_ERROR", moved(5*time.Minute + time.Second)},
		{"timestamp in milliseconds", "SIGN_ERROR", set("X-Timestamp", strconv.FormatInt(start.UnixMilli(), 10))},
		{"timestamp not a number", "PARAM_ERROR", set("X-Timestamp", "now")},
		{"nonce too short", "PARAM_ERROR", set("X-Nonce", "123456789012345")},
		{"nonce with a blank", "PARAM_ERROR", set("X-Nonce", "1234567890 12345")},
		{"other content type", "PARAM_ERROR", set("Content-Type", "text/plain")},
		{"other charset", "PARAM_ERROR", set("Content-Type", "application/json; charset=gbk")},
		{"not JSON", "PARAM_ERROR", func(_ *rig, r request) request { r.body = "a=b"; return r }},
		{"too long", "PARAM_ERROR", func(_ *rig, r request) request {
			r.body = r.body[:len(r.body)-1] + strings.Repeat(" ", 1<<20) + "}"
			return r
		}},
		{"too long behind its end", "PARAM_ERROR", func(_ *rig, r request) request {
			r.body += strings.Repeat(" ", 1<<20)
			return r
		}},
		{"too long but almost", "0000", func(_ *rig, r request) request {
			r.body = r.body[:len(r.body)-1] + strings.Repeat(" ", 1<<20-len(r.body)) + "}"
			return r
		}},
		{"member twice", "PARAM_ERROR", func(g *rig, r request) request {
			return g.resign(r, r.body[:len(r.body)-1]+`,"refundAmount":"1"}`, g.order("R1", "1"))
		}},
		{"nonce in the body", "PARAM_ERROR", func(g *rig, r request) request {
			return g.resign(r, r.body[:len(r.body)-1]+`,"nonce":"`+r.header.Get("X-Nonce")+`"}`, g.order("R1", "1"))
		}},
		{"null", "PARAM_ERROR", func(g *rig, r request) request {
			return g.resign(r, r.body[:len(r.body)-1]+`,"x":null}`, g.order("R1", "1"))
		}},
		{"amount as an integer", "0000", func(g *rig, r request) request {
			return g.resign(r, strings.Replace(r.body, `"refundAmount":"1"`, `"refundAmount":1`, 1), g.order("R1", "1"))
		}},
		{"unknown member, signed", "0000", func(g *rig, r request) request {
			o := g.order("R1", "1")
			o["extra"] = "0"
			return g.resign(r, r.body[:len(r.body)-1]+`,"extra":0}`, o)
		}},
		{"empty member, not signed", "0000", func(_ *rig, r request) request {
			r.body = r.body[:len(r.body)-1] + `,"extra":""}`
			return r
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := open(t, nil)
			r := tt.spoil(g, g.build("/refunds", g.order("R1", "1")))
			s := g.send(r)
			require.NoError(t, s.err)
			require.Equal(t, tt.code, s.code(), s.body["message"])
			require.Equal(t, tt.code == "0000", s.signed)
			require.Equal(t, map[string]int{"0000": 200, "SIGN_ERROR": 401, "PARAM_ERROR": 400}[tt.code], s.status)
			require.Len(t, g.bank.Ledger().Refunds, map[bool]int{true: 1}[tt.code == "0000"])
		})
	}
}

// The brief says "digest, then encrypt the digest with the private key": that is
// one signature over the text, and not a signature over its digest.
func TestDoubleDigestIsRefused(t *testing.T) {
	t.Parallel()
	for _, alg := range []sign.Algorithm{sign.SM2SM3, sign.RSASHA256} {
		g := open(t, func(o *sandbox.Options) { o.Algorithm = alg })
		r := g.build("/refunds", g.order("R1", "1"))
		all := g.order("R1", "1")
		all["merchantId"], all["timestamp"], all["nonce"] = "M1001", r.header.Get("X-Timestamp"), r.header.Get("X-Nonce")
		right := g.sign(text(all))
		digest := sha256.Sum256([]byte(text(all)))
		for _, double := range []string{g.sign(hex.EncodeToString(digest[:])), g.sign(string(digest[:]))} {
			r.header.Set("Sign", double)
			require.Equal(t, "SIGN_ERROR", g.send(r).code())
		}
		r.header.Set("Sign", right) // and a refused request uses up no nonce
		require.Equal(t, "0000", g.send(r).code())
	}
}

func TestNonceIsGoodForOneRequest(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	r := g.build("/refunds", g.order("R1", "1"))
	require.Equal(t, "0000", g.send(r).code())
	s := g.send(r)
	require.Equal(t, "SIGN_ERROR", s.code())
	require.False(t, s.signed)
	require.Equal(t, 1, g.row("R1").Copies)

	r = g.build("/refunds", g.order("R1", "1"))
	r.header.Set("X-Timestamp", strconv.FormatInt(g.bank.Now().Add(5*time.Minute).Unix(), 10))
	r = g.resign(r, r.body, g.order("R1", "1"))
	require.Equal(t, "0000", g.send(r).code())
	g.bank.Advance(10 * time.Minute) // the timestamp is still good
	require.Equal(t, "SIGN_ERROR", g.send(r).code())

	r = g.build("/refunds", g.order("R1", "1"))
	r.header.Set("X-Nonce", "nonce-0000000000000001") // the first one, 10 minutes and a second later
	g.bank.Advance(time.Second)
	require.Equal(t, "0000", g.send(g.resign(r, r.body, g.order("R1", "1"))).code())
}

func TestRepliesAreBoundToTheirRequest(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	a, b := g.build("/refunds", g.order("R1", "1")), g.build("/refunds", g.order("R1", "1"))
	sa, sb := g.send(a), g.send(b)
	require.Equal(t, a.header.Get("X-Nonce"), sa.body["requestNonce"])
	require.Equal(t, b.header.Get("X-Nonce"), sb.body["requestNonce"])
	require.NotEqual(t, sa.header.Get("X-Nonce"), sb.header.Get("X-Nonce"))
	require.Equal(t, strconv.FormatInt(start.Unix(), 10), sa.header.Get("X-Timestamp"))
	require.Equal(t, g.bank.Keys().BankKeyID, sa.header.Get("X-Key-Id"))
	_, err := base64.StdEncoding.Strict().DecodeString(sa.header.Get("Sign"))
	require.NoError(t, err)
}

func TestOtherPathsAndMethods(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	for path, status := range map[string]int{"/bank/v1/refunds": 405, "/bank/v1/nothing": 404, "/ledger": 404, "/keys": 404} {
		resp, err := g.http.Get(g.srv.URL + path)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, status, resp.StatusCode, path)
	}
}

func TestKeysAreNewAndMarked(t *testing.T) {
	t.Parallel()
	a, b := open(t, nil).bank.Keys(), open(t, nil).bank.Keys()
	require.NotEqual(t, a.BankKeyID, b.BankKeyID)
	require.NotEqual(t, a.MerchantPrivatePEM, b.MerchantPrivatePEM)
	for _, id := range []string{a.BankKeyID, a.MerchantKeyID} {
		require.True(t, strings.HasPrefix(id, "sandbox-"))
	}
	key, err := sign.ParsePrivateKey([]byte(a.MerchantPrivatePEM))
	require.NoError(t, err)
	require.Equal(t, "sandbox", key.Environment())
	_, err = sandbox.New(sandbox.Options{Algorithm: "MD5"})
	require.Error(t, err)
}
