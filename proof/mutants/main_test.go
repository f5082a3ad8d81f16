package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A mistake that cannot be made any more is not looked for any more: whoever moves the
// source moves the edit.
func TestEveryMistakeCanBeMade(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	require.NoError(t, err)
	root := strings.TrimSpace(string(out))
	require.Len(t, mutants(), 15)
	names := map[string]bool{}
	for _, m := range mutants() {
		require.False(t, names[m.name], m.name)
		names[m.name] = true
		_, err := m.overlay(root, t.TempDir())
		require.NoError(t, err)
	}
}

func TestEditOfATextThatIsNotThereOnceFails(t *testing.T) {
	t.Parallel()
	e := edit{"x.go", "a == b", "a != b"}
	got, err := e.apply("if a == b {")
	require.NoError(t, err)
	require.Equal(t, "if a != b {", got)
	_, err = e.apply("if a == c {")
	require.ErrorContains(t, err, "x.go holds the text to edit 0 times")
	_, err = e.apply("a == b || a == b")
	require.ErrorContains(t, err, "2 times")
}

func TestOverlayEditsOneFileSeveralTimes(t *testing.T) {
	t.Parallel()
	root, dir := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "x.go"), []byte("one two"), 0o600))
	m := mutant{name: "m", edits: []edit{{"x.go", "one", "1"}, {"x.go", "two", "2"}}}
	name, err := m.overlay(root, dir)
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(dir, "0.go"))
	require.NoError(t, err)
	require.Equal(t, "1 2", string(b))
	b, err = os.ReadFile(name)
	require.NoError(t, err)
	require.Contains(t, string(b), filepath.Join(root, "x.go"))
	b, err = os.ReadFile(filepath.Join(root, "x.go"))
	require.NoError(t, err)
	require.Equal(t, "one two", string(b), "the source is not touched")
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-worlds", "0"}, {"-parallel", "0"}, {"-run", "("}, {"-run", "no such mistake"}, {"more"}, {"-x"}} {
		var out, errs bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), args, &out, &errs), args)
		require.NotEmpty(t, errs.String())
	}
}
