package main

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/bankrail/bankrail/sandbox"
)

// The bank's times, shortened like the host's.
const (
	settleMax  = 800 * time.Millisecond
	bankDelay  = 500 * time.Millisecond
	staleQuery = 500 * time.Millisecond
)

// bank is the sandbox bank on loopback. It outlives the process that is killed.
type bank struct {
	*sandbox.Bank
	server *http.Server
	url    string
}

func openBank(seed uint64, orders int) (*bank, error) {
	var trades []sandbox.Trade
	for i := range orders {
		trades = append(trades, sandbox.Trade{TradeNo: tradeNumber(i), PaidAmount: fen(i)})
	}
	own, err := sandbox.New(sandbox.Options{
		Seed: seed, Trades: trades, SettleMax: settleMax, Delay: bankDelay, StaleQuery: staleQuery,
		NotifySchedule: []time.Duration{0}, // once, to nobody
	})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, own.Close())
	}
	b := &bank{Bank: own, url: "http://" + l.Addr().String() + "/bank/v1"}
	b.server = &http.Server{Handler: own, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = b.server.Serve(l) }() // ends with Close
	return b, nil
}

// Close stops the bank.
func (b *bank) Close() error { return errors.Join(b.server.Close(), b.Bank.Close()) }
