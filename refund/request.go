package refund

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// Request asks for money of a paid order to be given back (申请退款).
type Request struct {
	// Number is the merchant's refund number (商户退费单号), the same for ever: repeat
	// it after a crash or a timeout, never take a new one for the same refund. Each
	// gateway limits its characters; 0-9 A-Z a-z _ - and at most 64 suit all here.
	Number string
	// Channel is needed only by a Service made with NewRouted.
	Channel bankrail.Channel
	// Order is the host's order number (原订单号).
	Order string
	// Trade is the gateway's number of the original payment (原交易流水号). Defaults to
	// what Orders says, then to Order. A repeat gives or leaves it out as the first
	// request did; otherwise it is another request.
	Trade string
	// Amount is above zero and at most what is left of the order.
	Amount bankrail.Money
	// Reason is shown to the payer by most gateways, at most 80 characters.
	Reason string
	// Operator is who asked for it; it is recorded, and Config.Authorize decides on it.
	Operator string
	// Extra holds gateway-specific fields by their wire names; each gateway refuses
	// those it does not know.
	Extra map[string]string
}

// limits of what is recorded, in characters; gateways are stricter.
const (
	maxNumber   = 128
	maxReason   = 256
	maxOperator = 128
	maxExtra    = 32
)

// validate refuses what no gateway could take.
func (r Request) validate() error {
	for _, f := range []struct {
		name, value string
		max         int
		required    bool
	}{
		{"number", r.Number, maxNumber, true},
		{"order", r.Order, maxNumber, true},
		{"trade", r.Trade, maxNumber, false},
		{"reason", r.Reason, maxReason, false},
		{"operator", r.Operator, maxOperator, false},
	} {
		switch {
		case f.required && f.value == "":
			return &bankrail.FieldError{Field: f.name, Problem: "required"}
		case !utf8.ValidString(f.value):
			return &bankrail.FieldError{Field: f.name, Problem: "not UTF-8"}
		case utf8.RuneCountInString(f.value) > f.max:
			return &bankrail.FieldError{Field: f.name, Problem: "too long"}
		}
	}
	if !r.Amount.Positive() {
		return &bankrail.FieldError{Field: "amount", Problem: "must be above zero, is " + r.Amount.String()}
	}
	if len(r.Extra) > maxExtra {
		return &bankrail.FieldError{Field: "extra", Problem: "too many fields"}
	}
	return nil
}

// fingerprint is what makes two requests under one number the same: the money, the
// order it comes from, and what a gateway-specific field may do to either. The
// reason and the operator may differ between a request and its repeat.
func (r Request) fingerprint() journal.Fingerprint {
	fields := []string{"refund/1", string(r.Amount.Currency()), r.Amount.Decimal(), r.Order, r.Trade}
	for _, k := range slices.Sorted(maps.Keys(r.Extra)) {
		fields = append(fields, k, r.Extra[k])
	}
	return journal.NewFingerprint(fields...)
}

// record is the stored form of a request. Tags never change their meaning; new
// fields are added with omitempty, so that old rows read as they were written.
type record struct {
	Version  int               `json:"v"`
	Number   string            `json:"number"`
	Order    string            `json:"order"`
	Trade    string            `json:"trade"`
	Amount   bankrail.Money    `json:"amount"`
	Reason   string            `json:"reason,omitempty"`
	Operator string            `json:"operator,omitempty"`
	Extra    map[string]string `json:"extra,omitempty"`
}

const recordVersion = 1

// encode writes the stored form and makes sure that it reads back as the same
// request: whatever is sent again later is built from it.
func (r Request) encode() (json.RawMessage, error) {
	b, err := json.Marshal(record{
		Version: recordVersion, Number: r.Number, Order: r.Order, Trade: r.Trade, Amount: r.Amount,
		Reason: r.Reason, Operator: r.Operator, Extra: r.Extra,
	})
	if err != nil {
		return nil, &bankrail.FieldError{Field: "request", Problem: "cannot be recorded", Err: err}
	}
	back, err := decode(bankrail.Channel{}, b)
	if err != nil {
		return nil, err
	}
	r.Channel = bankrail.Channel{}
	if len(r.Extra) == 0 {
		r.Extra = nil
	}
	if back.fingerprint() != r.fingerprint() || back.Number != r.Number || back.Reason != r.Reason || back.Operator != r.Operator {
		return nil, &bankrail.FieldError{Field: "request", Problem: "does not survive being recorded"}
	}
	return b, nil
}

// decode reads the stored form.
func decode(ch bankrail.Channel, b []byte) (Request, error) {
	var r record
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&r); err != nil {
		return Request{}, &bankrail.FieldError{Field: "journal entry", Problem: "is no refund request", Err: err}
	}
	if r.Version != recordVersion {
		return Request{}, &bankrail.FieldError{Field: "journal entry", Problem: "was written by a newer version"}
	}
	return Request{
		Number: r.Number, Channel: ch, Order: r.Order, Trade: r.Trade, Amount: r.Amount,
		Reason: r.Reason, Operator: r.Operator, Extra: r.Extra,
	}, nil
}
