package sim_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/internal/sim"
)

// A seed that once found something is tried for ever. The first line of its file is
// the seed, the others say what it found.
func TestSeeds(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/seeds/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			line, err := bufio.NewReader(f).ReadString('\n')
			require.NoError(t, err)
			var seed uint64
			_, err = fmt.Sscan(line, &seed)
			require.NoError(t, err)
			r := sim.Run(t, sim.Config{Seed: seed, Out: t.Output()})
			require.Empty(t, r.Violations)
		})
	}
}
