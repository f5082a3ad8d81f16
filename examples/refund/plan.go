package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// plan says what to run, and where. What a killed run needs to go on is kept beside
// the journal before anything else is written.
type plan struct {
	Seed uint64 `json:"seed"`
	N    int    `json:"n"`

	given    []string // names of the flags
	file     string   // of the journal
	patience time.Duration
	dir      string // to remove; empty with -db
}

const defaultPatience = 45 * time.Second

var errUsage = errors.New("wrong flags")

// prepare finds the place of the files, and whether this goes on with an earlier run.
func (p *plan) prepare() (again bool, err error) {
	if p.file == "" {
		if p.dir, err = os.MkdirTemp("", "bankrail-refund-"); err != nil {
			return false, err
		}
		p.file = filepath.Join(p.dir, "shop.db")
	}
	name := p.file + ".plan"
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, p.save(name)
	}
	if err != nil {
		return false, err
	}
	var before plan
	if err := json.Unmarshal(b, &before); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	if slices.Contains(p.given, "seed") && before.Seed != p.Seed || slices.Contains(p.given, "n") && before.N != p.N {
		return false, fmt.Errorf("%w: %s was begun with -seed %d -n %d", errUsage, p.file, before.Seed, before.N)
	}
	p.Seed, p.N = before.Seed, before.N
	return true, nil
}

// save writes the plan as a whole or not at all.
func (p *plan) save(name string) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	f, err := os.Create(name + ".new")
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// logger writes to a file beside the journal, so that the terminal shows the story.
func (p *plan) logger() (*slog.Logger, io.Closer, error) {
	f, err := os.OpenFile(p.file+".log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug})), f, nil
}

// tidy removes the temporary directory of a run that ended well or was interrupted.
// What went wrong is kept, for whoever has to find out.
func (p *plan) tidy(w io.Writer, well bool) {
	switch {
	case p.dir == "":
	case well:
		_ = os.RemoveAll(p.dir) // it is temporary
	default:
		_, _ = fmt.Fprintf(w, "The files of this run are kept in %s\n", p.dir)
	}
}
