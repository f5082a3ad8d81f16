package sqlstore

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// entryColumns lists the columns of an entry in the order of entryValues and
// scanEntry. The key comes first.
const entryColumns = `gateway, merchant, op, number,
	version, status, cause, order_number,
	amount_minor, amount_currency, settled_minor, settled_currency, held_minor, held_currency,
	any_amount, offer, fingerprint, data, reply, sealed, operator, gateway_number, code, message,
	of_gateway, of_merchant, of_op, of_number, attempt, sends, copies,
	first_send, last_send_by, send_until, postponed, accepted_at, tries, asks, next_at, expires,
	absent_at, proposal, created_at, updated_at`

// keyColumns is how many columns the key has.
const keyColumns = 4

func key(id bankrail.ID) []any {
	return []any{id.Gateway, id.Merchant, string(id.Op), id.Number}
}

// entryValues are the values of entryColumns and of the digest of what is fixed.
func entryValues(e journal.Entry) []any {
	return append(key(e.ID),
		e.Version, name(e.Status), string(e.Cause), e.Order,
		e.Amount.Minor(), string(e.Amount.Currency()), e.Settled.Minor(), string(e.Settled.Currency()),
		e.Held.Minor(), string(e.Held.Currency()),
		flag(e.AnyAmount), flag(e.Offer), e.Fingerprint[:], blob(e.Data), blob(e.Reply), blob(e.Sealed),
		text(e.Operator), text(e.GatewayNumber), text(e.Code), text(e.Message),
		e.Of.Gateway, e.Of.Merchant, string(e.Of.Op), e.Of.Number, e.Attempt, e.Sends, e.Copies,
		ms(e.FirstSend), ms(e.LastSendBy), ms(e.SendUntil), flag(e.Postponed), ms(e.AcceptedAt),
		e.Tries, e.Asks, ms(e.NextAt), ms(e.Expires), ms(e.AbsentAt), proposal(e.Proposal), ms(e.CreatedAt), ms(e.UpdatedAt), fixed(e))
}

// changingColumns lists the columns that most changes write, in the order of
// changingValues. The others are what the request was: while their digest stays, neither
// they nor the indexes on them are touched.
const changingColumns = `version, status, cause,
	settled_minor, settled_currency, held_minor, held_currency,
	reply, operator, gateway_number, code, message, sends, copies,
	first_send, last_send_by, send_until, postponed, accepted_at, tries, asks, next_at, expires,
	absent_at, proposal, updated_at`

func changingValues(e journal.Entry) []any {
	return []any{
		e.Version, name(e.Status), string(e.Cause),
		e.Settled.Minor(), string(e.Settled.Currency()), e.Held.Minor(), string(e.Held.Currency()),
		blob(e.Reply), text(e.Operator), text(e.GatewayNumber), text(e.Code), text(e.Message), e.Sends, e.Copies,
		ms(e.FirstSend), ms(e.LastSendBy), ms(e.SendUntil), flag(e.Postponed), ms(e.AcceptedAt),
		e.Tries, e.Asks, ms(e.NextAt), ms(e.Expires), ms(e.AbsentAt), proposal(e.Proposal), ms(e.UpdatedAt),
	}
}

// fixed is the digest of the columns that are neither key nor changing.
func fixed(e journal.Entry) []byte {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	created := "" // NULL
	if !e.CreatedAt.IsZero() {
		created = number(e.CreatedAt.UnixMilli())
	}
	digest := journal.NewFingerprint(e.Order, number(e.Amount.Minor()), string(e.Amount.Currency()),
		strconv.FormatBool(e.AnyAmount), strconv.FormatBool(e.Offer), string(e.Fingerprint[:]), string(e.Data), string(e.Sealed),
		e.Of.Gateway, e.Of.Merchant, string(e.Of.Op), e.Of.Number, e.Attempt, created)
	return digest[:]
}

// stepValues is the history row of an entry's new version, after its entry.
func stepValues(e journal.Entry, c journal.Change) []any {
	return []any{e.Version, name(c.From), name(e.Status), string(c.Source), c.Evidence[:], text(c.Note), ms(c.At)}
}

