package bankrail

import "time"

// Receipt is what a gateway said of a number: authentic, parsed, and no more than
// it said. A field that the gateway left out is zero.
type Receipt struct {
	// Number is the merchant's number the gateway spoke of.
	Number string `json:"number"`
	// GatewayNumber is the gateway's own number (银行流水号).
	GatewayNumber string `json:"gateway_number,omitempty"`
	// Status is Processing (accepted), Succeeded, Failed or Reversed.
	Status Status `json:"status"`
	// Amount is what moved, as the gateway says it; zero where it does not say.
	Amount Money `json:"amount,omitzero"`
	// At is when the gateway says it happened; zero where it does not say.
	At time.Time `json:"at,omitzero"`
	// Code and Message are the gateway's own, verbatim, mostly of a failure.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Raw is the verified body it was read from, without secrets: the way out to
	// whatever this struct does not name.
	Raw []byte `json:"raw,omitempty"`
}
