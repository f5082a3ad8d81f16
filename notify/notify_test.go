package notify_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/store/storetest"
)

func TestOnlyPost(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	d.create("R1")
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodOptions, http.MethodDelete, "post"} {
		l := d.news("R1", "SUCCESS")
		l.edit = func(r *http.Request) { r.Method = method }
		w := d.deliver(l)
		require.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
		require.Equal(t, http.MethodPost, w.Header().Get("Allow"))
		require.NotContains(t, w.Body.String(), "SUCCESS")
	}
	require.Zero(t, d.verifier.asked)
	require.Equal(t, bankrail.Processing, d.entry("R1").Status)
	for _, err := range d.observed {
		require.ErrorIs(t, err, bankrail.ErrInvalid)
	}
}

// flood is a body that goes on, and counts what is taken of it.
type flood struct{ left, read int64 }

func (f *flood) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), f.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	f.left, f.read = f.left-n, f.read+n
	return int(n), nil
}

func (*flood) Close() error { return nil }

func TestALargeBodyIsNotRead(t *testing.T) {
	t.Parallel()
	const huge = 64 << 20
	tests := []struct {
		name   string
		length int64 // as the request says
		size   int64
		limit  int64 // of Config
		read   int64 // at most
		code   int
	}{
		{"64 MiB, announced", huge, huge, 0, 0, 413},
		{"64 MiB, not announced", -1, huge, 0, 64<<10 + 1, 413},
		{"64 MiB, another limit", -1, huge, 1000, 1001, 413},
		{"one byte too much, announced", 1001, 1001, 1000, 0, 413},
		{"one byte too much", -1, 1001, 1000, 1001, 413},
		{"as much as allowed", 1000, 1000, 1000, 1000, 401},
		{"as much as allowed, not announced", -1, 1000, 1000, 1000, 401},
		{"nothing", 0, 0, 1000, 0, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, func(c *notify.Config) { c.MaxBody = tt.limit })
			f := &flood{left: tt.size}
			r := httptest.NewRequest(http.MethodPost, "/notify", nil)
			r.Body, r.ContentLength = f, tt.length
			d.refused(d.serve(r), tt.code)
			require.LessOrEqual(t, f.read, tt.read)
			require.Zero(t, d.verifier.asked)
			require.Len(t, d.observed, 1)
			if tt.code == 413 {
				var e *bankrail.FieldError
				require.ErrorAs(t, d.observed[0], &e)
				require.Equal(t, "body", e.Field)
			}
		})
	}
}

// over a real connection the client is cut off instead of being read to its end.
func TestALargeBodyOverTheWire(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	srv := httptest.NewServer(d.handler)
	t.Cleanup(srv.Close)
	f := &flood{left: 64 << 20}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, srv.URL, f)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	resp, err := transport.RoundTrip(req)
	if err == nil { // the answer may come before the writer notices
		require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
		require.NoError(t, resp.Body.Close())
	}
	require.Zero(t, d.verifier.asked)
}

func TestSourceAddresses(t *testing.T) {
	t.Parallel()
	list := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	mapped := []netip.Prefix{netip.MustParsePrefix("::ffff:203.0.113.0/120")}
	tests := []struct {
		name    string
		sources []netip.Prefix
		remote  string
		taken   bool
	}{
		{"no list", nil, "198.51.100.1:1", true},
		{"listed", list, "203.0.113.7:40000", true},
		{"the last of the list", list, "203.0.113.255:1", true},
		{"beside it", list, "203.0.114.0:1", false},
		{"listed, IPv4 in IPv6", list, "[::ffff:203.0.113.7]:40000", true},
		{"beside it, IPv4 in IPv6", list, "[::ffff:203.0.114.7]:40000", false},
		{"listed IPv6", list, "[2001:db8::5]:443", true},
		{"another IPv6", list, "[2001:db9::5]:443", false},
		{"a list written as IPv4 in IPv6", mapped, "203.0.113.7:1", true},
		{"beside a list written as IPv4 in IPv6", mapped, "203.0.114.7:1", false},
		{"listed IPv6 with a zone", list, "[2001:db8::5%eth0]:443", true},
		{"no address", list, "", false},
		{"a unix socket", list, "@", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, func(c *notify.Config) { c.Sources = tt.sources })
			d.create("R1")
			l := d.news("R1", "SUCCESS")
			l.edit = func(r *http.Request) {
				r.RemoteAddr = tt.remote
				r.Header.Set("X-Forwarded-For", "203.0.113.7") // anybody can write that
				r.Header.Set("X-Real-Ip", "203.0.113.7")
			}
			w := d.deliver(l)
			if tt.taken {
				d.acknowledged(w)
				require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)
				return
			}
			d.refused(w, http.StatusForbidden)
			require.Zero(t, d.verifier.asked)
			require.Equal(t, bankrail.Processing, d.entry("R1").Status)
			require.ErrorIs(t, d.observed[0], bankrail.ErrForbidden)
		})
	}
}

