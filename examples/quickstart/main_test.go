package main

import (
	"io"
	"os"
	"strings"
	"testing"
)

// The program of the README is this one, byte for byte, and prints what the README
// says: the first time, and again when the journal has the number already.
func TestReadmeProgram(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		b, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		before, rest, _ := strings.Cut(text, "```go\n")
		shown, _, _ := strings.Cut(rest, "```\n")
		if shown != string(program) {
			t.Errorf("the first Go block of %s is not examples/quickstart/main.go", name)
		}
		if n := strings.Count(before, "\n"); n > 20 {
			t.Errorf("the program of %s begins on line %d, after 20", name, n+1)
		}
		if !strings.Contains(text, "\n"+output) {
			t.Errorf("%s does not say that the program prints %q", name, output)
		}
	}

	t.Chdir(t.TempDir())
	for range 2 {
		if got := printed(t, main); got != output {
			t.Fatalf("printed %q, not %q", got, output)
		}
	}
}

const output = "R1001 succeeded 12.34 CNY\n"

// printed runs f and returns what it writes to the standard output.
func printed(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdout
	os.Stdout = w
	f()
	os.Stdout = old
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
