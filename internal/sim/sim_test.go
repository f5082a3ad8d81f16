package sim_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/internal/sim"
)

var (
	worlds   = flag.Int("worlds", 200, "how many worlds TestWorlds lets happen")
	seed     = flag.Uint64("seed", 1, "the seed of the first")
	plan     = flag.Int("plan", 0, "the version of the plans; 0 is the latest")
	meets    = flag.String("meets", "", "list the seeds whose worlds meet all of these, separated by commas")
	parallel = flag.Bool("spread", true, "on all processors")
)

func TestWorlds(t *testing.T) {
	cfg := sim.Config{Seed: *seed, Worlds: *worlds, Plan: *plan, Out: os.Stdout, Verbose: testing.Verbose() && *worlds == 1, Progress: 1000}
	if *meets != "" {
		cfg.Meets = strings.Split(*meets, ",")
	}
	cfg.Rewrites = terminal()
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

// terminal reports whether somebody watches the output as it comes.
func terminal() bool {
	info, err := os.Stdout.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != "null"
}