func TestTheHostsOwnProxy(t *testing.T) {
	t.Parallel()
	d := open(t, func(c *notify.Config) {
		c.Sources = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
		c.ClientAddr = func(r *http.Request) (netip.Addr, error) { return netip.ParseAddr(r.Header.Get("X-Real-Ip")) }
	})
	d.create("R1")
	for addr, code := range map[string]int{"": 403, "198.51.100.1": 403} {
		l := d.news("R1", "SUCCESS")
		l.edit = func(r *http.Request) { r.Header.Set("X-Real-Ip", addr) }
		d.refused(d.deliver(l), code)
	}
	l := d.news("R1", "SUCCESS")
	l.edit = func(r *http.Request) { r.Header.Set("X-Real-Ip", "::ffff:203.0.113.9") }
	d.acknowledged(d.deliver(l))
}

// Whoever forges learns nothing: every forgery gets the same answer, byte for byte.
func TestForgeriesAllGetTheSameAnswer(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	d.create("R1")
	letters := map[string]letter{}
	for name, change := range map[string]func(*letter){
		"unknown serial": func(l *letter) { l.edit = func(r *http.Request) { r.Header.Set("X-Key-Id", "b-9") } },
		"no serial":      func(l *letter) { l.signer = d.stranger; l.edit = func(r *http.Request) { r.Header.Del("X-Key-Id") } },
		"no signature":   func(l *letter) { l.edit = func(r *http.Request) { r.Header.Del("Sign") } },
		"not Base64":     func(l *letter) { l.edit = func(r *http.Request) { r.Header.Set("Sign", "***") } },
		"stranger":       func(l *letter) { l.signer = d.stranger },
		"tampered":       func(l *letter) { l.after = func(b string) string { return strings.ReplaceAll(b, "4000", "1") } },
		"other merchant": func(l *letter) { l.fields["merchantId"] = "M1002" },
		"unknown number": func(l *letter) { l.fields["merchantRefundNo"] = "R9"; l.signer = d.stranger },
		"no JSON":        func(l *letter) { l.after = func(string) string { return "<xml/>" } },
		"empty":          func(l *letter) { l.after = func(string) string { return "" } },
	} {
		l := d.news("R1", "SUCCESS")
		change(&l)
		letters[name] = l
	}
	var first *httptest.ResponseRecorder
	for name, l := range letters {
		d.verifier.asked, d.observed = 0, nil
		w := d.deliver(l)
		if first == nil {
			first = w
		}
		require.Equal(t, first.Code, w.Code, name)
		require.Equal(t, first.Body.String(), w.Body.String(), name)
		require.Equal(t, first.Header(), w.Header(), name)
		require.LessOrEqual(t, d.verifier.asked, 1, name)
		require.Len(t, d.observed, 1)
		require.ErrorIs(t, d.observed[0], notify.ErrForged, name)
		require.NotContains(t, d.observed[0].Error(), "4000", "an error quotes no body")
	}
	d.refused(first, http.StatusUnauthorized)
	require.Len(t, d.wire.sent, 1)
	require.Empty(t, d.wire.asked)
	require.Len(t, d.history("R1"), 2)
	require.Empty(t, d.anomalies(), "a forgery leaves nothing in the journal")
	pending, err := d.store.Pending(context.Background(), journal.PendingQuery{})
	require.NoError(t, err)
	require.Empty(t, pending)
}

func TestAStaleNotificationHasTheBankAsked(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		d := open(t, nil)
		d.create("R1")
		d.clock.move(by)
		l := d.news("R1", "SUCCESS")
		d.clock.move(-by)
		d.acknowledged(d.deliver(l))
		d.wire.answer = bankrail.Receipt{Status: bankrail.Failed, Code: "NO"} // the recording was of another day
		n, err := d.book.Work(context.Background(), d.refunds, 10, 1)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, []string{"R1"}, d.wire.asked)
		require.Equal(t, bankrail.Failed, d.entry("R1").Status)
	}
}

func TestAnotherAmountIsSettledByTheBanksAnswer(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	d.create("R1")
	d.acknowledged(d.deliver(d.news("R1", "SUCCESS", "refundAmount", "1")))
	d.wire.answer = bankrail.Receipt{Status: bankrail.Succeeded, Amount: bankrail.CNY(4000)}
	_, err := d.book.Work(context.Background(), d.refunds, 10, 1)
	require.NoError(t, err)
	e := d.entry("R1")
	require.Equal(t, bankrail.Succeeded, e.Status)
	require.Equal(t, bankrail.CNY(4000), e.Settled)
}

