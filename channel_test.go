package bankrail_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
)

func TestIDNamesOneEntry(t *testing.T) {
	t.Parallel()
	id := bankrail.ID{
		Channel: bankrail.Channel{Gateway: "lanhai-sandbox", Merchant: "M1001"},
		Op:      bankrail.OpRefund, Number: "R1001",
	}
	require.Equal(t, "lanhai-sandbox/M1001/refund/R1001", id.String())
	other := id
	other.Gateway = "lanhai-production"
	require.NotEqual(t, id, other, "a record of the sandbox never answers for production")
}

func TestCorrectionIsAnOperationOfItsOwn(t *testing.T) {
	t.Parallel()
	require.False(t, bankrail.OpRefund.IsCorrection())
	c := bankrail.OpRefund.Correction()
	require.True(t, c.IsCorrection())
	require.NotEqual(t, bankrail.OpRefund, c)
	require.Equal(t, bankrail.Op("refund.correction"), c, "journals hold this name")
}
