package sandbox_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/sign"
)

func TestRefundGoesRoundInBothAlgorithms(t *testing.T) {
	t.Parallel()
	for _, alg := range []sign.Algorithm{sign.SM2SM3, sign.RSASHA256} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			g := open(t, func(o *sandbox.Options) { o.Algorithm = alg })

			s := g.refund("R1", "1234")
			require.NoError(t, s.err)
			require.True(t, s.valid)
			require.Equal(t, 200, s.status)
			require.Equal(t, "0000", s.code())
			require.Equal(t, "PROCESSING", s.body["status"])
			require.Equal(t, "1234", s.body["refundAmount"])
			require.Equal(t, "2026-11-21T22:00:00+08:00", s.body["acceptedAt"])

			g.bank.Advance(10 * time.Second)
			s = g.query("R1")
			require.True(t, s.valid)
			require.Equal(t, "SUCCESS", s.body["status"])
			require.Equal(t, "2026-11-21T22:00:10+08:00", s.body["refundedAt"])
			require.Equal(t, 1, g.row("R1").Executions)
			got := g.hook.all()
			require.Len(t, got, 1)
			require.True(t, got[0].valid)
			require.Equal(t, "SUCCESS", got[0].body["status"])
			require.Equal(t, "M1001", got[0].body["merchantId"])
			require.True(t, g.bank.Notices()[0].Acknowledged)
		})
	}
}
