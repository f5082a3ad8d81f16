package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// stop is a limit of the whole gateway.
func stop() journal.Limit {
	return journal.Limit{
		Channel: bankrail.Channel{Gateway: shop.Gateway}, Stopped: true,
		By: "Li", Why: "the bank pays twice", At: begun,
	}
}

// limits gives the limits in force by channel and operation.
func (s *box) limits(t *testing.T) map[string]journal.Limit {
	t.Helper()
	ls, err := s.Limits(s.ctx)
	require.NoError(t, err)
	found := map[string]journal.Limit{}
	for _, l := range ls {
		k := l.Channel.String() + " " + string(l.Op)
		require.NotContains(t, found, k, "one limit of each")
		found[k] = l
	}
	return found
}

func (s *box) limit(t *testing.T, l journal.Limit) {
	t.Helper()
	require.NoError(t, s.SetLimit(s.ctx, l))
}

var controlsTests = []test{
	{"nothing is limited at first", func(t *testing.T, s *box) {
		require.Empty(t, s.limits(t))
	}},
	{"every field of a limit comes back", func(t *testing.T, s *box) {
		cap := journal.Limit{
			Channel: shop, Op: bankrail.OpRefund, Max: bankrail.CNY(12345),
			By: "王", Why: "audit 'of' May", At: begun.Add(time.Hour),
		}
		s.limit(t, stop())
		s.limit(t, cap)
		require.Equal(t, map[string]journal.Limit{
			stop().Channel.String() + " ":                   stop(),
			shop.String() + " " + string(bankrail.OpRefund): cap,
		}, s.limits(t))
	}},
	{"a limit takes the place of one of the same channel and operation alone", func(t *testing.T, s *box) {
		first, merchant, op, gateway := stop(), stop(), stop(), stop()
		merchant.Merchant, op.Op, gateway.Gateway = "M1", bankrail.OpRefund, "lanhai-live"
		for _, l := range []journal.Limit{first, merchant, op, gateway} {
			s.limit(t, l)
		}
		require.Len(t, s.limits(t), 4)
		first.Stopped, first.Max, first.Why = false, bankrail.CNY(1), "better now"
		s.limit(t, first)
		require.Len(t, s.limits(t), 4)
		require.Equal(t, first, s.limits(t)[first.Channel.String()+" "])
		require.Equal(t, op, s.limits(t)[op.Channel.String()+" "+string(op.Op)])
	}},
	{"a limit that limits nothing lifts, and can be set again", func(t *testing.T, s *box) {
		s.limit(t, stop())
		lift := stop()
		lift.Stopped = false
		s.limit(t, lift)
		require.Empty(t, s.limits(t))
		s.limit(t, lift)
		require.Empty(t, s.limits(t))
		s.limit(t, stop())
		require.Len(t, s.limits(t), 1)
	}},
	{"a limit needs a gateway", func(t *testing.T, s *box) {
		err := s.SetLimit(s.ctx, journal.Limit{Stopped: true})
		require.ErrorIs(t, err, bankrail.ErrInvalid)
		require.ErrorIs(t, err, journal.ErrNotCommitted)
		require.Empty(t, s.limits(t))
	}},
	{"of limits set at once one is in force", func(t *testing.T, s *box) {
		for _, err := range together(8, func(i int) error {
			l := stop()
			l.Max = bankrail.CNY(int64(i + 1))
			return s.SetLimit(s.ctx, l)
		}) {
			require.NoError(t, err)
		}
		require.Len(t, s.limits(t), 1)
	}},
}
