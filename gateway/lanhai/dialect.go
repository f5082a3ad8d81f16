package lanhai

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/bankrail/bankrail/client"
	"github.com/bankrail/bankrail/sign"
)

// The headers of the contract. Sign is the brief's; the others carry what its signed
// text needs besides the body.
const (
	headerSign      = "Sign"
	headerMerchant  = "X-Merchant-Id"
	headerSignType  = "X-Sign-Type"
	headerTimestamp = "X-Timestamp"
	headerNonce     = "X-Nonce"
	headerKeyID     = "X-Key-Id"
)

// text is the brief's rule: empty values do not take part, names sorted by bytes,
// k=v joined by &, values raw.
var text = sign.Text{}

// dialect signs requests and verifies answers.
type dialect struct {
	signer   sign.Signer
	bank     sign.Verifier
	merchant string
	now      func() time.Time
	nonce    func() string
}

var _ client.Dialect = (*dialect)(nil)

// Sign sets the headers and signs the body's members with them.
func (d *dialect) Sign(ctx context.Context, r *client.Request) error {
	timestamp, nonce := strconv.FormatInt(d.now().Unix(), 10), d.nonce()
	canonical, _, err := canonicalText(r.Body, d.merchant, timestamp, nonce)
	if err != nil {
		return err
	}
	signature, err := d.signer.Sign(ctx, canonical)
	if err != nil {
		return err
	}
	if r.Header == nil {
		r.Header = make(http.Header, 8)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set(headerMerchant, d.merchant)
	r.Header.Set(headerSignType, string(d.signer.Algorithm()))
	r.Header.Set(headerTimestamp, timestamp)
	r.Header.Set(headerNonce, nonce)
	r.Header.Set(headerKeyID, d.signer.KeyID())
	r.Header.Set(headerSign, sign.EncodeBase64(signature))
	return nil
}

// Verify accepts an answer that the bank signed for this very request: a signature
// alone would let an earlier answer be played again.
func (d *dialect) Verify(ctx context.Context, r *client.Request, a *client.Answer) error {
	if m := a.Header.Get(headerMerchant); m != d.merchant {
		return &sign.Error{Part: "body", KeyID: a.Header.Get(headerKeyID), Problem: "signed for another merchant, or for none"}
	}
	canonical, fields, err := canonicalText(a.Body, d.merchant, a.Header.Get(headerTimestamp), a.Header.Get(headerNonce))
	if err != nil {
		return err
	}
	if err := d.check(ctx, canonical, a.Header); err != nil {
		return err
	}
	if members(fields)["requestNonce"] != r.Header.Get(headerNonce) {
		return &sign.Error{Part: "body", KeyID: a.Header.Get(headerKeyID), Problem: "answers another request"}
	}
	return nil
}

// check verifies a signature that the headers carry. The key decides the algorithm,
// never the header X-Sign-Type.
func (d *dialect) check(ctx context.Context, canonical []byte, h http.Header) error {
	keyID := h.Get(headerKeyID)
	signature, err := sign.DecodeBase64(h.Get(headerSign))
	if err != nil {
		return &sign.Error{Part: "signature", KeyID: keyID, Problem: "header Sign is missing or not Base64", Err: err}
	}
	return d.bank.Verify(ctx, canonical, signature, keyID)
}

// canonicalText reads the members of a body and builds the text that is signed. The
// fields it returns are the ones that were signed: nothing else of the body is read.
func canonicalText(body []byte, merchant, timestamp, nonce string) ([]byte, []sign.Field, error) {
	fields, err := sign.JSONFields(make([]sign.Field, 0, 20), body)
	if err != nil {
		return nil, nil, err
	}
	signed := append(fields,
		sign.Field{Name: "merchantId", Value: merchant},
		sign.Field{Name: "timestamp", Value: timestamp},
		sign.Field{Name: "nonce", Value: nonce})
	canonical, err := text.Append(make([]byte, 0, len(body)+128), signed)
	if err != nil {
		return nil, nil, err
	}
	return canonical, signed, nil
}

// members makes verified fields accessible by name.
func members(fields []sign.Field) map[string]string {
	m := make(map[string]string, len(fields))
	for _, f := range fields {
		m[f.Name] = f.Value
	}
	return m
}

// read takes the members of an answer that was verified already.
func read(body []byte) (map[string]string, error) {
	fields, err := sign.JSONFields(nil, body)
	if err != nil {
		return nil, fmt.Errorf("verified, but unreadable: %w", err)
	}
	return members(fields), nil
}

// newNonce is 32 hex digits, used once.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}
