package sandbox

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/bankrail/bankrail/sign"
)

// Notice is one notification: the news that a refund ended or bounced, and every
// attempt to deliver it.
type Notice struct {
	NotifyID         string     `json:"notifyId"`
	MerchantRefundNo string     `json:"merchantRefundNo"`
	BankRefundNo     string     `json:"bankRefundNo"`
	Status           Status     `json:"status"`
	URL              string     `json:"notifyUrl"`
	Acknowledged     bool       `json:"acknowledged"`
	Deliveries       []Delivery `json:"deliveries"`
	Next             time.Time  `json:"next,omitzero"` // when it is sent again; zero: never
}

// Delivery is one turn of the schedule.
type Delivery struct {
	At           time.Time `json:"at"`
	Fault        Fault     `json:"fault"`
	Sent         int       `json:"sent"`                 // messages, lies included
	HTTPStatus   int       `json:"httpStatus,omitempty"` // of the last answer; 0: none
	Acknowledged bool      `json:"acknowledged"`         // the true message was
}

// notice is a Notice with what it says. Guarded by Bank.mu.
type notice struct {
	Notice
	Facts members
}

// Notices returns all notifications in the order they came up.
func (b *Bank) Notices() []Notice {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []Notice{}
	for _, n := range b.notices {
		c := n.Notice
		c.Deliveries = append([]Delivery(nil), c.Deliveries...)
		out = append(out, c)
	}
	return out
}

// newNotice writes down what there is to tell of a record now; nil where the
// merchant gave no address. Needs b.mu.
func (b *Bank) newNotice(r *record) *notice {
	if r.NotifyURL == "" {
		return nil
	}
	n := &notice{Facts: r.members(), Notice: Notice{
		NotifyID:         "N" + token(24, b.opts.Seed, "notice", r.BankRefundNo, r.Events),
		MerchantRefundNo: r.Number, BankRefundNo: r.BankRefundNo, Status: r.Status, URL: r.NotifyURL,
	}}
	r.Events++
	b.notices = append(b.notices, n)
	b.append(entry{Notice: n})
	return n
}

// announce plans a notice's next turn. Needs b.mu.
func (b *Bank) announce(n *notice) {
	if n == nil {
		return
	}
	turn := len(n.Deliveries)
	if n.Acknowledged || turn >= len(b.opts.NotifySchedule) {
		n.Next = time.Time{}
		return
	}
	n.Next = b.now().Add(b.opts.NotifySchedule[turn])
	b.scheduleNotice(n)
}

func (b *Bank) scheduleNotice(n *notice) {
	b.schedule(n.Next, true, func() { b.deliver(n) })
}

// A letter is one signed message to the merchant.
type letter struct {
	body      []byte
	signature string
	signer    sign.Signer
	copies    int
	truth     bool // an acknowledgement of it counts
}

// deliver has one turn at a notice.
func (b *Bank) deliver(n *notice) {
	b.mu.Lock()
	if n.Acknowledged || b.closed {
		b.mu.Unlock()
		return
	}
	turn := len(n.Deliveries)
	fault := b.fault(atNotice, n.MerchantRefundNo, n.NotifyID, turn)
	n.Deliveries = append(n.Deliveries, Delivery{At: b.now(), Fault: fault})
	b.append(entry{Notice: n}) // before sending: a nonce is never used for two turns
	n.Next = time.Time{}
	if fault == NoticeOutOfOrder {
		b.held[n.BankRefundNo] = append(b.held[n.BankRefundNo], n)
		b.announce(n)
		b.append(entry{Notice: n})
		b.mu.Unlock()
		return
	}
	letters := b.letters(n, fault, turn)
	b.mu.Unlock()
	b.sendLetters(n, turn, letters)

	b.mu.Lock()
	late := b.held[n.BankRefundNo]
	delete(b.held, n.BankRefundNo)
	b.mu.Unlock()
	for _, h := range late {
		b.deliverHeld(h, n)
	}
}

// deliverHeld sends a notice that was held back until a later one was out.
func (b *Bank) deliverHeld(h, after *notice) {
	b.mu.Lock()
	if h == after || h.Acknowledged {
		b.mu.Unlock()
		return
	}
	turn := len(h.Deliveries) - 1
	l := b.truth(h, turn)
	b.mu.Unlock()
	b.sendLetters(h, turn, []letter{l})
}

