package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sandbox"
	"github.com/bankrail/bankrail/store/sqlstore"
)

var update = flag.Bool("update", false, "write the golden files anew")

// archive is a journal in a file, as a host left it, and an office to look into it.
type archive struct {
	t     *testing.T
	path  string
	clock *sandbox.ManualClock
	env   map[string]string
}

var (
	shelf  = bankrail.Channel{Gateway: "lanhai-sandbox", Merchant: "M1001"}
	opened = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
)

// newArchive holds R1001 stuck, R1002 succeeded by a notice, R1003 queued.
func newArchive(t *testing.T) *archive {
	t.Helper()
	a := &archive{t: t, path: filepath.Join(t.TempDir(), "bankrail.db"), clock: sandbox.NewClock(opened), env: map[string]string{}}
	a.host(func(b *journal.Book) {
		for _, n := range []string{"R1001", "R1002"} {
			a.create(b, n, false)
		}
		a.work(b, 130)
		a.create(b, "R1003", true)
		require.NoError(t, b.Receive(t.Context(), journal.Notice{
			Channel: shelf, ID: "N1", Digest: [32]byte{1}, At: a.clock.Now(),
			News: []journal.News{{Op: bankrail.OpRefund, Receipt: bankrail.Receipt{Number: "R1002", GatewayNumber: "B77", Status: bankrail.Succeeded, Amount: bankrail.CNY(1234)}}},
		}))
	})
	return a
}

// request is how package refund records one.
const request = `{"v":1,"number":%q,"order":"O77","trade":"T77","amount":{"minor":1234,"currency":"CNY"},"reason":"sold out"}`

// host runs what a host does on the same database.
func (a *archive) host(do func(*journal.Book)) {
	a.t.Helper()
	db, err := sqlstore.OpenSQLite(a.path, sqlstore.Config{Now: a.clock.Now})
	require.NoError(a.t, err)
	do(journal.New(db, journal.Config{Now: a.clock.Now, Alarm: func(context.Context, journal.Alarm) {}}))
	require.NoError(a.t, db.Close())
}

func (a *archive) create(b *journal.Book, number string, queue bool) {
	a.t.Helper()
	id := bankrail.ID{Channel: shelf, Op: bankrail.OpRefund, Number: number}
	_, err := b.Create(a.t.Context(), id, journal.NewFingerprint(number), silent{}, func(context.Context) (journal.Draft, error) {
		return journal.Draft{
			Order: "O77", Amount: bankrail.CNY(1234), Data: []byte(fmt.Sprintf(request, number)), Operator: "shop\tfloor",
			Hold: journal.Hold{Limit: bankrail.CNY(10000)}, Queue: queue,
		}, nil
	})
	require.NoError(a.t, err)
}

func (a *archive) work(b *journal.Book, minutes int) {
	a.t.Helper()
	for range minutes {
		a.clock.Advance(time.Minute)
		_, err := b.Work(a.t.Context(), silent{}, 10, 1)
		require.NoError(a.t, err)
	}
}

// silent is a gateway that never answers a send and knows no number.
type silent struct{}

func (silent) Op() bankrail.Op           { return bankrail.OpRefund }
func (silent) Channel() bankrail.Channel { return shelf }
func (silent) Rules(context.Context, bankrail.Channel) (journal.Rules, error) {
	return journal.Rules{}, nil
}

func (silent) Send(context.Context, journal.Entry, []byte) (journal.Answer, error) {
	return journal.Answer{}, errors.New("no answer")
}

func (silent) Query(context.Context, journal.Entry) (bankrail.Receipt, error) {
	return bankrail.Receipt{}, &bankrail.Error{Code: "REFUND_NOT_EXIST", Err: bankrail.ErrNotFound}
}

// run runs a command and returns its exit code and what it printed.
func (a *archive) run(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	getenv := func(name string) string {
		if name == "BANKRAIL_DB" && a.env[name] == "" {
			return a.path
		}
		return a.env[name]
	}
	err := office{&o, &e, getenv, a.clock.Now}.run(a.t.Context(), args)
	code = exitCode(err, "journal", &e)
	return code, o.String(), e.String()
}

func (a *archive) ok(args ...string) string {
	a.t.Helper()
	code, out, errs := a.run(args...)
	require.Zero(a.t, code, errs)
	return out
}

// golden compares with testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "journal", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test -run %s -update writes it", t.Name())
	require.Equal(t, string(want), got)
}

const (
	stuckEntry  = "lanhai-sandbox/M1001/refund/R1001"
	queuedEntry = "lanhai-sandbox/M1001/refund/R1003"
)

