package bankrail_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shown lists the documents for hosts. What they show as Go is taken, line by line, from
// examples, which are compiled with the tests.
var shown = []string{"README.md", "README.zh-CN.md", "docs/stores.md", "docs/idempotency.md", "docs/brokers.md", "docs/operations.md"}

// uncompiled lists what a document shows although it cannot be compiled here, by its
// first line, with the reason.
var uncompiled = map[string]string{
	"type RocketMQ struct {": "its client cannot be had from the module proxy; the document says so",
}

func TestDocumentsShowGoThatCompiles(t *testing.T) {
	t.Parallel()
	var sources []string
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".go") {
			return err
		}
		if strings.HasPrefix(filepath.ToSlash(p), "examples/") || d.Name() == "example_test.go" {
			b, err := os.ReadFile(p)
			require.NoError(t, err)
			sources = append(sources, unindented(string(b)))
		}
		return nil
	})
	require.NoError(t, err)
	checked := 0
	for _, name := range shown {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		blocks := strings.Split(string(b), "```go\n")[1:]
		checked += len(blocks)
		for _, block := range blocks {
			code, _, closed := strings.Cut(block, "```")
			require.True(t, closed, "%s: a block does not end", name)
			first, _, _ := strings.Cut(code, "\n")
			if uncompiled[first] != "" {
				continue
			}
			found := false
			for _, source := range sources {
				found = found || strings.Contains(source, unindented(code))
			}
			require.True(t, found, "%s shows code that stands in no example:\n%s", name, code)
		}
	}
	require.Greater(t, checked, 20, "the documents show more than that")
}

// unindented drops what differs between a document and a source: how deep lines stand,
// and empty lines.
func unindented(code string) string {
	var b strings.Builder
	b.WriteByte('\n')
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
