package sign_test

import (
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// n of the curve. Source: GB/T 32918.5-2017.
const order = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123"

func TestVerifySM2_RefusesEveryOtherEncoding(t *testing.T) {
	t.Parallel()
	public, err := sign.ParsePublicKey(sm2Point(t, annexPublic))
	require.NoError(t, err)
	ring := newRing(t, sign.RingKey{Key: public})
	const (
		r        = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
		s        = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
		notForm  = "not one DER sequence"
		notInts  = "not two DER integers"
		outside  = "integer out of [1, n-1]"
		mismatch = "does not match this text under this key"
	)
	for name, c := range map[string]struct{ signature, problem string }{
		"raw r and s, no DER":                {r + s, notForm},
		"a byte behind the sequence":         {"3046022100" + r + "022100" + s + "00", "73 bytes, an SM2 signature in DER has 8 to 72"},
		"a byte behind a short sequence":     {"300602010102010100", notForm},
		"length one short":                   {"3045022100" + r + "022100" + s, notForm},
		"length in long form":                {"308146022100" + r + "022100" + s, "73 bytes, an SM2 signature in DER has 8 to 72"},
		"long form of a short length":        {"30810602010102010100"[:18], notForm},
		"a set instead of a sequence":        {"3146022100" + r + "022100" + s, notForm},
		"indefinite length":                  {"30800201010201010000", notForm},
		"octet string instead of an integer": {"3046042100" + r + "022100" + s, notInts},
		"one integer only":                   {"300602040fffffff", notInts},
		"three integers":                     {"3009020101020101020101", "more than two integers"},
		"integer longer than its sequence":   {"3006020101020201", notInts},
		"integer of no bytes":                {"30060200020201ff", notInts},
		"integer of 34 bytes":                {"30270222000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021020101", notInts},
		"negative r":                         {"30450220" + r + "022100" + s, "negative integer"},
		"r with a needless zero":             {"300702020001020101", "integer not in shortest form"},
		"r is 0":                             {"3006020100020101", outside},
		"s is 0":                             {"3006020101020100", outside},
		"r is n":                             {"3026022100" + order + "020101", outside},
		"s is n":                             {"3026020101022100" + order, outside},
		"r+s is n, so t is 0":                {"3026020101022100" + order[:62] + "22", mismatch},
		"r and s are 1":                      {"3006020101020101", mismatch},
		"r and s exchanged":                  {"3046022100" + s + "022100" + r, mismatch},
		"s mirrored to n-s":                  {"3045022100" + r + "02204e4955d520ded02689ce7d43f2bde35db6738e5602868256cfb08a44b4197f79", mismatch},
		"nothing":                            {"", "no signature"},
		"two bytes":                          {"3000", "2 bytes, an SM2 signature in DER has 8 to 72"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := refusedAs(t, "signature", ring.Verify(t.Context(), []byte(annexMessage), unhex(t, c.signature), ""))
			require.Equal(t, c.problem, e.Problem)
		})
	}
}
