package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"sync"
	"time"
)

// entry is one line of the ledger file: the whole new state of one thing. Later
// lines win, so a line is applied twice without harm.
type entry struct {
	Keys    *savedKeys     `json:",omitempty"`
	Trade   *Trade         `json:",omitempty"` // without its sums, which follow from the records
	Account *account       `json:",omitempty"`
	Notice  *notice        `json:",omitempty"`
	Offset  *time.Duration `json:",omitempty"`
}

// ledgerFile appends lines and syncs them in groups. A nil one does nothing.
type ledgerFile struct {
	f       *os.File
	syncing sync.Mutex

	mu      sync.Mutex // guards what follows
	written int64
	synced  int64
	err     error // the first; nothing is written after it
}

// append writes a line. Needs b.mu, which also orders the lines.
func (b *Bank) append(e entry) {
	if b.file == nil {
		return
	}
	line, err := json.Marshal(e)
	b.file.mu.Lock()
	defer b.file.mu.Unlock()
	if b.file.err != nil {
		return
	}
	if err == nil {
		_, err = b.file.f.Write(append(line, '\n'))
	}
	b.file.written++
	b.file.err = err
}

// commit makes all lines so far durable. Nobody may hear of what it failed on.
func (b *Bank) commit() error { return b.file.sync() }

func (l *ledgerFile) sync() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	upTo, err := l.written, l.err
	l.mu.Unlock()
	if err != nil {
		return fmt.Errorf("sandbox: ledger file: %w", err)
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	done, now := l.synced >= upTo, l.written
	l.mu.Unlock()
	if done {
		return nil
	}
	err = l.f.Sync()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.err = errors.Join(l.err, err)
		return fmt.Errorf("sandbox: ledger file: %w", err)
	}
	l.synced = now
	return nil
}

func (l *ledgerFile) close() error {
	if l == nil {
		return nil
	}
	return errors.Join(l.sync(), l.f.Close())
}

// load reads the file into the books and leaves it open for appending. It returns
// nil keys for a new file.
func (b *Bank) load(path string) (saved *savedKeys, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sandbox: ledger file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("sandbox: ledger file: %w", err), f.Close())
		}
	}()
	var good int64
	notices := map[string]*notice{}
	for in, n := bufio.NewReader(f), 1; ; n++ {
		line, readErr := in.ReadBytes('\n')
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return nil, readErr
		}
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // the end, or a line torn by a kill: nobody heard of it
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if e.Keys != nil {
			saved = e.Keys
		}
		b.apply(e, notices)
		good += int64(len(line))
	}
	if err := f.Truncate(good); err != nil {
		return nil, err
	}
	if _, err := f.Seek(good, io.SeekStart); err != nil {
		return nil, err
	}
	if err := b.resume(); err != nil {
		return nil, err
	}
	b.file = &ledgerFile{f: f}
	return saved, nil
}

func (b *Bank) apply(e entry, notices map[string]*notice) {
	switch {
	case e.Trade != nil:
		b.book.trades[e.Trade.TradeNo] = e.Trade
	case e.Account != nil:
		b.book.accounts[e.Account.Number] = e.Account
	case e.Offset != nil:
		b.offset = *e.Offset
	case e.Notice != nil:
		if n := notices[e.Notice.NotifyID]; n != nil {
			*n = *e.Notice
			return
		}
		notices[e.Notice.NotifyID] = e.Notice
		b.notices = append(b.notices, e.Notice)
	}
}

// resume rebuilds what follows from the books, and the clockwork.
func (b *Bank) resume() error {
	var accounts []*account
	for _, a := range b.book.accounts {
		accounts = append(accounts, a)
		b.book.accepted = max(b.book.accepted, a.Seq)
	}
	sort.Slice(accounts, func(i, j int) bool { return accounts[i].Number < accounts[j].Number })
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range accounts {
		for _, r := range a.Records {
			if b.book.trades[r.TradeNo] == nil {
				return fmt.Errorf("refund %s without its trade", r.Number)
			}
			b.book.byBankNo[r.BankRefundNo] = r
			b.book.shift(r, "", r.Status)
			if r.Status == Processing && r.Plan == EarlyNotice { // killed in the middle of it
				r.Next, r.NextStatus = r.AcceptedAt, Success
			}
			b.scheduleNext(r)
		}
	}
	for _, n := range b.notices {
		switch {
		case n.Acknowledged:
		case n.Next.IsZero(): // killed while it was on the way
			b.announce(n)
		default:
			b.scheduleNotice(n)
		}
	}
	return nil
}
