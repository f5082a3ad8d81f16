package bankrail_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/bankrail/bankrail"

// layers lists every package with the siblings it may import outside tests; "." is
// the root package, and "*" marks programs, which put everything together. A package
// that is not listed fails the test until somebody has decided where it stands.
var layers = map[string]string{
	".":                    "",
	"sign":                 "",
	"sign/tjfoc":           "sign",
	"sign/envelope":        "sign",
	"client":               ". sign",
	"idempotency":          ".",
	"internal/point":       "",
	"internal/directed":    ". journal idempotency internal/point",
	"internal/sim":         ". idempotency internal/point journal refund store/memstore",
	"internal/faultproxy":  "",
	"journal":              ". idempotency internal/point",
	"refund":               ". journal",
	"notify":               ". journal internal/point",
	"worker":               ". journal",
	"gateway/lanhai":       ". sign client journal notify refund",
	"store/memstore":       ". journal idempotency",
	"store/storetest":      ". journal idempotency",
	"store/sqlstore":       ". journal idempotency internal/point",
	"store/redisstore":     ". idempotency internal/point",
	"broker":               ". journal",
	"proof":                "*",
	"proof/crash":          "*",
	"proof/audit":          ". journal sandbox",
	"proof/mutants":        "*",
	"proof/wire":           "",
	"sandbox":              "sign", // a bank that shared code with its client would share its mistakes
	"cmd/bankrail":         "*",
	"examples/idempotency": "*",
	"examples/quickstart":  "*",
	"examples/orders":      "*",
	"examples/refund":      "*",
	"examples/scaleout":    "*",
}

// fenced lists foreign packages (and what is below them) with where they may be
// imported, and why nowhere else.
var fenced = map[string]struct{ where, why string }{
	"github.com/go-resty/resty":         {"client", "one place decides what was sent"},
	"github.com/emmansun/gmsm":          {"sign sign/envelope", "one place holds keys and algorithms"},
	"github.com/tjfoc/gmsm":             {"sign/tjfoc", "it signs and verifies with checked numbers; its key files, ciphers and decryption are not safe"},
	"github.com/sony/gobreaker":         {"client", "operations ask a gateway whether it is ready, never a breaker"},
	"github.com/nats-io":                {"broker examples/scaleout", "the journal knows publishers by its own interface only"},
	"github.com/twmb/franz-go":          {"broker", "the journal knows publishers by its own interface only"},
	"net/http":                          {"client idempotency notify sandbox gateway/lanhai cmd/bankrail examples/orders examples/refund examples/quickstart examples/idempotency examples/scaleout proof/crash", "the rest must work without a network"},
	"database/sql":                      {"store/sqlstore examples/orders examples/refund examples/scaleout proof/crash", "the journal knows stores by its own interface only"},
	"modernc.org/sqlite":                {"store/sqlstore proof/crash", "whoever brings another database links none of it"},
	"github.com/jackc/pgx":              {"store/sqlstore examples/scaleout", "whoever brings another database links none of it"},
	"github.com/go-sql-driver":          {"store/sqlstore", "whoever brings another database links none of it"},
	"testing":                           {"store/storetest internal/sim internal/directed", "hosts do not link test code"},
	"github.com/stretchr/testify":       {"store/storetest internal/directed", "hosts do not link test code"},
	"pgregory.net/rapid":                {"store/storetest", "hosts do not link test code"},
	"github.com/anishathalye/porcupine": {"store/storetest", "hosts do not link test code"},
	"unsafe":                            {"", "nothing here needs it"},
}

// clocks are the only files that may call time.Now; everything else takes a clock,
// so that a test can turn it.
var clocks = map[string]string{
	"sign/ring.go":                 "the default of RingConfig.Now, for a zero KeyRing",
	"internal/directed/bank.go":    "it lives in virtual time",
	"internal/directed/node.go":    "it lives in virtual time",
	"internal/directed/world.go":   "it lives in virtual time",
	"client/attempt.go":            "deadlines of sockets are set against the system's clock",
	"sandbox/clock.go":             "the real Clock",
	"internal/sim/clock.go":        "the virtual time of a bubble",
	"internal/faultproxy/carry.go": "how long a piece of wire held back is no time that is kept",
	"store/sqlstore/sqlite.go":     "how long to wait for a lock is no time that is kept",
	"store/storetest/histories.go": "a history is what callers saw in real time",
	"store/storetest/locker.go":    "leases of locks end by the real clock of the process that holds them",
}

