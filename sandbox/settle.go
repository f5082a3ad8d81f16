package sandbox

import (
	"fmt"
	"time"
)

// plan decides how and when a new record ends. Needs b.mu.
func (b *Bank) plan(a *account, r *record, plan Fault) {
	if r.Plan = plan; plan == "" {
		r.Plan = b.shares.draw(b.opts.Seed, atSettle, r.Number, len(a.Records)-1)
	}
	after := b.settleTime(r)
	switch r.Plan {
	case ProcessingForever, EarlyNotice:
		return
	case FinalFail, LateSuccess: // "after acceptance": never in the first answer
		r.Next, r.NextStatus = r.AcceptedAt.Add(max(after, time.Second)), Fail
	default:
		r.Next, r.NextStatus = r.AcceptedAt.Add(after), Success
	}
	if r.Next.Equal(r.AcceptedAt) {
		b.advance(r)
		return
	}
	b.scheduleNext(r)
}

func (b *Bank) settleTime(r *record) time.Duration {
	lo, hi := b.opts.SettleMin, b.opts.SettleMax
	h := hash(b.opts.Seed, "settle time", r.BankRefundNo, 0)
	if hi < 0 || lo <= 0 && h%4 == 0 {
		return 0
	}
	lo = max(lo, 0)
	ms := uint64((hi-lo)/time.Millisecond) + 1
	return lo + time.Duration(h>>8%ms)*time.Millisecond
}

// scheduleNext has a record move on at its time. Needs b.mu.
func (b *Bank) scheduleNext(r *record) {
	if r.Next.IsZero() {
		return
	}
	due := r.Next
	b.schedule(due, false, func() {
		b.mu.Lock()
		if r.Next.Equal(due) { // else settled by hand meanwhile
			b.advance(r)
			b.append(entry{Account: b.book.account(r.Number)})
		}
		b.mu.Unlock()
		_ = b.commit() // a broken file stops the bank's answers
	})
}

// advance takes a record to its next status and plans the one after. Needs b.mu.
func (b *Bank) advance(r *record) {
	to := r.NextStatus
	r.Next, r.NextStatus = time.Time{}, ""
	b.announce(b.move(r, to))
	after := time.Duration(hash(b.opts.Seed, "second thoughts", r.BankRefundNo, 0) % uint64(time.Hour))
	switch {
	case to == Success && r.Plan == LateBounce:
		r.Next, r.NextStatus = b.now().Add(time.Hour+after), Reversed
	case to == Fail && r.Plan == LateSuccess:
		r.Next, r.NextStatus = b.now().Add(time.Minute+after), Success
	}
	b.scheduleNext(r)
}

// move changes a record's status, and money with it. The notice of it has to be
// announced. Needs b.mu.
func (b *Bank) move(r *record, to Status) *notice {
	now := b.now()
	b.book.shift(r, r.Status, to)
	r.Status = to
	switch to {
	case Success:
		r.Executions++
		r.RefundedAt = now
		r.FailCode, r.FailMessage = "", ""
	case Fail:
		r.FailCode, r.FailMessage = "ACCOUNT_INVALID", "receiving account was closed"
	case Reversed:
		r.ReversedAt = now
		r.FailCode, r.FailMessage = "BOUNCED", "receiving bank returned the money"
	}
	return b.newNotice(r)
}

// Settle ends the open refund of a number now, as Success or Fail, whatever was
// planned. Success after Fail is possible too, and breaks the bank's own word. The
// notification goes out before it returns if it is the first thing due.
func (b *Bank) Settle(merchantRefundNo string, outcome Status) error {
	return b.decide(merchantRefundNo, func(r *record) error {
		if outcome == Success && (r.Status == Processing || r.Status == Fail) || outcome == Fail && r.Status == Processing {
			return nil
		}
		return fmt.Errorf("sandbox: refund %s: no way from %s to %s", merchantRefundNo, r.Status, outcome)
	}, outcome)
}

// Bounce reverses the succeeded refund of a number now (退汇).
func (b *Bank) Bounce(merchantRefundNo string) error {
	return b.decide(merchantRefundNo, func(r *record) error {
		if r.Status == Success {
			return nil
		}
		return fmt.Errorf("sandbox: refund %s is %s, only SUCCESS bounces", merchantRefundNo, r.Status)
	}, Reversed)
}

func (b *Bank) decide(number string, check func(*record) error, to Status) error {
	b.mu.Lock()
	a := b.book.accounts[number]
	if a == nil || a.last() == nil {
		b.mu.Unlock()
		return fmt.Errorf("sandbox: no refund %s", number)
	}
	r := a.last()
	if err := check(r); err != nil {
		b.mu.Unlock()
		return err
	}
	r.Next, r.NextStatus, r.Plan = time.Time{}, "", None
	b.announce(b.move(r, to))
	b.append(entry{Account: a})
	b.mu.Unlock()
	err := b.commit()
	b.runDue(b.Now(), false)
	return err
}
