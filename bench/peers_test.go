// Package bench measures package sign beside the SDKs people use today, in one run
// on one machine: canonical text, RSA and SM2, sign and verify. It is a module of its
// own outside go.work, and all of it is tests, so that nobody who builds bankrail
// downloads a peer. Run it with "make bench", or "GOWORK=off go test -count=1" here.
//
// Every row does the same work on the same fields and is checked for it first. The
// first row of each table is the floor: the least code that could do it.
package bench_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// What has to hold; a run that falls short fails.
const (
	// textShare is the largest part of the fastest peer's time that the canonical
	// text may take.
	textShare = 1.0 / 3
	// sm2Times is how many times faster than tjfoc/gmsm the verification of SM2 has
	// to be. Signing cannot be: the floor itself is about eight times faster than
	// tjfoc, so its own measure is nearness to the floor.
	sm2Times = 15
	// sm2Share is the most that an SM2 signature may cost of the floor.
	sm2Share = 1.1
)

func TestPeers(t *testing.T) {
	text, rsaSign, rsaVerify, sm2Sign, sm2Verify := textGroup(t), rsaSignGroup(t), rsaVerifyGroup(t), sm2SignGroup(t), sm2VerifyGroup(t)
	fmt.Printf("medians of %d interleaved rounds\n\n", rounds)
	for _, g := range []group{text, rsaSign, rsaVerify, sm2Sign, sm2Verify} {
		g.measure()
		g.print(os.Stdout)
	}

	ours := text.row(bankrailText)
	share := max(ours.ratio(text.row(gopayName)), ours.ratio(text.row(smartwalleName)))
	signs := sm2Sign.row(tjfocName).ratio(sm2Sign.row(bankrailName))
	verifies := sm2Verify.row(tjfocName).ratio(sm2Verify.row(bankrailName))
	floor := sm2Sign.row(bankrailName).ratio(sm2Sign.rows[0])
	fmt.Printf("figure: text %.2f of the fastest peer with %.0f allocations (want ≤ %.2f, 0); SM2 verify %.1f times tjfoc (want ≥ %d), sign %.1f times tjfoc and %.2f of the floor (want ≤ %.1f)\n",
		share, ours.allocs, textShare, verifies, sm2Times, signs, floor, sm2Share)
	require.LessOrEqual(t, share, textShare, "canonical text against the fastest peer")
	require.Zero(t, ours.allocs, "allocations of the canonical text")
	require.GreaterOrEqual(t, verifies, float64(sm2Times), "SM2 verify against tjfoc")
	require.LessOrEqual(t, floor, sm2Share, "SM2 sign against the floor")
}

const (
	bankrailName   = "bankrail"
	bankrailText   = "bankrail Text.Append"
	gopayName      = "gopay v1.5.123"
	smartwalleName = "smartwalle/alipay v3.2.30"
	wechatName     = "wechatpay-go v0.2.21"
	tjfocName      = "tjfoc/gmsm v1.4.1"
)
