package sim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/internal/sim"
)

// lives is how many worlds of a kept seed's plan happen.
const lives = 30

// The troubles of a seed that once found something are tried for ever. The first line
// of its file is "seed S plan P". A change of the generator adds a version of the plans
// and leaves those before as they are, so the troubles stay; what exactly happens in a
// world changes with every change of the code, so that many worlds of that plan are let
// happen. Lines "meets: …" name what the seed was kept for, as the coverage calls it:
// where none of the worlds meets it any more, find another seed (TestWorlds with
// -meets), or remove the file. The other lines say what the seed found.
func TestSeeds(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/seeds/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			cfg := sim.Config{Out: t.Output(), Lives: true, Worlds: lives}
			_, err = fmt.Sscanf(string(text), "seed %d plan %d\n", &cfg.Seed, &cfg.Plan)
			require.NoError(t, err, "the first line has to be: seed S plan P")
			r := sim.Run(t, cfg)
			require.Zero(t, len(r.Violations), "violations, see above")
			kept := 0
			for line := range strings.Lines(string(text)) {
				if name, ok := strings.CutPrefix(strings.TrimSpace(line), "meets: "); ok {
					kept++
					require.Positive(t, r.Seen[name], "no world of the seed meets %q any more: find another, or remove the file", name)
				}
			}
			require.Positive(t, kept, "the file has to say what its world meets")
		})
	}
}
