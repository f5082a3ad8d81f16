package sandbox

import (
	"errors"
	"fmt"
	"sort"
	"time"
)

// Status of a refund.
type Status string

const (
	Processing Status = "PROCESSING" // accepted, amount reserved, no money moved yet
	Success    Status = "SUCCESS"    // money moved
	Fail       Status = "FAIL"       // no money moved, reservation released
	Reversed   Status = "REVERSED"   // money moved and came back
)

// TradeStatus of the payment that a refund belongs to.
type TradeStatus string

const (
	Paid         TradeStatus = "PAID"
	PartRefunded TradeStatus = "PART_REFUNDED"
	Refunded     TradeStatus = "REFUNDED"
	Closed       TradeStatus = "CLOSED" // was never paid: not refundable
)

// Trade is a payment at the bank. Amounts are in fen.
type Trade struct {
	TradeNo        string      `json:"tradeNo"`
	Status         TradeStatus `json:"status,omitempty"` // Closed, or Defaults to Paid; afterwards follows from the amounts
	PaidAmount     int64       `json:"paidAmount"`
	RefundedAmount int64       `json:"refundedAmount,omitempty"` // succeeded and not come back; set by the bank
	OpenAmount     int64       `json:"openAmount,omitempty"`     // reserved by refunds in PROCESSING; set by the bank
}

// Refund is what really happened under one merchantRefundNo.
type Refund struct {
	MerchantRefundNo string    `json:"merchantRefundNo"`
	BankRefundNo     string    `json:"bankRefundNo"` // of the latest execution, where copies execute anew
	TradeNo          string    `json:"tradeNo"`
	Amount           int64     `json:"amount"` // fen
	Status           Status    `json:"status"`
	Executions       int       `json:"executions"` // how often money really moved for this number; a reversal does not take one away
	Moved            int64     `json:"moved"`      // fen, the sum of these executions
	Copies           int       `json:"copies"`     // how many requests reached the bank's books
	AcceptedAt       time.Time `json:"acceptedAt"`
	RefundedAt       time.Time `json:"refundedAt,omitzero"`
	ReversedAt       time.Time `json:"reversedAt,omitzero"`
}

// Ledger is the truth, for judging what a client believes.
type Ledger struct {
	Trades  []Trade  `json:"trades"`  // by number
	Refunds []Refund `json:"refunds"` // in order of first acceptance; a number that was never accepted has none
}

// Refund returns the row of a merchantRefundNo, and whether there is one.
func (l Ledger) Refund(merchantRefundNo string) (Refund, bool) {
	for _, r := range l.Refunds {
		if r.MerchantRefundNo == merchantRefundNo {
			return r, true
		}
	}
	return Refund{}, false
}

// record is one accepted refund. Without deduplication a number has several.
type record struct {
	BankRefundNo string
	Number       string
	TradeNo      string
	Amount       int64
	Currency     string
	NotifyURL    string
	Status       Status
	Plan         Fault // of the settlement
	AcceptedAt   time.Time
	RefundedAt   time.Time
	ReversedAt   time.Time
	FailCode     string
	FailMessage  string
	Executions   int
	Events       int       // notifications created
	Next         time.Time // when it moves on by itself; zero: never
	NextStatus   Status
}

// account is all that the bank knows of one merchantRefundNo.
type account struct {
	Number   string
	Seq      int // order of first acceptance, from 1
	Arrivals int // requests drawn for, also those lost before the books
	Copies   int // requests that reached the books
	Records  []*record
}

func (a *account) last() *record {
	if len(a.Records) == 0 {
		return nil
	}
	return a.Records[len(a.Records)-1]
}

// book is the bank's state. It is guarded by Bank.mu.
type book struct {
	trades   map[string]*Trade
	accounts map[string]*account
	byBankNo map[string]*record
	queries  map[string]int // queries drawn for, in memory only
	accepted int
}

