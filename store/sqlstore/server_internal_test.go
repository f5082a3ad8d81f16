package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/journal"
)

// stuck is a database whose one connection answers ROLLBACK with an error.
type stuck struct{ opened, closed int }

func (s *stuck) Connect(context.Context) (driver.Conn, error) { s.opened++; return s, nil }
func (s *stuck) Driver() driver.Driver                        { return nil }
func (s *stuck) Prepare(string) (driver.Stmt, error)          { return nil, errors.New("not prepared") }
func (s *stuck) Begin() (driver.Tx, error)                    { return s, nil }
func (s *stuck) Commit() error                                { return nil }
func (s *stuck) Rollback() error                              { return errors.New("not rolled back") }
func (s *stuck) Close() error                                 { s.closed++; return nil }

// What could not be rolled back must not be committed by the next BEGIN.
func TestConnectionThatDoesNotRollBackIsClosed(t *testing.T) {
	t.Parallel()
	var s stuck
	pool := sql.OpenDB(&s)
	db := &DB{cfg: Config{}.withDefaults(), dialect: inMySQL(true, false), writer: pool, reader: pool, reads: pool}
	r := &server{db: db}
	refused := errors.New("refused")
	err := r.once(t.Context(), t.Context(), func(context.Context, session) error { return refused })
	require.ErrorIs(t, err, refused)
	require.ErrorIs(t, err, journal.ErrNotCommitted)
	require.Equal(t, stuck{opened: 1, closed: 1}, s)
	require.NoError(t, pool.Close())
}
