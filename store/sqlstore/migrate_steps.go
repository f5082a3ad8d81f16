package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/bankrail/bankrail/internal/point"
)

// migrateInSteps applies what is missing on a server that commits every statement of
// a migration by itself. Before each step the books get a row that says so (not
// applied, in goose's words): only the last step begun may turn out to be done
// already, so that a table of somebody else's is an error and never taken for ours.
func (db *DB) migrateInSteps(ctx context.Context, files []migration) error {
	conn, err := db.writer.Conn(ctx) // the lock belongs to a connection
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	s := db.on(conn)
	if err := s.takeSchema(ctx); err != nil {
		return err
	}
	err = s.steps(ctx, files)
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var released sql.NullInt64
	return errors.Join(err, s.q.QueryRowContext(release, s.unlockSchema).Scan(&released))
}

// takeSchema waits for the lock of migrations.
func (s session) takeSchema(ctx context.Context) error {
	var got sql.NullInt64
	if err := s.q.QueryRowContext(ctx, s.lockSchema).Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return fmt.Errorf("%w: another process migrates", ErrBusy)
	}
	return nil
}

func (s session) steps(ctx context.Context, files []migration) error {
	applied, err := s.books(ctx, files)
	if err != nil {
		return err
	}
	for _, m := range files {
		if applied[m.version] {
			continue
		}
		if err := s.step(ctx, m); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return nil
}

// step applies one file, or the rest of it where it was begun.
func (s session) step(ctx context.Context, m migration) error {
	begun, err := s.begun(ctx, m.version)
	if err != nil {
		return err
	}
	for i, statement := range m.up {
		if i < begun-1 {
			continue
		}
		if i >= begun {
			if _, err := s.q.ExecContext(ctx, s.beginVersion, m.version); err != nil {
				return err
			}
		}
		if _, err := s.q.ExecContext(ctx, statement); err != nil && (i >= begun || !s.halfDone(err)) {
			if i >= begun && s.answered(err) { // certainly not done: the next try finds it so
				_, undo := s.q.ExecContext(ctx, s.unbeginVersion, m.version)
				err = errors.Join(err, undo)
			}
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		point.At(ctx, point.HalfMigrated, "")
	}
	_, err = s.q.ExecContext(ctx, s.insertVersion, m.version)
	return err
}

// begun counts the steps of a file that were begun since it was last undone; the last
// of them may or may not be done.
func (s session) begun(ctx context.Context, version int64) (int, error) {
	n := 0
	err := s.each(ctx, func(r scanner) error {
		var v int64
		var up bool
		err := r.Scan(&v, &up)
		if v == version && !up {
			n++
		}
		return err
	}, s.getVersion)
	return n, err
}
