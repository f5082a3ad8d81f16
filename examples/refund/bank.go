package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sandbox"
)

// The bank's times, shortened like the host's.
const (
	settleMax  = 1500 * time.Millisecond // from acceptance to the end of a refund. 30 s in the sandbox, days in life
	bankDelay  = 600 * time.Millisecond  // of late answers and late arrivals: longer than readTimeout, shorter than visible. 15 s
	staleQuery = 800 * time.Millisecond  // how long a query may miss a new refund: shorter than visible. 30 s
)

// notices is when the bank delivers a notification until it is acknowledged.
// Production: 0, 15 s, 15 s, 30 s, 3 min and on to 6 h.
var notices = []time.Duration{
	0, 200 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond,
	time.Second, time.Second, time.Second, 2 * time.Second, 2 * time.Second,
}

// notifyURL is where the bank sends its notifications. The bank writes it into its
// books with every refund, so that it must be good after a restart too. Hosts have a
// name for that; here the bank's HTTP client is the name service, see reach.
const notifyURL = "http://localhost/notify/lanhai"

// bank is the sandbox bank behind two listeners: the merchants' side and the
// management side, which is also where the audit reads the bank's own books.
type bank struct {
	*sandbox.Bank
	front, admin     *http.Server
	frontURL, books  string
	merchantListener net.Listener
}

// openBank starts the bank on loopback. file keeps its books and keys, so that a
// restarted bank is the same bank.
func openBank(file string, seed uint64, orders map[string]*order, log *slog.Logger) (*bank, error) {
	shop, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &bank{merchantListener: shop}
	if b.Bank, err = sandbox.New(sandbox.Options{
		Seed: seed, LedgerFile: file, Trades: trades(orders), SettleMax: settleMax, Delay: bankDelay,
		StaleQuery: staleQuery, NotifySchedule: notices, NotifyClient: reach(shop.Addr().String()), Logger: log,
	}); err != nil {
		return nil, errors.Join(err, shop.Close())
	}
	var front, admin string
	if b.front, front, err = serve(b.Bank, log); err == nil {
		b.admin, admin, err = serve(b.Admin(), log)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.frontURL, b.books = front+"/bank/v1", admin+"/ledger"
	return b, nil
}

// reach returns the bank's HTTP client, which finds the shop by whatever name at the
// address it has since this start.
func reach(shop string) *http.Client {
	dialer := &net.Dialer{Timeout: time.Second}
	return &http.Client{
		Timeout:       time.Second, // 5 s
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, shop)
			},
		},
	}
}

// trades are the payments as the bank has them. What the shop never saw paid, the
// bank does not know.
func trades(orders map[string]*order) []sandbox.Trade {
	var ts []sandbox.Trade
	for _, o := range orders {
		switch o.Status {
		case refund.OrderUnpaid:
		case refund.OrderClosed:
			ts = append(ts, sandbox.Trade{TradeNo: o.Trade, PaidAmount: o.Paid.Minor(), Status: sandbox.Closed})
		default:
			ts = append(ts, sandbox.Trade{TradeNo: o.Trade, PaidAmount: o.Paid.Minor()})
		}
	}
	return ts
}

// serve answers on a loopback port of its own.
func serve(h http.Handler, log *slog.Logger) (*http.Server, string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	go func() { _ = s.Serve(l) }() // ends with Close
	return s, "http://" + l.Addr().String(), nil
}

// Close stops the bank.
func (b *bank) Close() error {
	err := b.Bank.Close()
	for _, s := range []*http.Server{b.front, b.admin} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	_ = b.merchantListener.Close() // closed already where the shop has served on it
	return err
}

// ledger reads the bank's own books from its management side.
func (b *bank) ledger(ctx context.Context) (sandbox.Ledger, error) {
	var l sandbox.Ledger
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.books, nil)
	if err != nil {
		return l, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return l, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return l, fmt.Errorf("the bank's books: HTTP status %d", resp.StatusCode)
	}
	return l, json.NewDecoder(resp.Body).Decode(&l)
}
