package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
)

func TestParseMoney(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{"100.00CNY": 10000, " 1 CNY ": 100, "0.01CNY": 1} {
		got, err := parseMoney(s)
		require.NoError(t, err, s)
		require.Equal(t, bankrail.CNY(want), got, s)
	}
	for _, s := range []string{"", "CNY", "100", "100.001CNY", "1e3CNY", "1,000CNY", "100 cny", "100XXX", "99999999999999999999CNY", "1  CNY", "١CNY"} {
		_, err := parseMoney(s)
		require.ErrorIs(t, err, bankrail.ErrInvalid, s)
	}
}

func TestParseZone(t *testing.T) {
	t.Parallel()
	day, err := parseTime("2026-11-21", must(t, "Asia/Shanghai"))
	require.NoError(t, err)
	require.True(t, time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC).Equal(day))
	day, err = parseTime("2026-11-21", must(t, "-05:00"))
	require.NoError(t, err)
	require.True(t, time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC).Equal(day))
	for _, s := range []string{"", "Local", "Mars/Base", "../etc/passwd", "8"} {
		_, err := parseZone(s)
		require.ErrorIs(t, err, bankrail.ErrInvalid, s)
	}
}

func must(t *testing.T, zone string) *time.Location {
	t.Helper()
	z, err := parseZone(zone)
	require.NoError(t, err)
	return z
}

// FuzzParseMoney: what is read back from an amount's own text is the amount.
func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"100.00CNY", "1JPY", "-1.00 CNY", "0.000001USDT", "", "CNY", ".5CNY", "9223372036854775807JPY"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseMoney(s)
		if err != nil {
			require.ErrorIs(t, err, bankrail.ErrInvalid)
			return
		}
		again, err := parseMoney(m.String())
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}

// FuzzParseTime: a time that is accepted is one that can be written and read again.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-11-21", "2026-11-21T08:00:00+08:00", "2026-02-30", "", "0000-01-01", "2026-11-21T24:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := parseTime(s, time.UTC)
		if err != nil {
			require.ErrorIs(t, err, bankrail.ErrInvalid)
			return
		}
		again, err := parseTime(at.Format(time.RFC3339Nano), time.UTC)
		require.NoError(t, err)
		require.True(t, at.Equal(again))
	})
}

// FuzzParseID: an entry's name reads back as the entry.
func FuzzParseID(f *testing.F) {
	for _, s := range []string{stuckEntry, "a/b/c/d/e", "a//c/d", "", "////"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := parseID(s)
		if err != nil {
			require.ErrorIs(t, err, bankrail.ErrInvalid)
			require.True(t, strings.Count(s, "/") < 3 || strings.Contains(s, "//") || strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/"))
			return
		}
		require.Equal(t, s, id.String())
	})
}
