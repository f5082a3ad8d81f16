package bankrail

import "fmt"

// Currency is a currency code: ISO 4217's three letters, or the name of a token
// such as USDT.
type Currency string

// exponents lists how many decimals each currency has. Source: ISO 4217 list one;
// USDT has six decimals on the chains in use (brief 3 pays card sellers in it).
var exponents = map[Currency]int{
	"AED": 2, "AUD": 2, "BDT": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CNY": 2,
	"DKK": 2, "EGP": 2, "EUR": 2, "GBP": 2, "HKD": 2, "IDR": 2, "ILS": 2, "INR": 2,
	"ISK": 0, "JOD": 3, "JPY": 0, "KES": 2, "KHR": 2, "KRW": 0, "KWD": 3, "KZT": 2,
	"LAK": 2, "MMK": 2, "MNT": 2, "MOP": 2, "MXN": 2, "MYR": 2, "NGN": 2, "NOK": 2,
	"NZD": 2, "OMR": 3, "PHP": 2, "PKR": 2, "PLN": 2, "RUB": 2, "SAR": 2, "SEK": 2,
	"SGD": 2, "THB": 2, "TRY": 2, "TWD": 2, "USD": 2, "USDT": 6, "VND": 0, "ZAR": 2,
}

// Exponent returns how many decimals the currency has: 2 for CNY, 0 for JPY, 6
// for USDT.
//
// Errors: *FieldError for a currency that is not listed. A wrong exponent moves a
// hundred times too much, so nothing is assumed for one that is not known.
func (c Currency) Exponent() (int, error) {
	if e, ok := exponents[c]; ok {
		return e, nil
	}
	return 0, &FieldError{Field: "currency", Problem: fmt.Sprintf("%.8q is not a listed currency", string(c))}
}
