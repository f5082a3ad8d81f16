package bankrail_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bankrail/bankrail"
)

func money(t *testing.T, minor int64, c bankrail.Currency) bankrail.Money {
	t.Helper()
	m, err := bankrail.NewMoney(minor, c)
	require.NoError(t, err)
	return m
}

func TestMoneyAddAndSubStayWithinInt64(t *testing.T) {
	t.Parallel()
	const low, high = math.MinInt64, math.MaxInt64
	tests := []struct {
		name string
		m, o int64
		sum  string // empty: refused
		diff string
	}{
		{"small", 5, 3, "8", "2"},
		{"zero", 0, 0, "0", "0"},
		{"up to the top", high - 1, 1, "9223372036854775807", "9223372036854775805"},
		{"over the top", high, 1, "", "9223372036854775806"},
		{"top and top", high, high, "", "0"},
		{"down to the bottom", low + 1, 1, "-9223372036854775806", "-9223372036854775808"},
		{"under the bottom", low, 1, "-9223372036854775807", ""},
		{"bottom and bottom", low, low, "", "0"},
		{"top and bottom", high, low, "-1", ""},
		{"minus one and bottom", -1, low, "", "9223372036854775807"},
		{"zero and bottom", 0, low, "-9223372036854775808", ""},
		{"bottom and minus one", low, -1, "", "-9223372036854775807"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// A yen has no decimals, so that Decimal writes the minor units.
			m, o := money(t, tt.m, "JPY"), money(t, tt.o, "JPY")
			check := func(want string, got bankrail.Money, err error) {
				t.Helper()
				if want == "" {
					require.ErrorIs(t, err, bankrail.ErrInvalid)
					require.Zero(t, got)
					return
				}
				require.NoError(t, err)
				require.Equal(t, want, got.Decimal())
				require.Equal(t, bankrail.Currency("JPY"), got.Currency())
			}
			sum, err := m.Add(o)
			check(tt.sum, sum, err)
			diff, err := m.Sub(o)
			check(tt.diff, diff, err)
		})
	}
}

func TestMoneyOfTwoCurrenciesDoesNotMix(t *testing.T) {
	t.Parallel()
	m, o := bankrail.CNY(100), money(t, 100, "USD")
	_, err := m.Add(o)
	require.ErrorIs(t, err, bankrail.ErrInvalid)
	_, err = m.Sub(o)
	require.ErrorIs(t, err, bankrail.ErrInvalid)
	_, err = m.Cmp(o)
	require.ErrorIs(t, err, bankrail.ErrInvalid)
	require.EqualError(t, err, "currency: CNY and USD do not mix")
	require.NotEqual(t, m, o)

	// Zero of a currency is of that currency still.
	_, err = bankrail.CNY(0).Add(o)
	require.ErrorIs(t, err, bankrail.ErrInvalid)
}

func TestZeroMoneyIsNothing(t *testing.T) {
	t.Parallel()
	var zero bankrail.Money
	m := money(t, -5, "USD")

	for _, f := range []func() (bankrail.Money, error){
		func() (bankrail.Money, error) { return zero.Add(m) },
		func() (bankrail.Money, error) { return m.Add(zero) },
		func() (bankrail.Money, error) { return m.Sub(zero) },
	} {
		got, err := f()
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
	got, err := zero.Sub(m)
	require.NoError(t, err)
	require.Equal(t, money(t, 5, "USD"), got)
	got, err = zero.Add(zero)
	require.NoError(t, err)
	require.Equal(t, zero, got)

	c, err := zero.Cmp(m)
	require.NoError(t, err)
	require.Equal(t, 1, c)
	require.NotEqual(t, zero, bankrail.CNY(0))
	require.True(t, zero.IsZero())
	require.True(t, bankrail.CNY(0).IsZero())
	require.False(t, zero.Positive())
	require.False(t, bankrail.CNY(0).Positive())
	require.False(t, bankrail.CNY(-1).Positive())
	require.True(t, bankrail.CNY(1).Positive())
	require.Equal(t, "0", zero.String())
	require.Equal(t, "0", zero.Decimal())
}

func TestMoneyCmp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		m, o int64
		want int
	}{
		{1, 2, -1}, {2, 1, 1}, {2, 2, 0}, {math.MinInt64, math.MaxInt64, -1}, {math.MaxInt64, math.MinInt64, 1},
	} {
		got, err := bankrail.CNY(tt.m).Cmp(bankrail.CNY(tt.o))
		require.NoError(t, err)
		require.Equal(t, tt.want, got)
	}
}

