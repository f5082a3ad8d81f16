package lanhai

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
	"github.com/bankrail/bankrail/sign"
)

// ReadNotice verifies a notification (退费结果通知) over its raw bytes and reads it.
//
// Cheap checks come first: the form of the body, the merchant, the presence of a
// signature; then one verification. Whatever is read afterwards is read from the
// fields that were signed.
//
// Errors: notify.ErrForged where it does not verify or names another merchant,
// *bankrail.FieldError where it is authentic and yet unreadable.
func (g *Gateway) ReadNotice(ctx context.Context, n notify.Message) (journal.Notice, error) {
	canonical, m, err := g.verifyNotice(ctx, n)
	if err != nil {
		return journal.Notice{}, fmt.Errorf("lanhai: %w: %w", notify.ErrForged, err)
	}
	notice, err := g.notice(m)
	if err != nil {
		return journal.Notice{}, fmt.Errorf("lanhai: notification: %w", err)
	}
	notice.News[0].Raw = n.Body
	notice.Digest = sha256.Sum256(canonical)
	return notice, nil
}

// errOtherMerchant: it may be authentic, but it is none of this endpoint's business.
var errOtherMerchant = errors.New("the notification is for another merchant")

// verifyNotice returns the signed text without what every delivery renews, and the
// signed members.
func (g *Gateway) verifyNotice(ctx context.Context, n notify.Message) ([]byte, map[string]string, error) {
	fields, err := sign.JSONFields(make([]sign.Field, 0, 20), n.Body)
	if err != nil {
		return nil, nil, err
	}
	canonical, err := text.Append(make([]byte, 0, len(n.Body)), fields)
	if err != nil {
		return nil, nil, err
	}
	m := members(fields)
	if m["merchantId"] != g.channel.Merchant {
		return nil, nil, errOtherMerchant
	}
	if err := g.dialect.check(ctx, canonical, n.Header); err != nil {
		return nil, nil, err
	}
	content, err := contentText.Append(make([]byte, 0, len(n.Body)), fields)
	return content, m, err
}

// contentText leaves out what differs between two deliveries of one notice.
var contentText = sign.Text{Exclude: []string{"timestamp", "nonce"}}

func (g *Gateway) notice(m map[string]string) (journal.Notice, error) {
	seconds, err := strconv.ParseInt(m["timestamp"], 10, 64)
	switch {
	case err != nil || len(m["timestamp"]) > 12:
		return journal.Notice{}, &bankrail.FieldError{Field: "timestamp", Problem: "want seconds since 1970"}
	case len(m["notifyId"]) > maxNumber || !name(m["notifyId"]):
		return journal.Notice{}, &bankrail.FieldError{Field: "notifyId", Problem: "want 1 to 64 of 0-9 A-Z a-z _ -"}
	case len(m["merchantRefundNo"]) > maxNumber || !name(m["merchantRefundNo"]):
		return journal.Notice{}, &bankrail.FieldError{Field: "merchantRefundNo", Problem: "want 1 to 64 of 0-9 A-Z a-z _ -"}
	}
	r, err := parse(m)
	if err != nil {
		return journal.Notice{}, err
	}
	return journal.Notice{
		Channel: g.channel, ID: m["notifyId"], At: time.Unix(seconds, 0).UTC(),
		News: []journal.News{{Op: bankrail.OpRefund, Receipt: r}},
	}, nil
}

// Acknowledgement is SUCCESS: the bank sends again until it reads that.
func (g *Gateway) Acknowledgement() string { return "SUCCESS" }

// noTrade turns the bank's code for a missing trade into bankrail.ErrNotFound.
func noTrade(err error) error {
	var e *bankrail.Error
	if errors.As(err, &e) && e.Code == "TRADE_NOT_EXIST" {
		e.Err = bankrail.ErrNotFound
	}
	return err
}
