package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The files in which hosts leave what the auditor reads.
const (
	toldLog  = "told.jsonl"
	eventLog = "events.jsonl"
)

// log is a file of lines. A line is written by one call of the system, so that a kill
// leaves it whole or not at all.
type log struct{ f *os.File }

func openLog(dir, name string) (*log, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return &log{f}, err
}

func (l *log) append(line any) error {
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = l.f.Write(append(b, '\n'))
	return err
}

// readLog reads all lines; none where no host came so far.
func readLog[T any](dir, name string) ([]T, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []T
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		var line T
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", name, lines.Text(), err)
		}
		all = append(all, line)
	}
	return all, lines.Err()
}
