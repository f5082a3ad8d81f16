package sqlstore_test

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/internal/sim"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// The worlds of the simulation on a real database, few unless BANKRAIL_TEST_SIM_SQLITE
// says how many.
func TestWorldsOnSQLite(t *testing.T) {
	t.Parallel()
	worlds := 20
	if s := os.Getenv("BANKRAIL_TEST_SIM_SQLITE"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err, "BANKRAIL_TEST_SIM_SQLITE is a number of worlds")
		worlds = n
	}
	r := sim.Run(t, sim.Config{
		Seed: 1, Worlds: worlds, Parallel: runtime.GOMAXPROCS(0), Out: t.Output(),
		Open: func(t *testing.T) journal.Store { return open(t, ":memory:", sqlstore.Config{}) },
	})
	t.Logf("worlds %d violations %d", r.Worlds, len(r.Violations))
	require.Zero(t, len(r.Violations), "violations, see above")
	require.Empty(t, r.Missing, "a fault that never happened was not tested")
}