// sendLetters posts them in order and writes down the result.
func (b *Bank) sendLetters(n *notice, turn int, letters []letter) {
	if b.commit() != nil {
		return // what is not on disk is told to nobody
	}
	var d Delivery
	for _, l := range letters {
		for range l.copies {
			status, acknowledged := b.post(n.URL, l)
			d.Sent++
			d.HTTPStatus = status
			d.Acknowledged = d.Acknowledged || acknowledged && l.truth
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	to := &n.Deliveries[turn]
	to.Sent, to.HTTPStatus, to.Acknowledged = to.Sent+d.Sent, d.HTTPStatus, d.Acknowledged
	n.Acknowledged = n.Acknowledged || d.Acknowledged
	if n.Next.IsZero() || n.Acknowledged { // else its next turn is planned already
		b.announce(n)
	}
	b.append(entry{Notice: n})
}

// post sends a letter and says whether the merchant acknowledged it: 200 and
// exactly SUCCESS or OK, within the client's 5 seconds.
func (b *Bank) post(url string, l letter) (status int, acknowledged bool) {
	req, err := http.NewRequestWithContext(b.ctx, http.MethodPost, url, bytes.NewReader(l.body))
	if err != nil {
		return 0, false
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("X-Key-Id", l.signer.KeyID())
	req.Header.Set("X-Sign-Type", string(l.signer.Algorithm()))
	req.Header.Set("Sign", l.signature)
	resp, err := b.client.Do(req)
	if err != nil {
		b.log.Debug("notification not delivered", "err", err)
		return 0, false
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
	ok := err == nil && resp.StatusCode == http.StatusOK && (string(body) == "SUCCESS" || string(body) == "OK")
	return resp.StatusCode, ok
}

// truth is the letter that the bank stands by. Needs b.mu.
func (b *Bank) truth(n *notice, turn int) letter {
	l := b.letter(n.NotifyID, n.Facts, b.opts.Merchant, 0, b.keys.bank, turn)
	l.truth = true
	return l
}

// letter signs facts as a notification of this turn; shift moves its timestamp.
func (b *Bank) letter(id string, facts members, merchant string, shift time.Duration, s sign.Signer, turn int) letter {
	ms := facts.
		with("notifyId", id).
		with("merchantId", merchant).
		with("timestamp", strconv.FormatInt(b.now().Add(shift).Unix(), 10)).
		with("nonce", token(32, b.opts.Seed, "notice nonce", id, turn))
	return letter{body: ms.json(), signature: signature(s, ms.text()), signer: s, copies: 1}
}

// letters are what a fault makes of a turn. Needs b.mu.
func (b *Bank) letters(n *notice, fault Fault, turn int) []letter {
	const day = 24 * time.Hour
	seed, bank, merchant := b.opts.Seed, b.keys.bank, b.opts.Merchant
	truth := b.truth(n, turn)
	another := func(what string) string { return "N" + token(24, seed, what, n.NotifyID, turn) }
	stranger := n.Facts.
		with("merchantRefundNo", "X"+token(12, seed, "unknown number", n.NotifyID, turn)).
		with("bankRefundNo", "LH"+token(18, seed, "unknown number", n.NotifyID, turn))
	switch fault {
	case NoticeLost:
		return nil
	case NoticeDuplicated:
		truth.copies = 2 + int(hash(seed, "copies", n.NotifyID, turn)%4)
	case NoticeTampered:
		changed := n.Facts.with("refundAmount", n.Facts.value("refundAmount")+"0")
		l := b.letter(n.NotifyID, changed, merchant, 0, bank, turn)
		l.signature = truth.signature
		return []letter{l}
	case NoticeUnknownKey:
		return []letter{b.letter(n.NotifyID, n.Facts, merchant, 0, b.keys.stranger, turn)}
	case NoticeForged:
		return []letter{b.letter(another("forged"), stranger, merchant, 0, b.keys.forger, turn), truth}
	case NoticeUnknownNumber:
		return []letter{b.letter(another("unknown"), stranger, merchant, 0, bank, turn), truth}
	case NoticeOtherMerchant:
		return []letter{b.letter(another("other"), n.Facts, merchant+"-other", 0, bank, turn), truth}
	case NoticeProcessingAfter:
		old := n.Facts.with("status", string(Processing)).with("refundedAt", "").with("reversedAt", "").
			with("failCode", "").with("failMessage", "")
		return []letter{truth, b.letter(another("processing"), old, merchant, 0, bank, turn)}
	case NoticeDayOld:
		return []letter{b.letter(n.NotifyID, n.Facts, merchant, -day, bank, turn)}
	case NoticeDayAhead:
		return []letter{b.letter(n.NotifyID, n.Facts, merchant, day, bank, turn)}
	}
	return []letter{truth}
}