// News of a number that is not recorded is kept; the number is then never sent.
func TestNewsBeforeItsNumber(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	d.acknowledged(d.deliver(d.news("R1", "SUCCESS")))
	d.acknowledged(d.deliver(d.news("R1", "SUCCESS"))) // again
	r := d.create("R1")
	require.Equal(t, bankrail.Manual, r.Status)
	require.Empty(t, d.wire.sent)
	require.Equal(t, journal.CauseEarly, d.entry("R1").Cause)
	require.Len(t, d.alarms, 1)
	require.Equal(t, journal.AlarmManual, d.alarms[0].Kind)
	again := d.create("R1")
	require.Equal(t, bankrail.Manual, again.Status)
	require.Empty(t, d.wire.sent)
}

func TestNewsThatNobodyClaimsIsReportedOnce(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	ctx := context.Background()
	d.acknowledged(d.deliver(d.news("R404", "SUCCESS")))
	d.clock.move(journal.Unmatched)
	require.NoError(t, d.book.Sweep(ctx))
	require.Empty(t, d.anomalies(), "a day is not over yet")
	d.clock.move(time.Millisecond)
	for range 3 {
		require.NoError(t, d.book.Sweep(ctx))
		d.clock.move(5 * time.Minute)
	}
	require.Equal(t, []journal.AnomalyKind{journal.AnomalyUnmatched}, d.anomalies())
	require.Len(t, d.alarms, 1)
	require.Equal(t, "R404", d.alarms[0].Entry.Number)
}

// What is not durable is not acknowledged; the redelivery then does what the first
// could not, once.
func TestAStoreInTrouble(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]storetest.Fault{
		"unreachable":                  storetest.Unreachable,
		"the entry cannot be read":     storetest.GetFails,
		"not committed":                storetest.ApplyNotCommitted,
		"the commit is lost":           storetest.ApplyCutLost,
		"committed, and the news lost": storetest.ApplyCutCommitted,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, nil)
			d.create("R1")
			d.events()
			d.faulty.Next(fault, 1)
			l := d.news("R1", "SUCCESS")
			d.refused(d.deliver(l), http.StatusServiceUnavailable)
			require.Len(t, d.observed, 1)

			d.acknowledged(d.deliver(l))
			require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)
			require.Len(t, d.history("R1"), 3)
			require.Equal(t, []journal.EventType{journal.EventSucceeded}, d.events())
			d.acknowledged(d.deliver(d.news("R1", "SUCCESS")))
			require.Len(t, d.history("R1"), 3)
		})
	}
}

// receiver lets a test watch the commit.
type receiver func(context.Context, journal.Notice) error

func (f receiver) Receive(ctx context.Context, n journal.Notice) error { return f(ctx, n) }

func TestAClientThatHangsUpIsStillHeard(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	d.create("R1")
	ctx, hangUp := context.WithCancel(context.Background())
	d.handler = notify.Handler(receiver(func(ctx context.Context, n journal.Notice) error {
		hangUp()
		if err := ctx.Err(); err != nil {
			return err
		}
		return d.book.Receive(ctx, n)
	}), d.source, notify.Config{Now: d.clock.Now, Observe: d.observe})
	d.acknowledged(d.serve(d.request(d.news("R1", "SUCCESS")).WithContext(ctx)))
	require.Error(t, ctx.Err())
	require.Equal(t, bankrail.Succeeded, d.entry("R1").Status)
}

func TestAClientThatHangsUpInItsBody(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	d.create("R1")
	l := d.news("R1", "SUCCESS")
	l.edit = func(r *http.Request) {
		r.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, 40), broken{}))
	}
	d.refused(d.deliver(l), http.StatusBadRequest)
	require.ErrorIs(t, d.observed[0], io.ErrUnexpectedEOF)
	require.Zero(t, d.verifier.asked)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestTheNoticeThatIsReceived(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	var got journal.Notice
	d.handler = notify.Handler(receiver(func(_ context.Context, n journal.Notice) error { got = n; return nil }), d.source,
		notify.Config{Now: d.clock.Now})
	l := d.news("R1", "SUCCESS")
	d.acknowledged(d.deliver(l))
	require.Equal(t, d.wire.Channel(), got.Channel)
	require.Equal(t, "N-R1-SUCCESS", got.ID)
	require.False(t, got.Stale)
	again := d.news("R1", "SUCCESS")
	require.NotEqual(t, l.fields["nonce"], again.fields["nonce"])
	first := got.Digest
	d.acknowledged(d.deliver(again))
	require.Equal(t, first, got.Digest, "what a redelivery renews is not content")
	d.acknowledged(d.deliver(d.news("R1", "SUCCESS", "failMessage", "x")))
	require.NotEqual(t, first, got.Digest)
}

func TestTheUsualObserver(t *testing.T) {
	t.Parallel()
	h := notify.Handler(receiver(func(context.Context, journal.Notice) error { return errors.New("no") }), nil, notify.Config{})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
}
