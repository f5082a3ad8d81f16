package journal

import (
	"time"

	"github.com/bankrail/bankrail"
)

// Notice is one verified message of a gateway: none to many facts.
type Notice struct {
	bankrail.Channel
	// ID is the gateway's number of the message. With the channel it is unique: an
	// identical redelivery changes nothing.
	ID string
	// Digest is the SHA-256 of its content without what a redelivery renews
	// (timestamp, nonce, signature).
	Digest [32]byte
	// At is when the gateway says it signed this delivery.
	At time.Time
	// Stale marks a message outside the window of its receiver: authentic, but perhaps
	// a recording. Its news asks the gateway instead of concluding anything.
	Stale bool
	// Source says what brought it: SourceNotification, or SourceStatement for the lines
	// of a statement that was verified. Defaults to SourceNotification.
	Source Source
	News   []News
}

// News is one fact of a notice.
type News struct {
	Op bankrail.Op `json:"op"`
	bankrail.Receipt
}

// from is the source of the notice's news.
func (n Notice) from() Source {
	if n.Source == "" {
		return SourceNotification
	}
	return n.Source
}
