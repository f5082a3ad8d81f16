package refund

import (
	"context"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// The journal's side of the Service; hosts do not call it.

// Op is bankrail.OpRefund.
func (s *Service) Op() bankrail.Op { return bankrail.OpRefund }

// Channel is the one channel served, or the zero Channel of a routed Service.
func (s *Service) Channel() bankrail.Channel { return s.channel }

// Rules passes on what the channel's gateway promises.
func (s *Service) Rules(ctx context.Context, ch bankrail.Channel) (journal.Rules, error) {
	gw, err := s.route(ctx, ch)
	if err != nil {
		return journal.Rules{}, err
	}
	return gw.Rules(bankrail.OpRefund), nil
}

// Send sends the recorded request.
func (s *Service) Send(ctx context.Context, e journal.Entry, _ []byte) (journal.Answer, error) {
	gw, r, err := s.load(ctx, e)
	if err != nil {
		// Not sent, and yet left open: a node of an older version, or one that has lost a
		// merchant's keys, must not fail what another node can send.
		return journal.Answer{}, &bankrail.Error{Gateway: e.Gateway, Op: e.Op, Effect: bankrail.Unknown, Err: err}
	}
	receipt, err := gw.Refund(ctx, r)
	return journal.Answer{Receipt: receipt}, err
}

// Query asks the gateway for the recorded request.
func (s *Service) Query(ctx context.Context, e journal.Entry) (bankrail.Receipt, error) {
	gw, r, err := s.load(ctx, e)
	if err != nil {
		return bankrail.Receipt{}, err
	}
	return gw.QueryRefund(ctx, r)
}

func (s *Service) load(ctx context.Context, e journal.Entry) (Gateway, Request, error) {
	r, err := decode(e.Channel, e.Data)
	if err != nil {
		return nil, Request{}, err
	}
	gw, err := s.route(ctx, e.Channel)
	return gw, r, err
}
