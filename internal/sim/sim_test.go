package sim_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/internal/sim"
)

var (
	worlds   = flag.Int("worlds", 200, "how many worlds TestWorlds lets happen")
	seed     = flag.Uint64("seed", 1, "the seed of the first")
	parallel = flag.Bool("spread", true, "on all processors")
)

func TestWorlds(t *testing.T) {
	cfg := sim.Config{Seed: *seed, Worlds: *worlds, Out: os.Stdout, Verbose: testing.Verbose() && *worlds == 1, Progress: 1000}
	if *parallel {
		cfg.Parallel = runtime.GOMAXPROCS(0)
	}
	r := sim.Run(t, cfg)
	if testing.Verbose() {
		fmt.Print(r.Coverage())
	}
	fmt.Printf("worlds %d violations %d\n", r.Worlds, len(r.Violations))
	require.Empty(t, r.Missing, "a fault that never happened was not tested")
	require.Zero(t, len(r.Violations), "violations, see above")
}
