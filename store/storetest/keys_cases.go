package storetest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/idempotency"
)

var keyTests = []keyTest{
	{"the first Begin is New, the second InFlight", func(t *testing.T, s *keyBox) {
		c := s.begin(t)
		require.Equal(t, idempotency.New, c.State)
		require.EqualValues(t, 1, c.Epoch)
		require.Equal(t, "me", c.Owner)
		require.Equal(t, time.Hour, c.Until.Sub(c.Since))
		require.Equal(t, time.UTC, c.Since.Location())
		require.Zero(t, c.Since.Nanosecond()%int(time.Millisecond))
		again, err := s.Begin(s.ctx, keyA, printA, "you", time.Minute)
		require.NoError(t, err)
		c.State = idempotency.InFlight
		require.Equal(t, c, again)
	}},
	{"another fingerprint is a Mismatch and changes nothing", func(t *testing.T, s *keyBox) {
		want := s.begin(t)
		want.State = idempotency.InFlight
		for range 2 {
			c, err := s.Begin(s.ctx, keyA, printB, "you", time.Hour)
			require.NoError(t, err)
			require.Equal(t, idempotency.Mismatch, c.State)
			require.Empty(t, c.Response)
		}
		require.Equal(t, want, s.begin(t))
		s.complete(t, 1, idempotency.Done, "answer")
		c, err := s.Begin(s.ctx, keyA, printB, "you", time.Hour)
		require.NoError(t, err)
		require.Equal(t, idempotency.Mismatch, c.State)
		require.Empty(t, c.Response, "it is another's answer")
	}},
	{"a lapsed key with another fingerprint is a Mismatch, not Unknown", func(t *testing.T, s *keyBox) {
		s.lapsed(t)
		c, err := s.Begin(s.ctx, keyA, printB, "you", time.Hour)
		require.NoError(t, err)
		require.Equal(t, idempotency.Mismatch, c.State)
		require.Equal(t, idempotency.Unknown, s.begin(t).State)
	}},
	{"keys differ in tenant, route, case and spaces", func(t *testing.T, s *keyBox) {
		long := strings.Repeat("x", 254)
		for _, k := range []idempotency.Key{
			{Key: "a"}, {Key: "A"}, {Key: "a "}, {Key: " a"}, {Tenant: "a", Key: "a"}, {Route: "a", Key: "a"},
			{Tenant: "A", Key: "a"}, {Tenant: "租户", Key: "a"}, {Tenant: "a", Route: "b", Key: "c"},
			{Tenant: "ab", Key: "c"}, {Route: "ab", Key: "c"}, {Tenant: "a:", Route: "b", Key: "c"}, {Tenant: "a", Route: ":b", Key: "c"},
			{Tenant: long + "1", Route: long + "1", Key: long + "1"}, {Tenant: long + "1", Route: long + "1", Key: long + "2"},
		} {
			require.Equal(t, idempotency.New, s.beginFor(t, k, time.Hour).State, "%q", k)
			require.Equal(t, idempotency.InFlight, s.beginFor(t, k, time.Hour).State, "%q", k)
		}
	}},
	{"a response is replayed byte for byte", func(t *testing.T, s *keyBox) {
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		response := bytes.Repeat(every, 1024)
		began := s.begin(t)
		want := bytes.Clone(response)
		require.NoError(t, s.Complete(s.ctx, keyA, 1, idempotency.Done, response))
		clear(response)
		for range 2 {
			c, err := s.Begin(s.ctx, keyA, printA, "you", time.Hour)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, c.Response))
			clear(c.Response)
			c.Response = nil
			began.State, began.Outcome = idempotency.Replay, idempotency.Done
			require.Equal(t, began, c)
		}
	}},
	{"an empty response is replayed as empty", func(t *testing.T, s *keyBox) {
		s.begin(t)
		require.NoError(t, s.Complete(s.ctx, keyA, 1, idempotency.Done, nil))
		c := s.begin(t)
		require.Equal(t, idempotency.Replay, c.State)
		require.Empty(t, c.Response)
		require.False(t, c.Trimmed)
	}},
	{"a lease that is over is Unknown, and stays so", func(t *testing.T, s *keyBox) {
		s.lapsed(t)
		for range 3 {
			c := s.begin(t)
			require.Equal(t, idempotency.Unknown, c.State)
			require.EqualValues(t, 1, c.Epoch)
			require.Equal(t, s.brief, c.Until.Sub(c.Since), "Begin does not prolong a lease")
			require.Empty(t, c.Outcome)
		}
	}},
	{"completed as open is Unknown before the lease is over", func(t *testing.T, s *keyBox) {
		s.begin(t)
		s.complete(t, 1, idempotency.Open, "accepted")
		c := s.begin(t)
		require.Equal(t, idempotency.Unknown, c.State)
		require.Equal(t, idempotency.Open, c.Outcome)
		require.Equal(t, "accepted", string(c.Response))
	}},
	{"open becomes done, done becomes nothing", func(t *testing.T, s *keyBox) {
		s.begin(t)
		s.complete(t, 1, idempotency.Open, "accepted")
		s.complete(t, 1, idempotency.Done, "paid")
		for _, o := range []idempotency.Outcome{idempotency.Done, idempotency.Open} {
			require.ErrorIs(t, s.Complete(s.ctx, keyA, 1, o, []byte("other")), idempotency.ErrLost)
		}
		c := s.begin(t)
		require.Equal(t, idempotency.Replay, c.State)
		require.Equal(t, "paid", string(c.Response))
	}},
	{"a late Complete is taken where nobody reclaimed", func(t *testing.T, s *keyBox) {
		epoch := s.lapsed(t)
		s.complete(t, epoch, idempotency.Done, "late")
		c := s.begin(t)
		require.Equal(t, idempotency.Replay, c.State)
		require.Equal(t, "late", string(c.Response))
	}},
	{"Complete of another epoch or an unknown key is lost", func(t *testing.T, s *keyBox) {
		require.ErrorIs(t, s.Complete(s.ctx, keyA, 1, idempotency.Done, nil), idempotency.ErrLost)
		require.Equal(t, idempotency.New, s.begin(t).State, "it recorded nothing")
		for _, epoch := range []int64{-1, 0, 2} {
			require.ErrorIs(t, s.Complete(s.ctx, keyA, epoch, idempotency.Done, nil), idempotency.ErrLost)
		}
		require.Equal(t, idempotency.InFlight, s.begin(t).State)
	}},
	{"Reclaim takes a lapsed key over, and the first owner is out", func(t *testing.T, s *keyBox) {
		epoch := s.lapsed(t)
		c, err := s.Reclaim(s.ctx, keyA, epoch, "heir", time.Hour)
		require.NoError(t, err)
		require.Equal(t, idempotency.New, c.State)
		require.Equal(t, epoch+1, c.Epoch)
		require.Equal(t, "heir", c.Owner)
		require.Equal(t, time.Hour, c.Until.Sub(c.Since))
		c.State = idempotency.InFlight
		require.Equal(t, c, s.begin(t))
		require.ErrorIs(t, s.Complete(s.ctx, keyA, epoch, idempotency.Done, []byte("late")), idempotency.ErrLost)
		s.complete(t, epoch+1, idempotency.Done, "heir's")
		require.Equal(t, "heir's", string(s.begin(t).Response))
	}},
	{"Reclaim takes an open key over, and what was stored is gone", func(t *testing.T, s *keyBox) {
		s.begin(t)
		s.complete(t, 1, idempotency.Open, "accepted")
		_, err := s.Reclaim(s.ctx, keyA, 1, "heir", time.Hour)
		require.NoError(t, err)
		c := s.begin(t)
		require.Equal(t, idempotency.InFlight, c.State)
		require.Empty(t, c.Outcome)
		require.Empty(t, c.Response)
		c, err = s.Begin(s.ctx, keyA, printB, "you", time.Hour)
		require.NoError(t, err)
		require.Equal(t, idempotency.Mismatch, c.State, "the fingerprint stays")
	}},
	{"Reclaim never takes a live, completed, missing or other epoch's key", func(t *testing.T, s *keyBox) {
		lost := func(epoch int64) {
			t.Helper()
			c, err := s.Reclaim(s.ctx, keyA, epoch, "heir", time.Hour)
			require.ErrorIs(t, err, idempotency.ErrLost)
			require.Zero(t, c)
		}
		lost(1)
		epoch := s.lapsed(t)
		lost(epoch - 1)
		lost(epoch + 1)
		_, err := s.Reclaim(s.ctx, keyA, epoch, "heir", time.Hour)
		require.NoError(t, err)
		lost(epoch)
		lost(epoch + 1) // it is live
		s.complete(t, epoch+1, idempotency.Done, "done")
		lost(epoch + 1)
		require.Equal(t, "done", string(s.begin(t).Response))
	}},
	{"a reclaimed lease may lapse as well", func(t *testing.T, s *keyBox) {
		epoch := s.lapsed(t)
		for range 3 {
			c, err := s.Reclaim(s.ctx, keyA, epoch, "heir", s.brief)
			require.NoError(t, err)
			require.Equal(t, epoch+1, c.Epoch)
			epoch = c.Epoch
			s.lapse(t, keyA)
			require.Equal(t, idempotency.Unknown, s.begin(t).State)
		}
	}},
	{"Trim drops the responses of done keys and nothing else", func(t *testing.T, s *keyBox) {
		keys := map[string]idempotency.Key{}
		var since time.Time
		for _, name := range []string{"done1", "done2", "done3", "open", "live"} {
			k := idempotency.Key{Key: name}
			keys[name] = k
			since = s.beginFor(t, k, time.Hour).Since
			if name != "live" {
				o := idempotency.Done
				if name == "open" {
					o = idempotency.Open
				}
				require.NoError(t, s.Complete(s.ctx, k, 1, o, []byte(name)))
			}
		}
		trim := func(before time.Time, limit, want int) {
			t.Helper()
			n, err := s.Trim(s.ctx, before, limit)
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		trim(since.Add(-24*time.Hour), 100, 0)
		trim(since.Add(24*time.Hour), 0, 0)
		trim(since.Add(24*time.Hour), 2, 2)
		trim(since.Add(24*time.Hour), 100, 1)
		trim(since.Add(24*time.Hour), 100, 0)
		for _, name := range []string{"done1", "done2", "done3"} {
			c := s.beginFor(t, keys[name], time.Hour)
			require.Equal(t, idempotency.Replay, c.State, "the key stays")
			require.True(t, c.Trimmed)
			require.Empty(t, c.Response)
			require.Equal(t, idempotency.Done, c.Outcome)
		}
		require.Equal(t, "open", string(s.beginFor(t, keys["open"], time.Hour).Response), "open rows never expire")
		require.Equal(t, idempotency.InFlight, s.beginFor(t, keys["live"], time.Hour).State)
	}},
	{"of many Begins one is New", func(t *testing.T, s *keyBox) {
		claims := make([]idempotency.Claim, 32)
		errs := together(len(claims), func(i int) (err error) {
			claims[i], err = s.Begin(s.ctx, keyA, printA, fmt.Sprint(i), time.Hour)
			return err
		})
		owner, fresh := "", 0
		for i, c := range claims {
			require.NoError(t, errs[i])
			if c.State == idempotency.New {
				fresh++
				owner = c.Owner
				require.Equal(t, fmt.Sprint(i), owner)
			} else {
				require.Equal(t, idempotency.InFlight, c.State)
			}
		}
		require.Equal(t, 1, fresh)
		for _, c := range claims {
			require.Equal(t, owner, c.Owner)
		}
	}},
	{"of many Reclaims and a late Complete one wins", func(t *testing.T, s *keyBox) {
		epoch := s.lapsed(t)
		errs := together(16, func(i int) error {
			if i == 8 {
				return s.Complete(s.ctx, keyA, epoch, idempotency.Done, []byte("late"))
			}
			_, err := s.Reclaim(s.ctx, keyA, epoch, fmt.Sprint(i), time.Hour)
			return err
		})
		winner := -1
		for i, err := range errs {
			if err == nil {
				require.Equal(t, -1, winner, "two won")
				winner = i
				continue
			}
			require.ErrorIs(t, err, idempotency.ErrLost)
		}
		c := s.begin(t)
		if winner == 8 {
			require.Equal(t, idempotency.Replay, c.State)
			require.Equal(t, "late", string(c.Response))
			return
		}
		require.Equal(t, idempotency.InFlight, c.State)
		require.Equal(t, fmt.Sprint(winner), c.Owner)
	}},
	{"of many Completes one wins", func(t *testing.T, s *keyBox) {
		s.begin(t)
		errs := together(16, func(i int) error {
			return s.Complete(s.ctx, keyA, 1, idempotency.Done, []byte(fmt.Sprint(i)))
		})
		stored := string(s.begin(t).Response)
		for i, err := range errs {
			if fmt.Sprint(i) == stored {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, idempotency.ErrLost)
			}
		}
	}},
	{"what cannot be recorded is refused, and a key is not repeated", func(t *testing.T, s *keyBox) {
		for name, k := range map[string]idempotency.Key{
			"no key": {}, "long key": {Key: strings.Repeat("s3cret", 50)}, "line break": {Key: "s3cret\n"},
			"not ASCII": {Key: "s3cret\u00e9"}, "long route": {Route: strings.Repeat("r", 256), Key: "a"}, "NUL": {Tenant: "a\x00", Key: "a"},
			"not UTF-8": {Tenant: "\xff", Key: "a"},
		} {
			_, err := s.Begin(s.ctx, k, printA, "me", time.Hour)
			_, reclaim := s.Reclaim(s.ctx, k, 1, "me", time.Hour)
			for _, err := range []error{err, reclaim, s.Complete(s.ctx, k, 1, idempotency.Done, nil)} {
				require.ErrorIs(t, err, bankrail.ErrInvalid, name)
				require.NotContains(t, err.Error(), "s3cret")
			}
		}
		for name, x := range map[string]struct {
			owner string
			lease time.Duration
		}{"no owner": {"", time.Hour}, "long owner": {strings.Repeat("o", 256), time.Hour}, "no lease": {"me", 0}, "brief lease": {"me", time.Microsecond}} {
			_, err := s.Begin(s.ctx, keyA, printA, x.owner, x.lease)
			require.ErrorIs(t, err, bankrail.ErrInvalid, name)
		}
		s.begin(t)
		require.ErrorIs(t, s.Complete(s.ctx, keyA, 1, "failed", nil), bankrail.ErrInvalid)
		require.Equal(t, idempotency.InFlight, s.begin(t).State)
	}},
	{"a context that has ended does nothing", func(t *testing.T, s *keyBox) {
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		_, err := s.Begin(ctx, keyA, printA, "me", time.Hour)
		require.ErrorIs(t, err, context.Canceled)
		epoch := s.lapsed(t)
		_, err = s.Reclaim(ctx, keyA, epoch, "heir", time.Hour)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, s.Complete(ctx, keyA, epoch, idempotency.Done, nil), context.Canceled)
		_, err = s.Trim(ctx, time.Time{}, 1)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, idempotency.Unknown, s.begin(t).State)
	}},
}

