package main

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// TestJournalOnServers: the commands find PostgreSQL and MySQL by the name of the
// database, go by its clock, and leave a missing schema to the host.
func TestJournalOnServers(t *testing.T) {
	t.Parallel()
	for _, e := range []struct {
		variable, driver, create, drop string
		open                           func(string, sqlstore.Config) (*sqlstore.DB, error)
		in                             func(dsn, schema string) string
	}{
		{"BANKRAIL_TEST_POSTGRES", "pgx", "CREATE SCHEMA %s", "DROP SCHEMA %s CASCADE", sqlstore.OpenPostgres, inSchema},
		{"BANKRAIL_TEST_MYSQL", "mysql", "CREATE DATABASE %s", "DROP DATABASE %s", sqlstore.OpenMySQL, inDatabase},
	} {
		t.Run(e.driver, func(t *testing.T) {
			t.Parallel()
			dsn := os.Getenv(e.variable)
			if dsn == "" {
				t.Skipf("set %s to a DSN to run this test", e.variable)
			}
			admin, err := sql.Open(e.driver, dsn)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, admin.Close()) })
			schema := fmt.Sprintf("bankrail_cli_%d", os.Getpid())
			_, err = admin.ExecContext(t.Context(), fmt.Sprintf(e.create, schema))
			require.NoError(t, err)
			t.Cleanup(func() {
				_, err := admin.Exec(fmt.Sprintf(e.drop, schema))
				require.NoError(t, err)
			})
			a := &archive{t: t, path: e.in(dsn, schema), clock: sandbox.NewClock(time.Now()), env: map[string]string{}}
			code, _, errs := a.run("health")
			require.Equal(t, 1, code, errs)

			db, err := e.open(a.path, sqlstore.Config{})
			require.NoError(t, err)
			book := journal.New(db, journal.Config{})
			a.create(book, "R1001", true)
			require.NoError(t, book.Receive(t.Context(), journal.Notice{
				Channel: shelf, ID: "N1", Digest: [32]byte{1}, At: time.Now(),
				News: []journal.News{{Op: bankrail.OpRefund, Receipt: bankrail.Receipt{Number: "R1001", Status: bankrail.Succeeded, Amount: bankrail.CNY(1234)}}},
			}))
			require.NoError(t, db.Close())

			require.Contains(t, a.ok("list", "-open"), stuckEntry+"  manual")
			require.Contains(t, a.ok("show", stuckEntry), "manual early")
			require.Contains(t, a.ok("stop", "-gateway", shelf.Gateway, "-by", "carol", "-why", "who sent it?"), "stopped")
			require.Contains(t, a.ok("limits"), "who sent it?")
			require.Contains(t, a.ok("health"), "manual 1")
			a.env["BANKRAIL_TWO_PERSONS"] = "1.00CNY"
			require.Contains(t, a.ok(decision("-version", "2", "-status", "succeeded")...), "is manual, version 3; alice proposes")
			require.Contains(t, a.ok(decision("-version", "3", "-status", "succeeded", "-by", "bob")...), "is succeeded, version 4")
		})
	}
}

func inSchema(dsn, schema string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// inDatabase puts another database behind the last slash.
func inDatabase(dsn, schema string) string {
	at := strings.LastIndex(dsn, "/")
	_, options, _ := strings.Cut(dsn[at+1:], "?")
	return strings.TrimSuffix(dsn[:at+1]+schema+"?"+options, "?")
}