func TestMoneyIsWrittenWithTheDecimalsOfItsCurrency(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		minor   int64
		c       bankrail.Currency
		decimal string
	}{
		{1234, "CNY", "12.34"},
		{1200, "CNY", "12.00"},
		{5, "CNY", "0.05"},
		{34, "CNY", "0.34"},
		{-34, "CNY", "-0.34"},
		{-5, "CNY", "-0.05"},
		{-1234, "CNY", "-12.34"},
		{0, "CNY", "0.00"},
		{math.MaxInt64, "CNY", "92233720368547758.07"},
		{math.MinInt64, "CNY", "-92233720368547758.08"},
		{300, "JPY", "300"},
		{-300, "JPY", "-300"},
		{1, "KWD", "0.001"},
		{-1234567, "KWD", "-1234.567"},
		{1, "USDT", "0.000001"},
		{1_000_000, "USDT", "1.000000"},
		{math.MinInt64, "USDT", "-9223372036854.775808"},
	} {
		t.Run(fmt.Sprint(tt.minor, tt.c), func(t *testing.T) {
			t.Parallel()
			m := money(t, tt.minor, tt.c)
			require.Equal(t, tt.decimal, m.Decimal())
			require.Equal(t, tt.decimal+" "+string(tt.c), m.String())
			back, err := bankrail.ParseMoney(tt.decimal, tt.c)
			require.NoError(t, err)
			require.Equal(t, m, back)
		})
	}
}

func TestParseMoney(t *testing.T) {
	t.Parallel()
	accept := map[string]int64{
		"12.34": 1234, "12.3": 1230, "12": 1200, "0": 0, "0.00": 0, "-0": 0, "-0.00": 0, "-0.05": -5,
		"007": 700, "00000000000000000000000000000001": 100,
		"92233720368547758.07": math.MaxInt64, "-92233720368547758.08": math.MinInt64,
	}
	for s, want := range accept {
		m, err := bankrail.ParseMoney(s, "CNY")
		require.NoError(t, err, s)
		require.Equal(t, bankrail.CNY(want), m, s)
	}
	refuse := []string{
		"", "-", ".", "-.", "+1", " 1", "1 ", "1\n", "1e3", "1E3", "1.", ".5", "-.5", "--1", "1-", "1.2.3", "1,000", "1_000",
		"0x10", "Inf", "NaN", "١٢", "１２", "1.234", "1.230", "12.34 CNY", "¥12", "\x001", "1.-2",
		"92233720368547758.08", "-92233720368547758.09", "99999999999999999999", "184467440737095516.17",
		strings.Repeat("0", 40) + "1", strings.Repeat("9", 1<<20),
	}
	for _, s := range refuse {
		m, err := bankrail.ParseMoney(s, "CNY")
		var field *bankrail.FieldError
		require.ErrorAs(t, err, &field, "%.50q", s)
		require.Zero(t, m)
		require.Less(t, len(err.Error()), 100)
	}
	_, err := bankrail.ParseMoney("1.5", "JPY")
	require.EqualError(t, err, "amount: JPY has 0 decimals, not 1")
	_, err = bankrail.ParseMoney("1", "XXX")
	require.EqualError(t, err, `currency: "XXX" is not a listed currency`)
}

func TestParseMinor(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{"0": 0, "1": 1, "1234": 1234, "0001": 1, "9223372036854775807": math.MaxInt64} {
		m, err := bankrail.ParseMinor(s, "CNY")
		require.NoError(t, err, s)
		require.Equal(t, bankrail.CNY(want), m)
	}
	for _, s := range []string{
		"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "１２", "0x1", "1_0", "9223372036854775808", "18446744073709551617",
		strings.Repeat("0", 41), "\x00",
	} {
		m, err := bankrail.ParseMinor(s, "CNY")
		require.ErrorIs(t, err, bankrail.ErrInvalid, "%q", s)
		require.Zero(t, m)
	}
	_, err := bankrail.ParseMinor("1", "cny")
	require.ErrorIs(t, err, bankrail.ErrInvalid)
}

