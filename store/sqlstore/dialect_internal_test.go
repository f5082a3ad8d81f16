package sqlstore

import (
	"reflect"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

func TestEveryStatementIsNumbered(t *testing.T) {
	t.Parallel()
	s := inSQLite()
	require.Len(t, s.all(), reflect.TypeFor[statements]().NumField())
	d := postgres()
	for _, statement := range d.all() {
		require.NotContains(t, *statement, "?")
	}
	require.Equal(t, "SELECT $1, $2", dollars("SELECT ?, ?"))
	require.True(t, strings.HasSuffix(dollars("a = ? AND b = 1"), "b = 1"))
}

func TestRollbackInTheAnswerToCommitIsCertain(t *testing.T) {
	t.Parallel()
	d := inMySQL(true, false)
	for _, code := range []uint16{1213, 3101} {
		err := &mysql.MySQLError{Number: code}
		require.True(t, d.aborted(err))
		require.True(t, d.repeat(err))
	}
	for _, code := range []uint16{1180, 1205, 1317, 2013} {
		require.False(t, d.aborted(&mysql.MySQLError{Number: code}))
	}
}
