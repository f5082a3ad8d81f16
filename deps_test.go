package bankrail_test

import (
	"flag"
	"go/ast"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

const depsGolden = "testdata/deps.golden"

// Whoever imports bankrail takes over every module it links, with its bugs, its
// maintainers and its advisories. So each is asked for by name.
func TestDependenciesWereAskedFor(t *testing.T) {
	t.Parallel()
	linked := linkedModules(t)
	lines := []string{
		"# The modules go.mod of the core names: who links it (hosts, or only its tests) and",
		"# whether it is imported here or by another module. See deps_test.go.",
	}
	for _, m := range requirements(t) {
		use := "test"
		if slices.Contains(linked, m.path) {
			use = "host"
		}
		lines = append(lines, use+" "+m.how+" "+m.path)
	}
	slices.Sort(lines[2:])
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile(depsGolden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(depsGolden)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "the core's dependencies changed. The default answer to another one is no; "+
		"where it is yes, say why in docs/design.md and run: go test -run TestDependenciesWereAskedFor -update .")
}

type requirement struct{ path, how string }

// requirements reads the require lines of go.mod.
func requirements(t *testing.T) []requirement {
	t.Helper()
	b, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	require.NotContains(t, string(b), "\nreplace", "a host would not get what is replaced here")
	var list []requirement
	for _, m := range regexp.MustCompile(`(?m)^(?:require )?\t?(\S+\.\S+/\S+|\S+\.\S+) v\S+( // indirect)?$`).FindAllStringSubmatch(string(b), -1) {
		how := "direct"
		if m[2] != "" {
			how = "indirect"
		}
		list = append(list, requirement{m[1], how})
	}
	require.NotEmpty(t, list)
	return list
}

// linkedModules lists what the packages that hosts import link: all of the core but
// the suites that are there to be run by tests.
func linkedModules(t *testing.T) []string {
	t.Helper()
	args := []string{"list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}"}
	dirs := map[string]bool{}
	eachFile(t, func(dir, _ string, _ *ast.File) {
		nested := strings.HasPrefix(dir, "cmd/") || strings.HasPrefix(dir, "examples/") ||
			strings.HasPrefix(dir, "proof/") || slices.Contains([]string{"proof", "broker", "store/sqlstore", "store/redisstore"}, dir)
		if !nested && dir != "store/storetest" && !strings.HasPrefix(dir, "internal/") {
			dirs["./"+dir] = true
		}
	})
	for dir := range dirs {
		args = append(args, dir)
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}
