package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mutant is one mistake.
type mutant struct {
	name string
	// by is the proof that has to find it.
	by    proof
	edits []edit
}

// edit replaces a text that stands exactly once in a file.
type edit struct{ file, old, new string }

// proof is a test that looks for mistakes.
type proof struct {
	name string
	// pkg is the package of the test, run what of it is run.
	pkg, run string
	// found is what it prints when it finds something.
	found string
	// args are what makes it look at n of them, env the same in the environment.
	args, env func(n int) []string
}

// overlay writes the edited files into dir, and the file for go's -overlay, whose
// name it returns.
func (m mutant) overlay(root, dir string) (string, error) {
	texts := map[string]string{}
	for _, e := range m.edits {
		text, ok := texts[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				return "", err
			}
			text = string(b)
		}
		text, err := e.apply(text)
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.name, err)
		}
		texts[e.file] = text
	}
	replace := map[string]string{}
	for file, text := range texts {
		name := filepath.Join(dir, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, file)] = name
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, b, 0o600)
}

// apply makes the mistake. The source has moved on where the text is not found.
func (e edit) apply(text string) (string, error) {
	if n := strings.Count(text, e.old); n != 1 {
		return "", fmt.Errorf("%s holds the text to edit %d times instead of once: %q", e.file, n, e.old)
	}
	return strings.Replace(text, e.old, e.new, 1), nil
}