func TestJournalOutput(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.ok("stop", "-gateway", "lanhai-sandbox", "-max", "100.00CNY", "-by", "carol", "-why", "trial week")
	a.ok("stop", "-gateway", "lanhai-sandbox", "-merchant", "M1002", "-op", "refund", "-by", "carol", "-why", "keys leaked")
	for name, args := range map[string][]string{
		"help.txt":        {"help"},
		"list.txt":        {"list"},
		"list.jsonl":      {"list", "-json"},
		"list_open.txt":   {"list", "-open", "-order", "O77", "-op", "refund", "-gateway", "lanhai-sandbox", "-merchant", "M1001"},
		"list_manual.txt": {"list", "-status", "manual", "-from", "2026-11-21", "-to", "2026-11-22", "-zone", "Asia/Shanghai"},
		"list_none.txt":   {"list", "-from", "2026-11-22"},
		"show.txt":        {"show", stuckEntry},
		"show.json":       {"show", "-json", stuckEntry},
		"limits.txt":      {"limits"},
		"limits.jsonl":    {"limits", "-json"},
		"health.txt":      {"health"},
		"health.json":     {"health", "-json"},
	} {
		golden(t, name, a.ok(args...))
	}
}

func TestListSaysWhenThereIsMore(t *testing.T) {
	t.Parallel()
	code, out, errs := newArchive(t).run("list", "-limit", "2")
	require.Zero(t, code)
	require.Equal(t, 3, strings.Count(out, "\n"))
	require.Contains(t, errs, "there are more")
}

func decision(change ...string) []string {
	args := []string{
		"decide", stuckEntry, "-version", "5", "-status", "failed", "-proof", "record",
		"-reference", "case 7", "-by", "alice", "-why", "the bank closed it",
	}
	return append(args, change...)
}

func TestDecideAtTheCommandLine(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	require.Equal(t, stuckEntry+" is failed, version 6\n", a.ok(decision()...))
	require.Equal(t, stuckEntry+" is failed, version 6\n", a.ok(decision()...), "again")
	golden(t, "show_decided.txt", a.ok("show", stuckEntry))
	code, _, errs := a.run(decision("-reference", "case 8")...)
	require.Equal(t, exitRefused, code)
	require.Contains(t, errs, "failed already")
}

func TestDecideWithTwoPersons(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	a.env["BANKRAIL_TWO_PERSONS"] = "12.34CNY"
	require.Contains(t, a.ok(decision()...), "is manual, version 6; alice proposes failed")
	require.Contains(t, a.ok("show", stuckEntry), `failed by alice, on record "case 7": the bank closed it`)
	delete(a.env, "BANKRAIL_TWO_PERSONS") // somebody who forgets it does not decide alone either
	code, _, errs := a.run(decision("-version", "6")...)
	require.Equal(t, exitRefused, code)
	require.Contains(t, errs, "another person has to agree")
	require.Contains(t, a.ok(decision("-version", "6", "-by", "bob")...), "is failed, version 7")
}

func TestJournalSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	for name, c := range map[string]struct {
		args []string
		says string
		code int
	}{
		"everything":             {[]string{"decide", stuckEntry}, "missing: -version, -status, -proof, -reference, -by, -why", 2},
		"the day of statements":  {decision("-proof", "statement"), "missing: -complete-through", 2},
		"the zone of the day":    {decision("-proof", "statement", "-complete-through", "2026-11-25"), "missing: -zone", 2},
		"a zone that is none":    {decision("-proof", "statement", "-complete-through", "2026-11-25", "-zone", "Local"), "-zone", 2},
		"a day that is over":     {decision("-proof", "statement", "-complete-through", "2026-11-25", "-zone", "Asia/Shanghai"), "is not over", exitRefused},
		"a currency":             {decision("-status", "succeeded", "-amount", "1"), "-amount", 2},
		"a status":               {decision("-status", "gone"), "no status", 2},
		"a status to decide":     {decision("-status", "reversed"), "succeeded or failed", 2},
		"a proof":                {decision("-proof", "hearsay"), "record, absent or statement", 2},
		"digits of the evidence": {decision("-evidence", "ab"), "64 hex digits", 2},
		"patience":               {decision("-visible", "1s"), "-visible is at least 10m0s", 2},
		"the right version":      {decision("-version", "4"), "look again", exitRefused},
		"an entry":               {[]string{"decide", "R1001"}, "want gateway/merchant/operation/number", 2},
		"such an entry":          {[]string{"show", stuckEntry + "9"}, "not found", exitNotFound},
		"one entry only":         {[]string{"show", stuckEntry, queuedEntry}, "unexpected argument", 2},
		"a manual entry":         {append([]string{"decide", queuedEntry}, decision()[2:]...), "only what is manual", exitRefused},
		"who cancels":            {[]string{"cancel", queuedEntry}, "give -by and -why", 2},
		"what can be cancelled":  {[]string{"cancel", stuckEntry, "-by", "a", "-why", "b"}, "may have been sent", exitRefused},
		"a gateway to stop":      {[]string{"stop", "-by", "a", "-why", "b"}, "give -gateway", 2},
		"one way to limit":       {[]string{"stop", "-gateway", "g", "-by", "a", "-why", "b", "-max", "1CNY", "-lift"}, "one of -max and -lift", 2},
		"a cap above zero":       {[]string{"stop", "-gateway", "g", "-by", "a", "-why", "b", "-max", "0CNY"}, "above zero", 2},
		"a way to the gateway":   {[]string{"query", stuckEntry}, "give -url, -key and -bank-key", 2},
		"a gateway known here":   {[]string{"query", "alipay-production/M/refund/R"}, "cannot be asked about here", 2},
		"both of a channel":      {[]string{"list", "-merchant", "M1001"}, "go together", 2},
		"a time":                 {[]string{"list", "-from", "yesterday"}, "neither a day", 2},
		"a known command":        {[]string{"pay"}, `no command "pay"`, 2},
		"any command":            {nil, "usage: bankrail journal", 2},
	} {
		code, out, errs := a.run(c.args...)
		require.Equal(t, c.code, code, "%s: %s", name, errs)
		require.Contains(t, errs, c.says, name)
		require.Empty(t, out, name)
	}
	require.Contains(t, a.ok("show", stuckEntry), "manual tries", "nothing of it changed anything")
}

