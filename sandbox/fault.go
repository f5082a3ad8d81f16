package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
)

// A Fault is one way in which the bank, or the network before it, misbehaves. The
// comments say what the client sees; the ledger always tells what really happened.
type Fault string

// None is no fault: in a script it leaves one copy, query or notification alone.
const None Fault = "none"

// Faults of a request and its reply. Those marked * also apply to queries.
const (
	ReplyLost         Fault = "reply-lost"          // * executed; the connection closes without an answer
	RequestLost       Fault = "request-lost"        // * never executed; the connection closes without an answer
	ReplyDelayed      Fault = "reply-delayed"       // * executed first; the answer is held until the client gives up or Options.Delay passes
	LateArrival       Fault = "late-arrival"        // the connection closes at once; executed only after Options.Delay
	SystemError       Fault = "system-error"        // * executed; signed 500 SYSTEM_ERROR
	GatewayPage       Fault = "gateway-page"        // * executed; an HTML page with 502 or 504
	HTMLOK            Fault = "html-ok"             // * executed; an HTML page with 200
	CutReply          Fault = "cut-reply"           // * executed; the connection ends after half of the body
	WrongSign         Fault = "wrong-sign"          // * executed; the right answer with a signature over another text
	AbsentSign        Fault = "absent-sign"         // * executed; the right answer without Sign
	UnsignedRefusal   Fault = "unsigned-refusal"    // executed; an unsigned REFUND_AMOUNT_EXCEEDED
	OtherNumber       Fault = "other-number"        // * executed; a signed answer about another merchantRefundNo
	OtherAmount       Fault = "other-amount"        // * executed; a signed answer with another amount, the ledger is right
	SecondCopyRefused Fault = "second-copy-refused" // a repeat gets a signed REFUND_AMOUNT_EXCEEDED or NO_CONFLICT although the first was accepted; no effect on a first copy
	FrequencyLimited  Fault = "frequency-limited"   // * not executed; signed 429 with Retry-After
	BalanceNotEnough  Fault = "balance-not-enough"  // not executed; signed refusal; no effect on a number that was accepted
	IPRefused         Fault = "ip-refused"          // * not executed; signed 403 IP_NOT_ALLOWED
	EarlyNotice       Fault = "early-notice"        // the final notification is delivered before the answer PROCESSING
	ConnectionDies    Fault = "connection-dies"     // * executed; the connection is reset before the first byte, as a reused one that died
	StaleQuery        Fault = "stale-query"         // queries only: REFUND_NOT_EXIST while the refund is younger than Options.StaleQuery
	DeniedQuery       Fault = "denied-query"        // queries only: REFUND_NOT_EXIST of a refund of any age; breaks the bank's own word
)

// Faults of the settlement, decided when a refund is accepted.
const (
	FinalFail         Fault = "final-fail"         // accepted, later FAIL; no money moves
	LateSuccess       Fault = "late-success"       // FAIL, later SUCCESS: breaks the bank's own word
	ProcessingForever Fault = "processing-forever" // never settles until Bank.Settle
	LateBounce        Fault = "late-bounce"        // SUCCESS, hours later REVERSED
)

// Faults of one delivery of a notification. What the merchant acknowledges of a
// lie does not count: the true notification is sent again by the schedule.
const (
	NoticeLost            Fault = "notice-lost"             // not sent
	NoticeDuplicated      Fault = "notice-duplicated"       // 2 to 5 equal copies, byte for byte
	NoticeTampered        Fault = "notice-tampered"         // the amount changed after signing
	NoticeUnknownKey      Fault = "notice-unknown-key"      // signed by a key nobody knows, under its own id
	NoticeForged          Fault = "notice-forged"           // before the true one: about an unknown number, stranger's signature under the bank's key id
	NoticeUnknownNumber   Fault = "notice-unknown-number"   // before the true one: about an unknown number, truly signed
	NoticeProcessingAfter Fault = "notice-processing-after" // after the true one: PROCESSING for the same refund, truly signed
	NoticeOtherMerchant   Fault = "notice-other-merchant"   // before the true one: of another merchant, truly signed
	NoticeDayOld          Fault = "notice-day-old"          // timestamp a day ago, truly signed
	NoticeDayAhead        Fault = "notice-day-ahead"        // timestamp a day ahead, truly signed
	NoticeOutOfOrder      Fault = "notice-out-of-order"     // held back until after the refund's next notification, or the next turn of the schedule
)

// place is where a fault can be drawn.
type place string

const (
	atRequest place = "request"
	atSettle  place = "settle"
	atQuery   place = "query"
	atNotice  place = "notice"
)

type share struct {
	fault    Fault
	perMille int // the hostile default
}

