package redisstore_test

import (
	"bytes"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/idempotency"
	"github.com/bankrail/bankrail/store/redisstore"
)

// answer makes what go-redis hands on out of bytes: one value per line, whose first
// byte says of which type it is.
func answer(data []byte) []any {
	var list []any
	for line := range bytes.SplitSeq(data, []byte{'\n'}) {
		if len(line) == 0 {
			list = append(list, nil)
			continue
		}
		switch rest := string(line[1:]); line[0] {
		case '+':
			list = append(list, rest)
		case ':':
			n, _ := strconv.ParseInt(rest, 10, 64)
			list = append(list, n)
		case '*':
			list = append(list, []any{rest})
		default:
			list = append(list, errors.New(rest))
		}
	}
	return list
}

// FuzzReply: whatever Redis answers, nothing panics, and what is concluded is whole.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		"+new\n+1\n+n\n+1700000000000\n+1700000060000",
		"+mismatch",
		"+inflight\n+2\n+n\n+1\n+2",
		"+replay\n+1\n+n\n+1\n+2\n+done\n+body",
		"+replay\n+1\n+n\n+1\n+2\n+done\n",
		"+unknown\n+1\n+n\n+1\n+2\n+open\n+body",
		"+new\n+1\n+n\n+1\n+2\n+done\n+body",
		"+unknown\n+1\n+n\n+1\n+2\n+done\n+body",
		"+replay\n+1\n+n\n+1\n+2",
		":-9223372036854775808", ":1", ":0", "", "*", "+new\n:1",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list := answer(data)
		c, err := redisstore.ReadClaim("begin", list)
		if err == nil {
			whole(t, c)
		} else {
			require.ErrorIs(t, err, redisstore.ErrReply)
			require.Zero(t, c)
		}
		for _, v := range append(list, any(list)) {
			if _, ok := v.([]any); !ok {
				_, err := redisstore.ReadClaim("begin", v)
				require.ErrorIs(t, err, redisstore.ErrReply)
			}
			if wait, err := redisstore.ReadWait(v, time.Minute); err == nil {
				require.LessOrEqual(t, wait, time.Minute)
				require.Greater(t, wait, -366*24*time.Hour, "no overflow")
			}
			err := redisstore.Swapped("complete", v)
			require.Equal(t, v == any(int64(1)), err == nil)
			require.Equal(t, v == any(int64(0)), errors.Is(err, idempotency.ErrLost))
		}
	})
}

// whole reports a claim that says too little or too much.
func whole(t *testing.T, c idempotency.Claim) {
	t.Helper()
	if c.State == idempotency.Mismatch {
		require.Equal(t, idempotency.Claim{State: idempotency.Mismatch}, c)
		return
	}
	require.Contains(t, []idempotency.State{idempotency.New, idempotency.InFlight, idempotency.Replay, idempotency.Unknown}, c.State)
	require.Positive(t, c.Epoch)
	require.NotEmpty(t, c.Owner)
	require.Equal(t, c.State == idempotency.Replay, c.Outcome == idempotency.Done)
	if c.State != idempotency.Unknown {
		require.NotEqual(t, idempotency.Open, c.Outcome)
	}
	if c.Outcome == "" {
		require.True(t, c.Response == nil && !c.Trimmed)
	}
	require.False(t, c.Trimmed && c.Response != nil)
}