func TestStopAndLift(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	require.Contains(t, a.ok("stop", "-gateway", "lanhai-sandbox", "-by", "carol", "-why", "keys leaked"), "lanhai-sandbox/(all)/(all): stopped")
	a.host(func(b *journal.Book) { a.work(b, 5) })
	require.Contains(t, a.ok("show", queuedEntry), "created")
	require.Contains(t, a.ok("stop", "-lift", "-gateway", "lanhai-sandbox", "-by", "carol", "-why", "new keys"), "lifted")
	require.NotContains(t, a.ok("limits"), "carol")
	require.Contains(t, a.ok("cancel", queuedEntry, "-by", "carol", "-why", "by request"), "is failed")
}

// TestQueryAsksTheBank: over HTTP, at the sandbox, which does not know the number.
func TestQueryAsksTheBank(t *testing.T) {
	t.Parallel()
	a := newArchive(t)
	bank, err := sandbox.New(sandbox.Options{Clock: a.clock, Faults: sandbox.Calm})
	require.NoError(t, err)
	t.Cleanup(func() { _ = bank.Close() })
	srv := httptest.NewServer(bank)
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	keys := bank.Keys()
	require.NoError(t, writeKeys(dir, keys))
	require.Equal(t, shelf.Merchant, keys.Merchant)
	a.env["BANKRAIL_LANHAI_URL"] = srv.URL + "/bank/v1"
	a.env["BANKRAIL_LANHAI_KEY"] = filepath.Join(dir, "merchant.pem")
	a.env["BANKRAIL_LANHAI_KEY_ID"] = keys.MerchantKeyID
	a.env["BANKRAIL_LANHAI_BANK_KEY"] = filepath.Join(dir, "bank.pub.pem")
	a.env["BANKRAIL_LANHAI_BANK_KEY_ID"] = keys.BankKeyID
	a.clock.Advance(time.Hour)
	require.Contains(t, a.ok("query", stuckEntry), "is manual, version 6")
	require.Regexp(t, `absent, asked +2026-11-21 11:10:00Z`, a.ok("show", stuckEntry))
	require.Contains(t, a.ok(decision("-version", "6", "-proof", "absent")...), "is failed", "the journal saw it")

	srv.Close()
	code, _, errs := a.run("query", queuedEntry)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "no answer")
}

// TestPasswordsAreNeverPrinted: neither in help nor in errors.
func TestPasswordsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"postgres://bank:s3cr3t@127.0.0.1:1/x?connect_timeout=1",
		"postgresql://bank@127.0.0.1:1/x?password=s3cr3t&connect_timeout=1",
		"postgres://bank:s3cr3t@[::1/x",
		"bank:s3cr3t@tcp(127.0.0.1:1)/x",
		"mysql://bank:s3cr3t@tcp(127.0.0.1:1)/x",
		"bank:s3cr3t@tcp(127.0.0.1:1",
		"oracle://bank:s3cr3t@127.0.0.1/x",
	} {
		for _, args := range [][]string{{"health"}, {"health", "-h"}} {
			a := &archive{t: t, clock: sandbox.NewClock(opened), env: map[string]string{"BANKRAIL_DB": dsn}}
			code, out, errs := a.run(args...)
			require.Equal(t, len(args) == 2, code == 0, dsn)
			require.NotEmpty(t, errs)
			require.NotContains(t, out+errs, "s3cr3t", dsn)
		}
	}
	require.Equal(t, "dial *** and ***", hidden("dial p%40ss and p@ss", "postgres://u:p%40ss@h/x"))
}

func TestDatabaseThatIsNotThereIsNotMade(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "typo.db")
	a := &archive{t: t, clock: sandbox.NewClock(opened), path: path}
	code, _, errs := a.run("list")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "typo.db")
	require.NoFileExists(t, path)

	a.path = ""
	code, _, errs = a.run("list")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "give -db or set BANKRAIL_DB")
}

func TestJournalCommandIsWiredIn(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"journal", "help"}, &out, &errs))
	require.Contains(t, out.String(), "settle a manual entry")
}
