package main

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // the names of zones, where the machine has none

	"github.com/bankrail/bankrail"
)

// parseID reads gateway/merchant/operation/number. A number may hold a slash, the
// other parts do not.
func parseID(s string) (bankrail.ID, error) {
	parts := strings.SplitN(s, "/", 4)
	bad := &bankrail.FieldError{Field: "entry", Problem: "want gateway/merchant/operation/number, as list prints it"}
	if len(parts) != 4 {
		return bankrail.ID{}, bad
	}
	for _, p := range parts {
		if p == "" {
			return bankrail.ID{}, bad
		}
	}
	return bankrail.ID{
		Channel: bankrail.Channel{Gateway: parts[0], Merchant: parts[1]}, Op: bankrail.Op(parts[2]), Number: parts[3],
	}, nil
}

// parseMoney reads an amount in major units with its currency behind it, "100.00CNY"
// or "100.00 CNY". There is no default currency: 100 yen are not 100 yuan.
func parseMoney(s string) (bankrail.Money, error) {
	s = strings.TrimSpace(s)
	cut := len(s)
	for cut > 0 && (s[cut-1] >= 'A' && s[cut-1] <= 'Z') {
		cut--
	}
	if cut == len(s) || cut == 0 {
		return bankrail.Money{}, &bankrail.FieldError{Field: "amount", Problem: "want an amount with its currency, like 100.00CNY"}
	}
	return bankrail.ParseMoney(strings.TrimSuffix(s[:cut], " "), bankrail.Currency(s[cut:]))
}

// parseTime reads a day, which begins in the zone given, or a time with its offset.
func parseTime(s string, zone *time.Location) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	if err != nil || t.Year() < 1000 {
		return time.Time{}, &bankrail.FieldError{Field: "time", Problem: fmt.Sprintf("%.40q is neither a day like 2026-11-21 nor a time like 2026-11-21T08:00:00+08:00", s)}
	}
	return t, nil
}

// parseZone reads the name of a time zone or an offset like +08:00.
func parseZone(s string) (*time.Location, error) {
	if t, err := time.Parse("-07:00", s); err == nil {
		_, offset := t.Zone()
		return time.FixedZone(s, offset), nil
	}
	zone, err := time.LoadLocation(s)
	if err != nil || s == "" || zone == time.Local {
		return nil, &bankrail.FieldError{Field: "zone", Problem: fmt.Sprintf("%.40q is neither an offset like +08:00 nor a name like Asia/Shanghai", s)}
	}
	return zone, nil
}

// parseStatus reads the name of a status.
func parseStatus(s string) (status bankrail.Status, err error) {
	err = status.UnmarshalText([]byte(s))
	return status, err
}
