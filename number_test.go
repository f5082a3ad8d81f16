package bankrail_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
)

func next(t *testing.T, g *bankrail.NumberGenerator) string {
	t.Helper()
	n, err := g.Next()
	require.NoError(t, err)
	return n
}

func at(clock string) func() time.Time {
	return func() time.Time {
		tm, err := time.Parse(time.RFC3339, clock)
		if err != nil {
			panic(err)
		}
		return tm
	}
}

func TestNumbersAreUniqueAmongGoroutinesAndMachines(t *testing.T) {
	t.Parallel()
	const workers, each = 16, 500
	now := at("2026-07-28T00:00:00Z") // a clock that stands still is the worst case
	machines := []*bankrail.NumberGenerator{{Machine: 0, Now: now}, {Machine: 9999, Now: now}}
	got := make([][]string, workers*len(machines))
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			for range each {
				n, err := machines[i%len(machines)].Next()
				if err != nil {
					t.Error(err)
					return
				}
				got[i] = append(got[i], n)
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, list := range got {
		last := ""
		for _, n := range list {
			require.Len(t, n, 24)
			require.Regexp(t, `^[0-9]+$`, n)
			require.False(t, seen[n], n)
			seen[n] = true
			require.Greater(t, n, last, "numbers of one machine rise")
			last = n
		}
	}
	require.Len(t, seen, len(got)*each)
}

func TestNumbersRiseWhenTheClockStepsBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)
	g := &bankrail.NumberGenerator{Machine: 7, Now: func() time.Time { return now }}
	last := next(t, g)
	for _, step := range []time.Duration{-time.Second, -time.Hour, time.Nanosecond, 59 * time.Minute, -400 * 24 * time.Hour, 401 * 24 * time.Hour} {
		now = now.Add(step)
		n := next(t, g)
		require.Greater(t, n, last, step)
		last = n
	}
}

func TestASecondThatIsFullBorrowsFromTheNext(t *testing.T) {
	t.Parallel()
	now := at("2026-07-28T04:00:00Z")()
	g := &bankrail.NumberGenerator{Now: func() time.Time { return now }}
	require.Equal(t, "20260728120000"+"0000"+"000000", next(t, g))
	g.Skip(999_998)
	require.Equal(t, "20260728120000"+"0000"+"999999", next(t, g))
	require.Equal(t, "20260728120001"+"0000"+"000000", next(t, g))
	now = now.Add(time.Second)
	require.Equal(t, "20260728120001"+"0000"+"000001", next(t, g), "the borrowed second goes on")
	now = now.Add(time.Second)
	require.Equal(t, "20260728120002"+"0000"+"000000", next(t, g))
}

func TestNumbersHaveOneZone(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("elsewhere", -7*60*60)
	g := &bankrail.NumberGenerator{Prefix: "R", Machine: 42, Now: func() time.Time { return time.Date(2026, 12, 31, 9, 0, 0, 0, zone) }}
	require.Equal(t, "R"+"20270101000000"+"0042"+"000000", next(t, g))
}

func TestNumberGeneratorRefusesWhatWouldNotBeUnique(t *testing.T) {
	t.Parallel()
	for _, g := range []*bankrail.NumberGenerator{
		{Machine: -1}, {Machine: 10000}, {Prefix: "123456789"}, {Prefix: "R-"}, {Prefix: "退"}, {Prefix: "\n"},
	} {
		n, err := g.Next()
		require.ErrorIs(t, err, bankrail.ErrInvalid)
		require.Empty(t, n)
	}
}
