package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// TestMain is the command itself where it starts itself as a process to kill.
func TestMain(m *testing.M) {
	if os.Getenv(lifeMark) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestOrdersAndRefundsAgreeWhoeverIsKilled(t *testing.T) {
	t.Parallel()
	var out, trouble bytes.Buffer
	code := run(t.Context(), []string{"-n", "12", "-kills", "3"}, &out, &trouble)
	require.Equal(t, exitOK, code, "%s%s", &out, &trouble)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Equal(t, "audit: 12 orders, 12 refunds, 0 disagree", lines[len(lines)-1])
}

// An order row that somebody else changes is noticed: the audit can fail.
func TestAuditSeesARowThatDisagrees(t *testing.T) {
	t.Parallel()
	p := plan{Database: database{Kind: "sqlite", DSN: t.TempDir() + "/shop.db"}, Run: "T", Orders: 2, Seed: 1, patience: time.Minute}
	var out, trouble bytes.Buffer
	agree, err := p.run(t.Context(), &out, &trouble)
	require.NoError(t, err)
	require.True(t, agree, "%s%s", &out, &trouble)
	s, err := openShop(p.Database)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.db.Close()) }()
	db, err := p.Database.journal(sqlstore.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = s.db.Exec(`UPDATE shop_orders SET status = 'refunding' WHERE number = ?`, orderNumber("T", 1))
	require.NoError(t, err)
	found, err := s.audit(t.Context(), db, sandbox.Ledger{})
	require.NoError(t, err)
	require.Contains(t, strings.Join(found.disagree, "\n"), "order OT-00001 is refunding")
	require.Contains(t, strings.Join(found.disagree, "\n"), "the bank moved 0 fen")
}

func TestWrongFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-n", "0"}, {"-kills", "-1"}, {"-wait", "0s"}, {"x"}, {"-postgres", "a", "-mysql", "b"}, {"-no"}} {
		var out, trouble bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), args, &out, &trouble), "%v", args)
		require.Empty(t, out.String())
		require.NotEmpty(t, trouble.String())
	}
}