// eventValues is the event row of an entry's new version, after its entry.
func eventValues(e journal.Entry, c journal.Change) []any {
	return []any{
		e.ID.String() + "#" + strconv.FormatInt(e.Version, 10), e.Version, string(c.Event), name(e.Status), e.Order,
		e.Amount.Minor(), string(e.Amount.Currency()), e.Settled.Minor(), string(e.Settled.Currency()), ms(c.At),
	}
}

// scanner is a row.
type scanner interface{ Scan(dest ...any) error }

// scanEntry reads id and entryColumns.
func scanEntry(r scanner) (e journal.Entry, row int64, err error) {
	var amount, settled, held money
	var status string
	var fingerprint, data, reply, sealed, proposed []byte
	err = r.Scan(&row, &e.Gateway, &e.Merchant, &e.ID.Op, &e.Number,
		&e.Version, &status, &e.Cause, &e.Order,
		&amount.minor, &amount.currency, &settled.minor, &settled.currency, &held.minor, &held.currency,
		&e.AnyAmount, &e.Offer, &fingerprint, &data, &reply, &sealed,
		&e.Operator, &e.GatewayNumber, &e.Code, &e.Message,
		&e.Of.Gateway, &e.Of.Merchant, &e.Of.Op, &e.Of.Number, &e.Attempt, &e.Sends, &e.Copies,
		at(&e.FirstSend), at(&e.LastSendBy), at(&e.SendUntil), &e.Postponed, at(&e.AcceptedAt),
		&e.Tries, &e.Asks, at(&e.NextAt), at(&e.Expires), at(&e.AbsentAt), &proposed, at(&e.CreatedAt), at(&e.UpdatedAt))
	if err != nil {
		return journal.Entry{}, 0, err
	}
	copy(e.Fingerprint[:], fingerprint)
	e.Data, e.Reply, e.Sealed = data, reply, sealed
	for _, f := range []func() error{
		func() error { return e.Status.UnmarshalText([]byte(status)) },
		func() error {
			if len(proposed) == 0 {
				return nil
			}
			return json.Unmarshal(proposed, &e.Proposal)
		},
		amount.into(&e.Amount), settled.into(&e.Settled), held.into(&e.Held),
	} {
		if err := f(); err != nil {
			return journal.Entry{}, 0, fmt.Errorf("row of %s: %w", e.ID, err)
		}
	}
	return e, row, nil
}

// proposal is a decision as a column: NULL where there is none.
func proposal(p journal.Proposal) any {
	if p == (journal.Proposal{}) {
		return nil
	}
	p.At = whole(p.At)
	b, err := json.Marshal(p)
	if err != nil {
		return err // no driver takes it, which fails the statement
	}
	return b
}

// money is an amount in two columns.
type money struct {
	minor    int64
	currency bankrail.Currency
}

func (m *money) into(to *bankrail.Money) func() error {
	return func() (err error) {
		if *m != (money{}) {
			*to, err = bankrail.NewMoney(m.minor, m.currency)
		}
		return err
	}
}

// ms is a time as a column: NULL for the zero time.
func ms(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// at reads what ms wrote.
func at(t *time.Time) sql.Scanner { return (*instant)(t) }

type instant time.Time

// Scan reads milliseconds, or NULL for the zero time.
func (t *instant) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t = instant{}
	case int64:
		*t = instant(time.UnixMilli(v).UTC())
	default:
		return fmt.Errorf("%T is no time in milliseconds", v)
	}
	return nil
}

// blob is a slice as a column: NULL for an empty one, which reads as nil.
func blob[T ~[]byte](b T) any {
	if len(b) == 0 {
		return nil
	}
	return []byte(b)
}

// text is what a gateway or a person wrote, as a column. Servers take no bytes that
// are not UTF-8, and PostgreSQL no zero byte: a message in another encoding must not
// keep an entry from being settled.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// rowID reads the Row of what was read earlier; no row has the number of what is none.
func rowID(row string) int64 {
	n, err := strconv.ParseInt(row, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// name is a status as a column, empty for none.
func name(s bankrail.Status) string {
	if !s.Valid() {
		return ""
	}
	return s.String()
}

// marks is a list of n placeholders.
func marks(n int) string { return strings.Repeat("?, ", n-1) + "?" }
