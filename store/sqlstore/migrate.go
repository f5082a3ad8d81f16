package sqlstore

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// migration is one file of migrations/, in goose's format.
type migration struct {
	version int64
	name    string
	up      []string
}

// migrate applies what is missing, all of it in one transaction, and keeps goose's
// books in bankrail_goose_db_version: `goose -table bankrail_goose_db_version` reads
// them. The host's own goose table, in the same database, is left alone.
func (db *DB) migrate(ctx context.Context) error {
	files, err := readMigrations(migrations, "migrations/"+db.dialect.name)
	if err != nil {
		return err
	}
	last := files[len(files)-1].version
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	s := db.on(tx)
	if _, err := tx.ExecContext(ctx, s.createVersions); err != nil {
		return err
	}
	applied, err := s.versions(ctx)
	if err != nil {
		return err
	}
	for v := range applied {
		if v > last {
			return newer(v, last)
		}
	}
	if len(applied) == 0 { // goose's own first row
		if _, err := tx.ExecContext(ctx, s.insertVersion, 0); err != nil {
			return err
		}
	}
	for _, m := range files {
		if applied[m.version] {
			continue
		}
		for _, statement := range m.up {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("migration %s: %w", m.name, err)
			}
		}
		if _, err := tx.ExecContext(ctx, s.insertVersion, m.version); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return tx.Commit()
}

// versions reads which migrations are applied: the last row of each counts.
func (s session) versions(ctx context.Context) (map[int64]bool, error) {
	applied := map[int64]bool{}
	err := s.each(ctx, func(r scanner) error {
		var v int64
		var up bool
		err := r.Scan(&v, &up)
		if delete(applied, v); up {
			applied[v] = true
		}
		return err
	}, s.getVersion)
	return applied, err
}

// readMigrations reads the Up half of every file in dir, by version.
func readMigrations(files fs.FS, dir string) ([]migration, error) {
	names, err := fs.Glob(files, dir+"/*.sql")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no migrations in %s: %w", dir, err)
	}
	var ms []migration
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		ms = append(ms, migration{version, path.Base(name), upStatements(string(text))})
	}
	slices.SortFunc(ms, func(a, b migration) int { return int(a.version - b.version) })
	return ms, nil
}

// upStatements splits what stands between "-- +goose Up" and "-- +goose Down" at
// the semicolons that end lines, as goose does. Of goose's annotations these are the
// only two our files use.
func upStatements(text string) []string {
	_, up, _ := strings.Cut(text, "-- +goose Up\n")
	up, _, _ = strings.Cut(up, "-- +goose Down\n")
	var statements []string
	var b strings.Builder
	for line := range strings.Lines(up) {
		if trimmed := strings.TrimSpace(line); trimmed == "" || strings.HasPrefix(trimmed, "--") {
			continue
		}
		b.WriteString(line)
		if strings.HasSuffix(strings.TrimSpace(line), ";") {
			statements = append(statements, b.String())
			b.Reset()
		}
	}
	return statements
}
