package sqlstore_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// wire stands between a client and a server, and cuts the connection once, where the
// client says a word.
type wire struct {
	listener net.Listener

	mu     sync.Mutex
	server string
	word   string // in lower case; empty cuts nothing
	after  bool   // the server still hears it and acts; the client never hears back
	cuts   int
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{listener: l, server: server}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(client)
		}
	}()
	return w
}

// cutAt arms the wire.
func (w *wire) cutAt(word string, after bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.word, w.after = word, after
}

// moveTo sends new connections elsewhere.
func (w *wire) moveTo(server string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.server = server
}

func (w *wire) counted() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cuts
}

// heard says whether to cut at these bytes, and whether to let them through first.
func (w *wire) heard(b []byte) (cut, after bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.word == "" || !bytes.Contains(bytes.ToLower(b), []byte(w.word)) {
		return false, false
	}
	w.word = ""
	w.cuts++
	return true, w.after
}

func (w *wire) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	w.mu.Lock()
	address := w.server
	w.mu.Unlock()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	deaf := make(chan struct{})
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, err := server.Read(b)
			if err != nil {
				_ = client.Close()
				return
			}
			select {
			case <-deaf: // the server has answered, so it has acted
				_ = client.Close()
				return
			default:
			}
			if _, err := client.Write(b[:n]); err != nil {
				return
			}
		}
	}()
	b := make([]byte, 1<<16)
	for {
		n, err := client.Read(b)
		if err != nil {
			return
		}
		cut, after := w.heard(b[:n])
		if cut && !after {
			return
		}
		if cut {
			close(deaf)
		}
		if _, err := server.Write(b[:n]); err != nil {
			return
		}
		if cut {
			_, _ = io.Copy(io.Discard, client) // until the other half closes it
			return
		}
	}
}

// through gives the DSN with the wire between.
func through(t *testing.T, e engine, dsn string) (*wire, string) {
	t.Helper()
	if e.name == "postgres" {
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		w := newWire(t, u.Host)
		u.Host = w.listener.Addr().String()
		return w, u.String()
	}
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	w := newWire(t, cfg.Addr)
	cfg.Addr = w.listener.Addr().String()
	return w, cfg.FormatDSN()
}

func TestConnectionCutBeforeCommitIsTriedOnce(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		w, dsn := through(t, e, e.fresh(t))
		db := e.opened(t, dsn, sqlstore.Config{Logger: quiet})
		for _, word := range []string{"bankrail_entries (", "bankrail_history (", "bankrail_budgets"} {
			w.cutAt(word, true)
			require.NoError(t, db.Insert(t.Context(), refund(word), paid), word)
		}
		require.Equal(t, 3, w.counted())
		b, err := db.Budget(t.Context(), channel, "O1")
		require.NoError(t, err)
		require.Equal(t, bankrail.CNY(300), b.Held, "each counted once")
	})
}

func TestCommitThatNeverArrived(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		w, dsn := through(t, e, e.fresh(t))
		db := e.opened(t, dsn, sqlstore.Config{Logger: quiet})
		w.cutAt(e.commit, false)
		err := db.Insert(t.Context(), refund("R1"), paid)
		require.Equal(t, 1, w.counted())
		if e.name == "postgres" { // it says that the transaction was aborted, so it is tried again
			require.NoError(t, err)
			b, err := db.Budget(t.Context(), channel, "O1")
			require.NoError(t, err)
			require.Equal(t, bankrail.CNY(100), b.Held)
			return
		}
		require.Error(t, err)
		require.NotErrorIs(t, err, journal.ErrNotCommitted, "that nothing is there proves nothing")
		_, err = db.Get(t.Context(), idOf("R1"))
		require.ErrorIs(t, err, bankrail.ErrNotFound)
	})
}

