package journal

import (
	"time"

	"github.com/bankrail/bankrail"
)

// Proposal is a decision that waits for a second person.
type Proposal struct {
	Status    bankrail.Status `json:"status"`
	Amount    bankrail.Money  `json:"amount,omitzero"`
	Proof     Proof           `json:"proof,omitempty"`
	Reference string          `json:"reference,omitempty"`
	By        string          `json:"by"`
	Why       string          `json:"why"`
	At        time.Time       `json:"at"`
}

// Proof says what a decision of failure stands on.
type Proof string
