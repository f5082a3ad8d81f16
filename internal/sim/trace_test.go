package sim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/internal/sim"
)

// A violation is worth only as much as its seed: the same seed has to be the same
// world, to the nanosecond.
func TestSameSeedSameTrace(t *testing.T) {
	t.Parallel()
	first := sim.Run(t, sim.Config{Seed: 1, Worlds: 40, Parallel: 2})
	for range 10 {
		require.Equal(t, first.Sums, sim.Run(t, sim.Config{Seed: 1, Worlds: 40, Parallel: 2}).Sums)
	}
	require.NotEqual(t, first.Sums[1], first.Sums[2], "another seed is another world")
}