func TestCommitWhoseAnswerIsLost(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		w, dsn := through(t, e, e.fresh(t))
		db := e.opened(t, dsn, sqlstore.Config{Logger: quiet})
		c := refund("R1")
		c.Entry.Attempt = "token"
		w.cutAt(e.commit, true)
		require.NoError(t, db.Insert(t.Context(), c, paid), "the row with this call's token proves it")
		require.Equal(t, 1, w.counted())

		other := refund("R1")
		other.Entry.Attempt = "another"
		require.ErrorIs(t, db.Insert(t.Context(), other, paid), journal.ErrExists)

		e1, err := db.Get(t.Context(), idOf("R1"))
		require.NoError(t, err)
		c.Entry, c.From = e1, bankrail.Processing
		w.cutAt(e.commit, true)
		err = db.Apply(t.Context(), journal.Batch{Changes: []journal.Change{c}})
		require.Equal(t, 2, w.counted())
		if e.name == "postgres" {
			require.NoError(t, err)
		} else {
			require.Error(t, err)
			require.NotErrorIs(t, err, journal.ErrNotCommitted)
			require.NotErrorIs(t, err, journal.ErrLost)
		}
		e1, err = db.Get(t.Context(), idOf("R1"))
		require.NoError(t, err)
		require.EqualValues(t, 2, e1.Version, "and it did commit, once")
	})
}

// A server that took over may have given the number of the transaction away: that
// somebody's committed under it says nothing of ours.
func TestCommitIsNotProvedByAnotherServer(t *testing.T) {
	t.Parallel()
	e := engines[0]
	w, dsn := through(t, e, e.fresh(t))
	db := e.opened(t, dsn, sqlstore.Config{Logger: quiet})
	sqlstore.AskAnotherServer(db)
	w.cutAt(e.commit, false)
	err := db.Insert(t.Context(), refund("R1"), paid)
	require.Equal(t, 1, w.counted())
	require.Error(t, err)
	require.NotErrorIs(t, err, journal.ErrNotCommitted)
	_, err = db.Get(t.Context(), idOf("R1"))
	require.ErrorIs(t, err, bankrail.ErrNotFound)
}

func TestServerThatIsGone(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		w, dsn := through(t, e, e.fresh(t))
		db := e.opened(t, dsn, sqlstore.Config{Logger: quiet})
		w.moveTo("127.0.0.1:1")
		sqlstore.Writer(db).SetMaxIdleConns(0) // the ones that are open
		err := db.Insert(t.Context(), refund("R1"), paid)
		require.ErrorIs(t, err, journal.ErrNotCommitted)
		_, err = db.Get(t.Context(), idOf("R1"))
		require.Error(t, err)
		require.NotErrorIs(t, err, bankrail.ErrNotFound)
	})
}

func TestCallerWhoGivesUpIsToldNothingHappened(t *testing.T) {
	onServers(t, func(t *testing.T, e engine) {
		dsn := e.fresh(t)
		db := e.opened(t, dsn, sqlstore.Config{Logger: quiet})
		tx, err := e.pool(t, dsn).Begin()
		require.NoError(t, err)
		require.NoError(t, db.Insert(t.Context(), refund("R1"), paid))
		_, err = tx.Exec("UPDATE bankrail_budgets SET stopped = stopped + 0")
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- db.Insert(ctx, refund("R2"), paid) }()
		cancel()
		err = <-done
		require.ErrorIs(t, err, journal.ErrNotCommitted)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, tx.Rollback())
		_, err = db.Get(t.Context(), idOf("R2"))
		require.ErrorIs(t, err, bankrail.ErrNotFound)
	})
}

func TestNoPasswordIsShown(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func() error{
		"postgres, wrong": func() error {
			_, err := sqlstore.OpenPostgres("postgres://me:hunter2@%zz/db", sqlstore.Config{})
			return err
		},
		"postgres, closed": func() error {
			_, err := sqlstore.OpenPostgres("postgres://me:hunter2@127.0.0.1:1/db", sqlstore.Config{})
			return err
		},
		"mysql, wrong": func() error {
			_, err := sqlstore.OpenMySQL("me:hunter2@tcp(127.0.0.1:1)", sqlstore.Config{})
			return err
		},
		"mysql, no name": func() error {
			_, err := sqlstore.OpenMySQL("me:hunter2@tcp(127.0.0.1:1)/", sqlstore.Config{})
			return err
		},
		"mysql, closed": func() error {
			_, err := sqlstore.OpenMySQL("me:hunter2@tcp(127.0.0.1:1)/db", sqlstore.Config{})
			return err
		},
		"mysql, unsafe": func() error {
			_, err := sqlstore.OpenMySQL("me:hunter2@tcp(127.0.0.1:1)/db?collation=gbk_chinese_ci", sqlstore.Config{})
			return err
		},
	} {
		err := open()
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "hunter2", name)
		if strings.HasSuffix(name, "closed") {
			require.Contains(t, err.Error(), "127.0.0.1:1/db", name)
		} else {
			require.ErrorIs(t, err, bankrail.ErrInvalid, name)
		}
	}
}
