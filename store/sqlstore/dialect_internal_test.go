package sqlstore

import (
	"reflect"
	"strings"
	"testing"

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