// exactKeyTests need a clock that only the test moves.
var exactKeyTests = []keyTest{
	{"a lease is over when its end has come", func(t *testing.T, s *keyBox) {
		c := s.begin(t)
		require.Equal(t, begun, c.Since)
		require.Equal(t, begun.Add(time.Hour), c.Until)
		s.pass(time.Hour - time.Millisecond)
		require.Equal(t, idempotency.InFlight, s.begin(t).State)
		_, err := s.Reclaim(s.ctx, keyA, 1, "heir", time.Hour)
		require.ErrorIs(t, err, idempotency.ErrLost)
		s.pass(time.Millisecond)
		require.Equal(t, idempotency.Unknown, s.begin(t).State)
		r, err := s.Reclaim(s.ctx, keyA, 1, "heir", time.Hour)
		require.NoError(t, err)
		require.Equal(t, begun.Add(time.Hour), r.Since)
	}},
	{"Trim counts from when a key was completed", func(t *testing.T, s *keyBox) {
		s.begin(t)
		s.pass(time.Minute)
		s.complete(t, 1, idempotency.Done, "answer")
		for _, x := range []struct {
			before time.Duration
			want   int
		}{{0, 0}, {time.Minute, 0}, {time.Minute + time.Millisecond, 1}} {
			n, err := s.Trim(s.ctx, begun.Add(x.before), 10)
			require.NoError(t, err)
			require.Equal(t, x.want, n, x.before)
		}
	}},
	{"a key is never forgotten", func(t *testing.T, s *keyBox) {
		s.begin(t)
		s.complete(t, 1, idempotency.Done, "answer")
		s.pass(10 * 365 * 24 * time.Hour)
		_, err := s.Trim(s.ctx, s.now(), 10)
		require.NoError(t, err)
		require.Equal(t, idempotency.Replay, s.begin(t).State)
	}},
}
