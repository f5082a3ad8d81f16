package journal_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// untimed is a logger whose records can be compared.
func untimed(w *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func TestDecisionIsLoggedAfterItsCommit(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	var out bytes.Buffer
	cfg := journal.Config{Now: d.clock.Now, AllowVolatile: true, Logger: untimed(&out)}
	d.book = journal.New(&broken{Store: d.store}, cfg)
	_, err := d.decide()
	require.Error(t, err)
	require.Empty(t, out.String(), "nothing was committed")

	d.book = journal.New(d.store, cfg)
	c := d.verdict()
	for range 2 {
		_, err = d.book.Decide(t.Context(), d, numbered("R1"), c)
		require.NoError(t, err)
	}
	require.Equal(t, "level=INFO msg=\"bankrail: failed\" entry=bank/M1/refund/R1 from=manual to=failed"+
		" source=operator version=6 cause=decided\n", out.String(), "once")
	require.NotContains(t, out.String(), c.Why)
}

func TestProposalIsNoTransition(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	var out bytes.Buffer
	d.book = journal.New(d.store, journal.Config{
		Now: d.clock.Now, AllowVolatile: true, Logger: untimed(&out), TwoPersons: func(journal.Entry) bool { return true },
	})
	_, err := d.decide()
	require.NoError(t, err)
	require.Empty(t, out.String())
}

func TestHealthReadsWell(t *testing.T) {
	t.Parallel()
	d := stuck(t)
	_, err := d.create("R2", queued, func(dr *journal.Draft) { dr.Amount = bankrail.CNY(1) })
	require.NoError(t, err)
	d.clock.Advance(2 * time.Minute)
	h, err := d.book.Health(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, h.Open())
	require.Equal(t, 2*time.Minute, h.Late())
	require.Equal(t, "open 2 (created 1, processing 0, manual 1; oldest 2h12m0s), due 1 (late 2m0s), "+
		"unpublished 3 (oldest 2h12m0s), pending 0, anomalies 0", h.String())
	var out bytes.Buffer
	untimed(&out).Info("health", "journal", h)
	require.Equal(t, "level=INFO msg=health journal.created=1 journal.processing=0 journal.manual=1 journal.oldest=2h12m0s "+
		"journal.due=1 journal.late=2m0s journal.unpublished=3 journal.unsaid=2h12m0s journal.pending=0 journal.anomalies=0\n", out.String())
	require.Equal(t, "open 0, due 0, unpublished 0, pending 0, anomalies 0", journal.Health{}.String())
}

// Every change of status has a record, wherever it comes from, and in its order.
func TestTransitionsAreLogged(t *testing.T) {
	t.Parallel()
	d := newDesk(t, journal.Rules{})
	var out bytes.Buffer
	d.book = journal.New(d.store, journal.Config{
		Now: d.clock.Now, AllowVolatile: true, Logger: untimed(&out), Alarm: func(context.Context, journal.Alarm) {},
	})
	_, err := d.create("R1", func(r *journal.Draft) { r.Queue = true })
	require.NoError(t, err)
	d.work(1) // sent, no answer
	d.hear(said(bankrail.Succeeded, 100))
	d.hear(said(bankrail.Reversed, 100))
	_, err = d.create("R2", func(r *journal.Draft) { r.Queue = true })
	require.NoError(t, err)
	_, err = d.book.Cancel(t.Context(), numbered("R2"), "ann", "typo")
	require.NoError(t, err)
	var told []string
	for line := range strings.Lines(out.String()) {
		_, attrs, _ := strings.Cut(line, "entry=bank/M1/refund/")
		told = append(told, strings.TrimSpace(attrs))
	}
	require.Equal(t, []string{
		"R1 to=created source=host version=1",
		"R1 from=created to=processing source=worker version=2",
		"R1 from=processing to=succeeded source=notification version=4",
		"R1 from=succeeded to=reversed source=notification version=5",
		"R2 to=created source=host version=1",
		"R2 from=created to=failed source=host version=2 cause=never_sent",
	}, told)
}
