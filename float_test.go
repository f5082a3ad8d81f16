package bankrail_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// inexact lists files that may count in floats, and what they count. Money is never
// a reason. Today there is none.
var inexact = map[string]string{}

// A float holds no cent exactly, and one that is only passed through rounds a
// large amount: so there is none, of anything, in code that hosts link.
func TestNoFloats(t *testing.T) {
	t.Parallel()
	types := []string{"float32", "float64", "complex64", "complex128"}
	calls := []string{
		"strconv.ParseFloat", "strconv.FormatFloat", "strconv.AppendFloat", "strconv.ParseComplex",
		"big.Float", "big.NewFloat", "big.ParseFloat", "flag.Float64",
	}
	eachFile(t, func(_, name string, f *ast.File) {
		if inexact[name] != "" {
			return
		}
		found := func(what string) {
			t.Errorf("%s: %s. Amounts are bankrail.Money, ratios whole per mille, durations whole units", name, what)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if slices.Contains(types, n.Name) {
					found(n.Name)
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT || n.Kind == token.IMAG {
					found("the literal " + n.Value)
				}
			case *ast.SelectorExpr:
				s := selector(n)
				if slices.Contains(calls, s) || strings.HasPrefix(s, "math.Float") || strings.HasPrefix(s, "rand.Float") || strings.HasPrefix(s, "rand.Norm") {
					found(s)
				}
			}
			return true
		})
	})
}
