package bankrail

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Money is an amount in the minor units of one currency: CNY(1234) is 12.34 yuan.
//
// The zero Money is nothing: it has no currency, adds to any amount and is equal
// to no amount of a currency. Amounts range over the whole of int64; arithmetic
// that would leave it is an error, never a wrap. No floating point is involved.
type Money struct {
	minor    int64
	currency Currency
}

// NewMoney returns an amount of minor units (fen, cents) in a listed currency.
//
// Errors: *FieldError for a currency that [Currency.Exponent] does not know.
func NewMoney(minor int64, c Currency) (Money, error) {
	if _, err := c.Exponent(); err != nil {
		return Money{}, err
	}
	return Money{minor: minor, currency: c}, nil
}

// CNY returns an amount in fen, a hundredth of a yuan.
func CNY(fen int64) Money { return Money{minor: fen, currency: "CNY"} }

// ParseMoney reads a decimal amount in major units, "12.34" for 12.34 yuan: an
// optional minus, digits, and at most as many decimals as the currency has.
// Signs, spaces, exponents and thousands separators beyond that are refused.
//
// Errors: *FieldError for another form, for too many decimals and for an amount
// beyond int64 minor units.
func ParseMoney(s string, c Currency) (Money, error) {
	exp, err := c.Exponent()
	if err != nil {
		return Money{}, err
	}
	whole, frac, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if whole == "" || len(s) > 40 || point && frac == "" || !digits(whole) || !digits(frac) {
		return Money{}, &FieldError{Field: "amount", Problem: "want digits like 12.34"}
	}
	if len(frac) > exp {
		return Money{}, &FieldError{Field: "amount", Problem: fmt.Sprintf("%s has %d decimals, not %d", c, exp, len(frac))}
	}
	n := whole + frac + strings.Repeat("0", exp-len(frac))
	if s[0] == '-' {
		n = "-" + n // read with its sign: the lowest int64 has no positive
	}
	return minorUnits(n, c)
}

// ParseMinor reads an amount in minor units as gateways write it on the wire:
// digits only, "1234" for 12.34 yuan.
//
// Errors: *FieldError for anything but digits and for an amount beyond int64.
func ParseMinor(s string, c Currency) (Money, error) {
	if _, err := c.Exponent(); err != nil {
		return Money{}, err
	}
	if s == "" || len(s) > 40 || !digits(s) {
		return Money{}, &FieldError{Field: "amount", Problem: "want digits, minor units"}
	}
	return minorUnits(s, c)
}

func minorUnits(s string, c Currency) (Money, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return Money{}, &FieldError{Field: "amount", Problem: "beyond int64 minor units"}
	}
	return Money{minor: n, currency: c}, nil
}

// Minor returns the amount in minor units.
func (m Money) Minor() int64 { return m.minor }

// Currency returns the currency, empty for the zero Money.
func (m Money) Currency() Currency { return m.currency }

// IsZero reports whether the amount is zero, with or without a currency.
func (m Money) IsZero() bool { return m.minor == 0 }

// Positive reports whether the amount is above zero and has a currency: what
// every operation asks of the amount it is to move.
func (m Money) Positive() bool { return m.minor > 0 && m.currency != "" }

// Add returns m+o.
//
// Errors: *FieldError for two currencies and for a sum beyond int64.
func (m Money) Add(o Money) (Money, error) {
	if m == (Money{}) {
		return o, nil
	}
	if o == (Money{}) {
		return m, nil
	}
	if m.currency != o.currency {
		return Money{}, mixed(m, o)
	}
	sum := m.minor + o.minor
	if (sum > m.minor) != (o.minor > 0) && o.minor != 0 {
		return Money{}, &FieldError{Field: "amount", Problem: "sum beyond int64 minor units"}
	}
	return Money{minor: sum, currency: m.currency}, nil
}

// Sub returns m−o.
//
// Errors: *FieldError for two currencies and for a difference beyond int64.
func (m Money) Sub(o Money) (Money, error) {
	if o == (Money{}) {
		return m, nil
	}
	if m != (Money{}) && m.currency != o.currency {
		return Money{}, mixed(m, o)
	}
	diff := m.minor - o.minor
	if (diff < m.minor) != (o.minor > 0) && o.minor != 0 {
		return Money{}, &FieldError{Field: "amount", Problem: "difference beyond int64 minor units"}
	}
	return Money{minor: diff, currency: o.currency}, nil
}

// Cmp compares two amounts of one currency: −1, 0 or +1.
//
// Errors: *FieldError for two currencies.
func (m Money) Cmp(o Money) (int, error) {
	if m.currency != o.currency && m != (Money{}) && o != (Money{}) {
		return 0, mixed(m, o)
	}
	switch {
	case m.minor < o.minor:
		return -1, nil
	case m.minor > o.minor:
		return 1, nil
	}
	return 0, nil
}

// String writes the amount in major units with its currency: "12.34 CNY".
func (m Money) String() string {
	if m.currency == "" {
		return strconv.FormatInt(m.minor, 10)
	}
	return m.Decimal() + " " + string(m.currency)
}

// Decimal writes the amount in major units with all decimals of its currency,
// as statements and some gateways want it: "12.34", "-0.05", "300" for JPY.
func (m Money) Decimal() string {
	exp, err := m.currency.Exponent()
	s := strconv.FormatInt(m.minor, 10)
	if err != nil || exp == 0 {
		return s
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	if len(s) <= exp {
		s = strings.Repeat("0", exp+1-len(s)) + s
	}
	return sign + s[:len(s)-exp] + "." + s[len(s)-exp:]
}

// moneyJSON is the stored form of Money; its tags never change.
type moneyJSON struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// MarshalJSON writes {"minor":1234,"currency":"CNY"}: the stored form.
func (m Money) MarshalJSON() ([]byte, error) {
	return json.Marshal(moneyJSON{Minor: m.minor, Currency: m.currency})
}

// UnmarshalJSON reads what MarshalJSON wrote. An amount without a currency is
// accepted only when it is zero.
//
// Errors: *FieldError for an unlisted currency.
func (m *Money) UnmarshalJSON(b []byte) error {
	var v moneyJSON
	if err := json.Unmarshal(b, &v); err != nil {
		return &FieldError{Field: "amount", Problem: "want {\"minor\":1234,\"currency\":\"CNY\"}"}
	}
	if v == (moneyJSON{}) {
		*m = Money{}
		return nil
	}
	n, err := NewMoney(v.Minor, v.Currency)
	if err != nil {
		return err
	}
	*m = n
	return nil
}

func mixed(m, o Money) error {
	return &FieldError{Field: "currency", Problem: fmt.Sprintf("%s and %s do not mix", m.currency, o.currency)}
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
