package bankrail

import "strings"

// Channel is one merchant at one gateway. A gateway value serves exactly one.
type Channel struct {
	// Gateway is the configured name of the gateway with its environment, such as
	// "lanhai-production": a record of the sandbox never answers for production.
	Gateway string
	// Merchant is the number the gateway knows the merchant by.
	Merchant string
}

// String writes gateway/merchant.
func (c Channel) String() string { return c.Gateway + "/" + c.Merchant }

// Op names an operation, the second half of a number's scope.
type Op string

// The operations.
const (
	// OpRefund gives money of a paid order back (退款).
	OpRefund Op = "refund"
)

// correction ends the Op of entries that record a success which arrived after the
// number had failed.
const correction = ".correction"

// Correction is the operation under which a success after failure is recorded, so
// that the failed entry stays as it is and the money still shows.
func (o Op) Correction() Op { return o + correction }

// IsCorrection reports whether the operation is a correction.
func (o Op) IsCorrection() bool { return strings.HasSuffix(string(o), correction) }

// ID names one entry for ever: a merchant's own number for one operation on one
// channel. The same ID never stands for two requests.
type ID struct {
	Channel
	Op Op
	// Number is the merchant's number (商户退费单号 for a refund). Each gateway limits
	// its length and characters; see [NumberGenerator] for one that fits all.
	Number string
}

// String writes gateway/merchant/op/number.
func (id ID) String() string {
	return id.Channel.String() + "/" + string(id.Op) + "/" + id.Number
}
