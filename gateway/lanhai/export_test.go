package lanhai

import (
	"maps"

	"github.com/bankrail/bankrail/sign"
)

// SetNonce replaces the nonces, so that golden texts can be compared.
func (g *Gateway) SetNonce(nonce func() string) { g.dialect.nonce = nonce }

// CanonicalText is what is signed for a body and the three headers.
func CanonicalText(body []byte, merchant, timestamp, nonce string) (string, error) {
	b, _, err := canonicalText(body, merchant, timestamp, nonce)
	return string(b), err
}

// Codes and Statuses list what the tables know, so that a new row needs a test row.
func Codes() []string    { return keys(codes) }
func Statuses() []string { return keys(statuses) }

// TradeStatuses lists the states of trades.
func TradeStatuses() []string { return keys(tradeStatuses) }

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range maps.Keys(m) {
		out = append(out, k)
	}
	return out
}

// SetBank replaces the bank's keys.
func (g *Gateway) SetBank(bank sign.Verifier) { g.dialect.bank = bank }
