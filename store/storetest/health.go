package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

func (s *box) health(t *testing.T) journal.Health {
	t.Helper()
	h, err := s.Health(s.ctx)
	require.NoError(t, err)
	return h
}

var healthTests = []test{
	{"an empty journal is healthy", func(t *testing.T, s *box) {
		require.Equal(t, journal.Health{At: begun}, s.health(t))
	}},
	{"open entries are counted by status and age, each once", func(t *testing.T, s *box) {
		want := journal.Health{At: begun}
		ages := append([]time.Duration{0}, journal.HealthAges[:]...)
		n := 0
		for class, age := range ages {
			// One at the youngest of the class, one almost at its oldest.
			for _, old := range []time.Duration{age, age + 59*time.Second} {
				for _, st := range []bankrail.Status{bankrail.Created, bankrail.Processing, bankrail.Manual, bankrail.Succeeded, bankrail.Failed, bankrail.Reversed} {
					n++
					e := draft(fmt.Sprint(n))
					e.Status, e.CreatedAt = st, begun.Add(-old)
					s.insert(t, e)
				}
				want.Created++
				want.Processing++
				want.Manual++
				want.Ages[class] += 3
			}
		}
		want.Oldest = begun.Add(-journal.HealthAges[len(journal.HealthAges)-1] - 59*time.Second)
		got := s.health(t)
		require.Equal(t, n, got.Unpublished)
		got.Unpublished, got.UnpublishedSince = 0, time.Time{}
		require.Equal(t, want, got)
	}},
	{"what is due counts, with the earliest", func(t *testing.T, s *box) {
		s.due(t, "R1", -time.Minute)
		s.due(t, "R2", -time.Hour)
		s.due(t, "R3", 0)
		s.due(t, "R4", time.Second)
		h := s.health(t)
		require.Equal(t, 3, h.Due)
		require.Equal(t, begun.Add(-time.Hour), h.DueSince)
		_, err := s.Claim(s.ctx, refunds(10))
		require.NoError(t, err)
		h = s.health(t)
		require.Zero(t, h.Due, "somebody is at it")
		require.True(t, h.DueSince.IsZero())
	}},
	{"events not published, news that waits and anomalies count", func(t *testing.T, s *box) {
		early := to(draft("R1"), bankrail.Processing)
		early.At = begun.Add(-time.Hour)
		require.NoError(t, s.Insert(s.ctx, early, journal.Hold{}))
		s.insert(t, draft("R2"))
		s.apply(t, journal.Batch{
			Pending:   []journal.Pending{news("R8", begun), news("R9", begun)},
			Anomalies: []journal.Anomaly{{Kind: journal.AnomalyAmount, Entry: idOf("R1"), At: begun}},
		})
		h := s.health(t)
		require.Equal(t, 2, h.Unpublished)
		require.Equal(t, begun.Add(-time.Hour), h.UnpublishedSince)
		require.Equal(t, 2, h.Pending)
		require.Equal(t, 1, h.Anomalies)
		require.NoError(t, s.Published(s.ctx, eventID("R1", 1)))
		h = s.health(t)
		require.Equal(t, 1, h.Unpublished)
		require.Equal(t, begun, h.UnpublishedSince)
		require.NoError(t, s.Published(s.ctx, eventID("R2", 1)))
		require.Equal(t, time.Time{}, s.health(t).UnpublishedSince)
	}},
}