func TestLayers(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	eachFile(t, func(dir, name string, f *ast.File) {
		allowed, listed := layers[dir]
		if seen[dir] = true; !listed {
			t.Errorf("package %s is not in the table: say in layers_test.go what it may import", dir)
			return
		}
		for _, part := range strings.Split(dir, "/") {
			if slices.Contains([]string{"util", "utils", "common", "types", "core", "helper", "helpers"}, part) {
				t.Errorf("%s: a package named %q says nothing about what it owns", dir, part)
			}
		}
		for _, spec := range f.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if own, ok := strings.CutPrefix(imported+"/", module+"/"); ok {
				own = path.Clean(own)
				if allowed != "*" && !slices.Contains(strings.Fields(allowed), own) {
					t.Errorf("%s imports %s: the table lets %s import only [%s]; the import directions are what keeps gateways, stores and operations apart", name, own, dir, allowed)
				}
			}
			for fence, rule := range fenced {
				if (imported == fence || strings.HasPrefix(imported, fence+"/")) && !slices.Contains(strings.Fields(rule.where), dir) {
					t.Errorf("%s imports %s, which belongs into [%s] only: %s", name, imported, rule.where, rule.why)
				}
			}
		}
		forbidden(t, dir, name, f)
	})
	for dir, allowed := range layers {
		if !seen[dir] && allowed != "*" {
			t.Errorf("the table lists %s, which does not exist", dir)
		}
	}
}

// forbidden reports what must not be written, wherever it stands.
func forbidden(t *testing.T, dir, name string, f *ast.File) {
	t.Helper()
	words := map[string]string{
		"InsecureSkipVerify": "whoever answers must prove to be the bank",
		"SetRetryCount":      "resty would send a refund again, whatever became of the first",
		"SetDebug":           "resty would log keys and card numbers",
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if why, bad := words[n.Name]; bad {
				t.Errorf("%s uses %s: %s", name, n.Name, why)
			}
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				t.Errorf("%s has a func init: importing a package must do nothing", name)
			}
		case *ast.CallExpr:
			call, arg := selector(n.Fun), ""
			if len(n.Args) == 1 {
				if lit, ok := n.Args[0].(*ast.BasicLit); ok {
					arg = strings.ToLower(lit.Value)
				}
			}
			if call == "time.Now" && clocks[name] == "" && f.Name.Name != "main" {
				t.Errorf("%s calls time.Now: take a clock from the Config (`= time.Now` as its default is fine)", name)
			}
			if call == "panic" && strings.Contains(arg, "todo") {
				t.Errorf("%s panics with %s: what is not there yet must not compile", name, arg)
			}
		case *ast.SelectorExpr:
			if s := selector(n); dir == "sandbox" && slices.Contains([]string{"sign.Text", "sign.JSONFields", "sign.Field"}, s) {
				t.Errorf("%s uses %s: the bank builds the signed text by itself, or a mistake would cancel itself out", name, s)
			}
		}
		return true
	})
}

func selector(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return selector(e.X) + "." + e.Sel.Name
	}
	return ""
}

// eachFile parses every Go file of every module here but tests, whatever its build
// tags and whether go.work lists it. It walks by itself, because go list would show
// only one module, or one platform, and go test would not notice a new file.
func eachFile(t *testing.T, visit func(dir, name string, f *ast.File)) {
	t.Helper()
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		name := filepath.ToSlash(p)
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.Name() == "go.mod":
			b, err := os.ReadFile(p)
			require.NoError(t, err)
			require.Equal(t, "module "+path.Join(module, path.Dir(name)), strings.SplitN(string(b), "\n", 2)[0], "a module's path is its directory")
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			f, err := parser.ParseFile(fset, p, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			visit(path.Dir(name), name, f)
		}
		return nil
	})
	require.NoError(t, err)
}