// table lists, in the order of drawing, which faults exist where. What breaks the
// bank's word or never ends has a default of 0.
var table = map[place][]share{
	atRequest: {
		{ReplyLost, 40}, {RequestLost, 40}, {ReplyDelayed, 20}, {LateArrival, 20}, {SystemError, 30},
		{GatewayPage, 30}, {HTMLOK, 15}, {CutReply, 25}, {WrongSign, 15}, {AbsentSign, 15},
		{UnsignedRefusal, 15}, {OtherNumber, 10}, {OtherAmount, 10}, {SecondCopyRefused, 20},
		{FrequencyLimited, 25}, {BalanceNotEnough, 15}, {IPRefused, 5}, {EarlyNotice, 20}, {ConnectionDies, 20},
	},
	atSettle: {
		{FinalFail, 60}, {LateBounce, 20}, {LateSuccess, 0}, {ProcessingForever, 0},
	},
	atQuery: {
		{StaleQuery, 100}, {SystemError, 40}, {ReplyLost, 20}, {RequestLost, 0}, {ReplyDelayed, 5}, {GatewayPage, 20},
		{HTMLOK, 10}, {CutReply, 10}, {WrongSign, 10}, {AbsentSign, 10}, {OtherNumber, 10}, {OtherAmount, 5},
		{FrequencyLimited, 20}, {IPRefused, 0}, {ConnectionDies, 10}, {DeniedQuery, 0},
	},
	atNotice: {
		{NoticeLost, 80}, {NoticeDuplicated, 80}, {NoticeTampered, 30}, {NoticeUnknownKey, 30}, {NoticeForged, 20},
		{NoticeUnknownNumber, 10}, {NoticeProcessingAfter, 40}, {NoticeOtherMerchant, 20}, {NoticeDayOld, 20},
		{NoticeDayAhead, 20}, {NoticeOutOfOrder, 40},
	},
}

// Shares says how often each fault strikes, in per mille of the requests,
// settlements, queries and notifications. The zero value is the hostile default;
// as soon as one map is not nil only what the maps name can strike.
type Shares struct {
	Off     bool          `json:"off,omitempty"`
	Request map[Fault]int `json:"request,omitempty"`
	Settle  map[Fault]int `json:"settle,omitempty"`
	Query   map[Fault]int `json:"query,omitempty"`
	Notice  map[Fault]int `json:"notice,omitempty"`
}

// Calm is a bank without random faults. Scripted ones still strike.
var Calm = Shares{Off: true}

// Hostile returns the default shares written out, to change single ones.
func Hostile() Shares {
	of := func(p place) map[Fault]int {
		m := map[Fault]int{}
		for _, s := range table[p] {
			m[s.fault] = s.perMille
		}
		return m
	}
	return Shares{Request: of(atRequest), Settle: of(atSettle), Query: of(atQuery), Notice: of(atNotice)}
}

func (s Shares) at(p place) map[Fault]int {
	switch p {
	case atRequest:
		return s.Request
	case atSettle:
		return s.Settle
	case atQuery:
		return s.Query
	}
	return s.Notice
}

// settled checks s, and returns a copy of it with the default written out.
func (s Shares) settled() (Shares, error) {
	if s.Off {
		return Calm, nil
	}
	if s.Request == nil && s.Settle == nil && s.Query == nil && s.Notice == nil {
		return Hostile(), nil
	}
	out := Shares{Request: map[Fault]int{}, Settle: map[Fault]int{}, Query: map[Fault]int{}, Notice: map[Fault]int{}}
	for _, p := range []place{atRequest, atSettle, atQuery, atNotice} {
		sum := 0
		for f, n := range s.at(p) {
			if !known(p, f) {
				return Shares{}, fmt.Errorf("sandbox: no %s fault %q", p, f)
			}
			if n < 0 {
				return Shares{}, fmt.Errorf("sandbox: %s fault %q with share %d", p, f, n)
			}
			sum += n
			out.at(p)[f] = n
		}
		if sum > 1000 {
			return Shares{}, fmt.Errorf("sandbox: %s faults sum to %d per mille", p, sum)
		}
	}
	return out, nil
}

func known(p place, f Fault) bool {
	for _, s := range table[p] {
		if s.fault == f {
			return true
		}
	}
	return false
}

// draw decides by the shares alone: the same seed, place, key and counter always
// give the same fault.
func (s Shares) draw(seed uint64, p place, key string, counter int) Fault {
	if s.Off {
		return None
	}
	n := int(hash(seed, string(p), key, counter) % 1000)
	shares := s.at(p)
	for _, f := range table[p] {
		if n -= shares[f.fault]; n < 0 {
			return f.fault
		}
	}
	return None
}

// hash is where everything random comes from.
func hash(seed uint64, what, key string, counter int) uint64 {
	sum := sha256.Sum256([]byte(strconv.FormatUint(seed, 10) + "\x00" + what + "\x00" + key + "\x00" + strconv.Itoa(counter)))
	return binary.BigEndian.Uint64(sum[:8])
}

// token is a name of n characters of [0-9a-v], by hash.
func token(n int, seed uint64, what, key string, counter int) string {
	const alphabet = "0123456789abcdefghijklmnopqrstuv"
	sum := sha256.Sum256([]byte(strconv.FormatUint(seed, 10) + "\x00" + what + "\x00" + key + "\x00" + strconv.Itoa(counter)))
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[sum[i%32]&31]
	}
	return string(b)
}