func newBook() book {
	return book{trades: map[string]*Trade{}, accounts: map[string]*account{}, byBankNo: map[string]*record{}, queries: map[string]int{}}
}

// account returns the account of a number, made if need be.
func (k *book) account(number string) *account {
	a := k.accounts[number]
	if a == nil {
		a = &account{Number: number}
		k.accounts[number] = a
	}
	return a
}

// shift books a record's move into the trade's sums.
func (k *book) shift(r *record, from, to Status) {
	t := k.trades[r.TradeNo]
	switch from {
	case Processing:
		t.OpenAmount -= r.Amount
	case Success:
		t.RefundedAmount -= r.Amount
	}
	switch to {
	case Processing:
		t.OpenAmount += r.Amount
	case Success:
		t.RefundedAmount += r.Amount
	}
	if t.Status == Closed {
		return
	}
	switch {
	case t.RefundedAmount <= 0:
		t.Status = Paid
	case t.RefundedAmount < t.PaidAmount:
		t.Status = PartRefunded
	default:
		t.Status = Refunded
	}
}

var errTradeExists = errors.New("sandbox: trade exists")

// AddTrade makes a payment known to the bank. An error means it has none or
// another content, or that the number is taken.
func (b *Bank) AddTrade(t Trade) error {
	if t.Status == "" {
		t.Status = Paid
	}
	switch {
	case !plain(t.TradeNo, 1, 64, "_-"):
		return fmt.Errorf("sandbox: trade number %q is not 1 to 64 of [0-9A-Za-z_-]", t.TradeNo)
	case t.PaidAmount <= 0 || t.PaidAmount > maxAmount:
		return fmt.Errorf("sandbox: trade %s: paid amount %d", t.TradeNo, t.PaidAmount)
	case t.Status != Paid && t.Status != Closed:
		return fmt.Errorf("sandbox: trade %s: status %q; give PAID or CLOSED", t.TradeNo, t.Status)
	case t.RefundedAmount != 0 || t.OpenAmount != 0:
		return fmt.Errorf("sandbox: trade %s: only the bank sets refunded and open amounts", t.TradeNo)
	}
	b.mu.Lock()
	if b.book.trades[t.TradeNo] != nil {
		b.mu.Unlock()
		return fmt.Errorf("%w: %s", errTradeExists, t.TradeNo)
	}
	b.book.trades[t.TradeNo] = &t
	b.append(entry{Trade: &Trade{TradeNo: t.TradeNo, Status: t.Status, PaidAmount: t.PaidAmount}})
	b.mu.Unlock()
	return b.commit()
}

// Ledger returns a copy of the books as they are now.
func (b *Bank) Ledger() Ledger {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := Ledger{Trades: []Trade{}, Refunds: []Refund{}}
	for _, t := range b.book.trades {
		l.Trades = append(l.Trades, *t)
	}
	sort.Slice(l.Trades, func(i, j int) bool { return l.Trades[i].TradeNo < l.Trades[j].TradeNo })
	var accounts []*account
	for _, a := range b.book.accounts {
		if len(a.Records) > 0 {
			accounts = append(accounts, a)
		}
	}
	sort.Slice(accounts, func(i, j int) bool { return accounts[i].Seq < accounts[j].Seq })
	for _, a := range accounts {
		l.Refunds = append(l.Refunds, a.row())
	}
	return l
}

func (a *account) row() Refund {
	r := a.last()
	row := Refund{
		MerchantRefundNo: a.Number, BankRefundNo: r.BankRefundNo, TradeNo: r.TradeNo, Amount: r.Amount,
		Status: r.Status, Copies: a.Copies, AcceptedAt: r.AcceptedAt, RefundedAt: r.RefundedAt, ReversedAt: r.ReversedAt,
	}
	for _, r := range a.Records {
		row.Executions += r.Executions
		row.Moved += int64(r.Executions) * r.Amount
	}
	return row
}
