package sqlstore_test

import (
	"database/sql"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/store/sqlstore"
)

// tables lists what is in a file.
func tables(t *testing.T, db *sql.DB) []string {
	t.Helper()
	rows, err := db.Query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var names []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(t, rows.Err())
	return names
}

func TestMigrationIsAllOrNothing(t *testing.T) {
	t.Parallel()
	path := file(t)
	host := raw(t, path)
	_, err := host.Exec("CREATE TABLE bankrail_exchanges (x)") // stands in the way of the last table
	require.NoError(t, err)
	_, err = sqlstore.OpenSQLite(path, sqlstore.Config{})
	require.ErrorContains(t, err, "migration 00001_journal.sql")
	require.Equal(t, []string{"bankrail_exchanges"}, tables(t, host))
	_, err = host.Exec("DROP TABLE bankrail_exchanges")
	require.NoError(t, err)
	open(t, path, sqlstore.Config{})
}

func TestMigrationLeavesTheHostsTablesAlone(t *testing.T) {
	t.Parallel()
	path := file(t)
	host := raw(t, path)
	_, err := host.Exec(`CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id INTEGER, is_applied INTEGER);
		INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (7, 1); CREATE TABLE events (x); CREATE TABLE entries (x)`)
	require.NoError(t, err)
	open(t, path, sqlstore.Config{})
	open(t, path, sqlstore.Config{}) // the second time there is nothing to do
	for _, name := range tables(t, host) {
		if name != "goose_db_version" && name != "events" && name != "entries" {
			require.True(t, strings.HasPrefix(name, "bankrail_"), name)
		}
	}
	var rows, versions int
	require.NoError(t, host.QueryRow("SELECT (SELECT count(*) FROM goose_db_version), (SELECT count(*) FROM bankrail_goose_db_version)").
		Scan(&rows, &versions))
	require.Equal(t, 2, rows)
	files, err := fs.Glob(sqlstore.Migrations(), "sqlite/*.sql")
	require.NoError(t, err)
	require.Equal(t, 1+len(files), versions, "goose's row 0 and one for each file")
}

func TestMigrationDownTakesAllTablesAway(t *testing.T) {
	t.Parallel()
	path := file(t)
	open(t, path, sqlstore.Config{})
	host := raw(t, path)
	for _, down := range downs(t, "sqlite") {
		_, err := host.Exec(down)
		require.NoError(t, err)
	}
	require.Equal(t, []string{"bankrail_goose_db_version"}, tables(t, host))
}

// downs gives the Down halves of a dialect's files, last first.
func downs(t *testing.T, dialect string) []string {
	t.Helper()
	files, err := fs.Glob(sqlstore.Migrations(), dialect+"/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var halves []string
	for _, name := range slices.Backward(files) {
		text, err := fs.ReadFile(sqlstore.Migrations(), name)
		require.NoError(t, err)
		_, down, found := strings.Cut(string(text), "-- +goose Down\n")
		require.True(t, found, name)
		halves = append(halves, down)
	}
	return halves
}