func TestUnlistedCurrencies(t *testing.T) {
	t.Parallel()
	for _, c := range []bankrail.Currency{"", "cny", "RMB", "CNY ", "XAU", bankrail.Currency(strings.Repeat("C", 1<<20))} {
		_, err := c.Exponent()
		require.ErrorIs(t, err, bankrail.ErrInvalid)
		require.Less(t, len(err.Error()), 100)
		_, err = bankrail.NewMoney(1, c)
		require.ErrorIs(t, err, bankrail.ErrInvalid)
	}
	for c, want := range map[bankrail.Currency]int{"CNY": 2, "JPY": 0, "VND": 0, "KWD": 3, "USDT": 6} {
		got, err := c.Exponent()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// The stored form of Money is in journals that outlive this code: these texts stay.
func TestStoredMoney(t *testing.T) {
	t.Parallel()
	for stored, m := range map[string]bankrail.Money{
		`{"minor":1234,"currency":"CNY"}`:                 bankrail.CNY(1234),
		`{"minor":-5,"currency":"CNY"}`:                   bankrail.CNY(-5),
		`{"minor":0,"currency":"CNY"}`:                    bankrail.CNY(0),
		`{"minor":-9223372036854775808,"currency":"JPY"}`: money(t, math.MinInt64, "JPY"),
		`{"minor":9007199254740993,"currency":"USDT"}`:    money(t, 1<<53+1, "USDT"), // no float64 holds it
		`{"minor":0,"currency":""}`:                       {},
	} {
		b, err := json.Marshal(m)
		require.NoError(t, err)
		require.Equal(t, stored, string(b))
		back := bankrail.CNY(99)
		require.NoError(t, json.Unmarshal([]byte(stored), &back))
		require.Equal(t, m, back)
	}
	for _, s := range []string{
		`{"minor":1.5,"currency":"CNY"}`, `{"minor":1e3,"currency":"CNY"}`, `{"minor":"1","currency":"CNY"}`,
		`{"minor":9223372036854775808,"currency":"CNY"}`, `{"minor":1,"currency":""}`, `{"minor":1}`,
		`{"minor":1,"currency":"RMB"}`, `1234`, `"12.34"`, `[]`,
	} {
		m := bankrail.CNY(99)
		require.ErrorIs(t, json.Unmarshal([]byte(s), &m), bankrail.ErrInvalid, s)
		require.Equal(t, bankrail.CNY(99), m, "what cannot be read changes nothing")
	}
}

func TestMoneyArithmeticIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := bankrail.CNY(rapid.Int64().Draw(t, "a")), bankrail.CNY(rapid.Int64().Draw(t, "b"))
		sum, err := a.Add(b)
		if err != nil {
			return
		}
		back, err := sum.Sub(b)
		require.NoError(t, err)
		require.Equal(t, a, back)
		again, err := b.Add(a)
		require.NoError(t, err)
		require.Equal(t, sum, again)
	})
}

// FuzzParseMoney: what is accepted is written again as the same amount, and what is
// written is accepted.
func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"12.34", "-0.05", "-92233720368547758.08", "1e3", ".5", "0.000001", "１", ""} {
		f.Add(s, "CNY")
		f.Add(s, "USDT")
		f.Add(s, "JPY")
	}
	f.Fuzz(func(t *testing.T, s, c string) {
		m, err := bankrail.ParseMoney(s, bankrail.Currency(c))
		if err != nil {
			require.ErrorIs(t, err, bankrail.ErrInvalid)
			require.Zero(t, m)
			return
		}
		require.Equal(t, c, string(m.Currency()))
		back, err := bankrail.ParseMoney(m.Decimal(), m.Currency())
		require.NoError(t, err)
		require.Equal(t, m, back)
		b, err := json.Marshal(m)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, m, back)
	})
}
