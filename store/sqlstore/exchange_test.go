package sqlstore_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/store/sqlstore"
)

func TestExchangesComeBack(t *testing.T) {
	t.Parallel()
	db := open(t, file(t), sqlstore.Config{MaxBody: 16})
	want := bankrail.Exchange{
		Channel: channel, Op: bankrail.OpRefund, Number: "R1", Attempt: 2, Method: "POST", URL: "https://bank.example/refund?a=b",
		RequestHeader: map[string][]string{"Content-Type": {"application/json"}, "X-Many": {"a", "b"}}, Request: []byte(`{"a":1}`),
		HTTPStatus: 502, AnswerHeader: map[string][]string{"Date": {"now"}}, Answer: []byte{0, 1, 0xff},
		Effect: bankrail.Refused, Problem: "余额不足", Started: time.Date(2026, 3, 4, 5, 6, 7, 8_000_000, time.UTC), Took: 1234567 * time.Nanosecond,
	}
	none := bankrail.Exchange{Channel: channel, Op: bankrail.OpRefund, Number: "R1", Effect: bankrail.NotSent}
	require.NoError(t, db.Record(t.Context(), want))
	require.NoError(t, db.Record(t.Context(), none))
	long := none
	long.Number, long.Request, long.Answer = "R2", bytes.Repeat([]byte("r"), 17), bytes.Repeat([]byte("a"), 1000)
	require.NoError(t, db.Record(t.Context(), long))

	got, err := db.Exchanges(t.Context(), idOf("R1"))
	require.NoError(t, err)
	require.Equal(t, []bankrail.Exchange{want, none}, got)
	got, err = db.Exchanges(t.Context(), idOf("R2"))
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat([]byte("r"), 16), got[0].Request)
	require.Equal(t, bytes.Repeat([]byte("a"), 16), got[0].Answer)
	got, err = db.Exchanges(t.Context(), idOf("R3"))
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestTrimExchangesDeletesWhatIsOlder(t *testing.T) {
	t.Parallel()
	db := open(t, ":memory:", sqlstore.Config{})
	start := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	const old = 1001 // more than two transactions' worth
	for i := range old + 2 {
		x := bankrail.Exchange{Channel: channel, Op: bankrail.OpRefund, Number: fmt.Sprint(i), Started: start}
		if i >= old {
			x.Started = start.Add(time.Hour)
		}
		require.NoError(t, db.Record(t.Context(), x))
	}
	n, err := db.TrimExchanges(t.Context(), start.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, old, n)
	n, err = db.TrimExchanges(t.Context(), start.Add(time.Hour))
	require.NoError(t, err)
	require.Zero(t, n)
	xs, err := db.Exchanges(t.Context(), idOf(fmt.Sprint(old)))
	require.NoError(t, err)
	require.Len(t, xs, 1)
}
