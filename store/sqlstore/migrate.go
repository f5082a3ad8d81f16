package sqlstore

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/bankrail/bankrail/internal/point"
)

// migration is one file of migrations/, in goose's format.
type migration struct {
	version int64
	name    string
	up      []string
}

// Migrations gives the schema's SQL files, in folders named postgres, mysql and
// sqlite, for hosts that run such things themselves (Config.NoMigrate). They are in
// goose's format and are meant for `goose -table bankrail_goose_db_version`; whoever
// runs the "+goose Up" half of a file by other means adds its number to that table.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return migrations // cannot be: the name is a valid one
	}
	return sub
}

// migrate brings the schema up to date, and keeps goose's books in
// bankrail_goose_db_version: `goose -table bankrail_goose_db_version` reads them. The
// host's own goose table, in the same database, is left alone.
func (db *DB) migrate(ctx context.Context) error {
	files, err := readMigrations(migrations, "migrations/"+db.dialect.name)
	if err != nil {
		return err
	}
	if db.cfg.NoMigrate || db.server() {
		current, err := db.on(db.writer).current(ctx, files)
		if err == nil && !current && db.cfg.NoMigrate {
			err = fmt.Errorf("%w: want version %d", ErrOlder, files[len(files)-1].version)
		}
		if err != nil || current {
			return err
		}
	}
	if db.dialect.halfDone != nil {
		return db.migrateInSteps(ctx, files)
	}
	return db.migrateAtOnce(ctx, files)
}

// current reports whether all files are applied, without writing anything.
func (s session) current(ctx context.Context, files []migration) (bool, error) {
	if exists, err := s.has(ctx, s.hasVersions); err != nil || !exists {
		return false, err
	}
	applied, err := s.versions(ctx, files)
	for _, m := range files {
		if !applied[m.version] {
			return false, err
		}
	}
	return true, err
}

// migrateAtOnce applies what is missing, all of it in one transaction.
func (db *DB) migrateAtOnce(ctx context.Context, files []migration) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	s := db.on(tx)
	if s.lockSchema != "" {
		if _, err := tx.ExecContext(ctx, s.lockSchema); err != nil {
			return err
		}
	}
	applied, err := s.books(ctx, files)
	if err != nil {
		return err
	}
	for _, m := range files {
		if applied[m.version] {
			continue
		}
		for _, statement := range m.up {
			point.At(ctx, point.HalfMigrated, "")
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

// books makes the version table where it is missing, and reads it.
func (s session) books(ctx context.Context, files []migration) (map[int64]bool, error) {
	if _, err := s.q.ExecContext(ctx, s.createVersions); err != nil {
		return nil, err
	}
	applied, err := s.versions(ctx, files)
	if err == nil && len(applied) == 0 { // goose's own first row
		_, err = s.q.ExecContext(ctx, s.insertVersion, 0)
	}
	return applied, err
}

// versions reads which migrations are applied (true) or were begun (false): the last
// row of each counts.
func (s session) versions(ctx context.Context, files []migration) (map[int64]bool, error) {
	applied := map[int64]bool{}
	err := s.each(ctx, func(r scanner) error {
		var v int64
		var up bool
		err := r.Scan(&v, &up)
		applied[v] = up
		return err
	}, s.getVersion)
	last := files[len(files)-1].version
	for v, up := range applied {
		if up && v > last {
			return nil, newer(v, last)
		}
	}
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
