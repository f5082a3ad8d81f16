package bankrail_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
)

var statuses = map[string]bankrail.Status{
	"created": bankrail.Created, "processing": bankrail.Processing, "manual": bankrail.Manual,
	"succeeded": bankrail.Succeeded, "failed": bankrail.Failed, "reversed": bankrail.Reversed,
}

// The table in the doc comment of Status is what people read, so it is what the
// methods are held to: each of its lines is a row of this test.
func TestStatusDoesWhatItsCommentSays(t *testing.T) {
	t.Parallel()
	rows := truthTable(t)
	require.Len(t, rows, len(statuses))
	edges := 0
	for _, row := range rows {
		name := row[0]
		s, ok := statuses[name]
		require.True(t, ok, name)
		next := strings.Split(row[5], ", ")
		if row[5] == "–" {
			next = nil
		}
		edges += len(next)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, name, s.String())
			require.True(t, s.Valid())
			require.Equal(t, told(t, row[1], "yes"), s.MaySend(), "first send")
			require.Equal(t, told(t, row[2], "by rule"), s.MayResend(), "send again")
			require.Equal(t, told(t, row[3], "yes"), s.MayAsk(), "ask")
			require.Equal(t, told(t, row[4], "yes"), s.Open(), "open")
			require.NotEqual(t, s.Open(), s.Final(), "every state is open or final")
			for other, o := range statuses {
				require.Equal(t, contains(next, other), s.MayBecome(o), "%s to %s", s, o)
			}
			require.False(t, s.MayBecome(s), "a state does not become itself")
			require.False(t, s.MayBecome(0))
		})
	}
	require.Equal(t, 10, edges, "an edge that came or went belongs into docs/states.md too")
}

// truthTable reads the rows of the table in the source.
func truthTable(t *testing.T) [][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "status.go", nil, parser.ParseComments)
	require.NoError(t, err)
	var doc string
	ast.Inspect(file, func(n ast.Node) bool {
		if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.TYPE {
			doc = d.Doc.Text()
		}
		return true
	})
	cells := regexp.MustCompile(` {2,}`)
	var rows [][]string
	for line := range strings.Lines(doc) {
		if line = strings.TrimRight(line, "\n"); strings.HasPrefix(line, "\t") {
			row := cells.Split(strings.TrimSpace(strings.ReplaceAll(line, "¹", "")), -1)
			require.Len(t, row, 6, line)
			rows = append(rows, row)
		}
	}
	require.NotEmpty(t, rows)
	require.Equal(t, []string{"status", "first send", "send again", "ask", "open", "changes to"}, rows[0])
	return rows[1:]
}

func told(t *testing.T, cell, yes string) bool {
	t.Helper()
	require.Contains(t, []string{yes, "–"}, cell)
	return cell == yes
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// All 36 pairs, written a second time, so that one slip in table and code together shows.
func TestStatusEdges(t *testing.T) {
	t.Parallel()
	order := []string{"created", "processing", "manual", "succeeded", "failed", "reversed"}
	want := map[string]string{ // a column per state above, in that order
		"created":    ".XX.X.",
		"processing": "X.XXX.",
		"manual":     "...XX.",
		"succeeded":  ".....X",
		"failed":     "......",
		"reversed":   "......",
	}
	for from, row := range want {
		for i, to := range order {
			require.Equal(t, row[i] == 'X', statuses[from].MayBecome(statuses[to]), "%s to %s", from, to)
		}
	}
}

// The diagram of docs/states.md has these edges and no others.
func TestStatesPageDrawsTheEdges(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/states.md")
	require.NoError(t, err)
	drawn := map[[2]string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^    ([A-Z][a-z]+) --> ([A-Z][a-z]+)`).FindAllStringSubmatch(string(page), -1) {
		drawn[[2]string{strings.ToLower(m[1]), strings.ToLower(m[2])}] = true
	}
	for from, f := range statuses {
		for to, o := range statuses {
			require.Equal(t, f.MayBecome(o), drawn[[2]string{from, to}], "%s to %s", from, to)
		}
	}
}

func TestStatusReservesUntilNoMoneyCanMove(t *testing.T) {
	t.Parallel()
	for name, s := range statuses {
		require.Equal(t, name != "failed" && name != "reversed", s.Reserves(), name)
	}
}

func TestNoStatusMayDoNothing(t *testing.T) {
	t.Parallel()
	for _, s := range []bankrail.Status{0, 7, 255} {
		require.False(t, s.Valid() || s.MaySend() || s.MayResend() || s.MayAsk() || s.Open() || s.Final() || s.Reserves())
		require.Equal(t, "none", s.String())
		for _, o := range statuses {
			require.False(t, s.MayBecome(o))
			require.False(t, o.MayBecome(s))
		}
	}
}

func TestStatusText(t *testing.T) {
	t.Parallel()
	for name, s := range statuses {
		b, err := json.Marshal(s)
		require.NoError(t, err)
		require.Equal(t, `"`+name+`"`, string(b))
		var back bankrail.Status
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, s, back)
	}
	b, err := bankrail.Status(0).MarshalText()
	require.NoError(t, err)
	require.Empty(t, b)
	_, err = bankrail.Status(7).MarshalText()
	require.ErrorIs(t, err, bankrail.ErrInvalid)

	for _, text := range []string{"Succeeded", "none", " failed", "success", strings.Repeat("x", 1<<16)} {
		s := bankrail.Manual
		err := s.UnmarshalText([]byte(text))
		require.ErrorIs(t, err, bankrail.ErrInvalid)
		require.Less(t, len(err.Error()), 100)
		require.Equal(t, bankrail.Manual, s, "what cannot be read changes nothing")
	}
}
