package broker_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/broker"
	"github.com/bankrail/bankrail/journal"
)

var update = flag.Bool("update", false, "write the golden files anew")

var at = time.Date(2026, 11, 21, 14, 0, 0, 123e6, time.UTC)

// event is what the golden file holds.
func event() journal.Event {
	id := bankrail.ID{Channel: bankrail.Channel{Gateway: "lanhai-production", Merchant: "M1001"}, Op: bankrail.OpRefund, Number: "R1001"}
	return journal.Event{
		ID: id.String() + "#2", Type: journal.EventSucceeded, Entry: id, Version: 2, Status: bankrail.Succeeded,
		Order: "O77", Amount: bankrail.CNY(1234), Settled: bankrail.CNY(1234), At: at,
	}
}

// Rows and messages outlive releases: what was written once is read for ever.
func TestTheFormatStaysAsItIs(t *testing.T) {
	t.Parallel()
	got, err := broker.Encode(event())
	require.NoError(t, err)
	const golden = "testdata/event.v1.json"
	if *update {
		require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, strings.TrimSuffix(string(want), "\n"), string(got))
	back, err := broker.Decode(want)
	require.NoError(t, err)
	require.Equal(t, event(), back)
}

func TestEventsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*journal.Event){
		"as recorded": func(e *journal.Event) {
			e.Type, e.Status, e.Settled = journal.EventCreated, bankrail.Created, bankrail.Money{}
		},
		"a correction":      func(e *journal.Event) { e.Entry.Op = e.Entry.Op.Correction(); e.Type = journal.EventLateSuccess },
		"without an order":  func(e *journal.Event) { e.Order = "" },
		"Chinese and signs": func(e *journal.Event) { e.Order = "订单<77>&\u2028\"\\\n" },
		"the largest":       func(e *journal.Event) { e.Amount = bankrail.CNY(1<<63 - 1) },
		"below zero":        func(e *journal.Event) { e.Amount = bankrail.CNY(-1 << 63) },
		"without a time":    func(e *journal.Event) { e.At = time.Time{} },
	} {
		e := event()
		change(&e)
		b, err := broker.Encode(e)
		require.NoError(t, err, name)
		back, err := broker.Decode(b)
		require.NoError(t, err, name)
		require.Equal(t, e, back, name)
	}
}

func TestWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	good, err := broker.Encode(event())
	require.NoError(t, err)
	swap := func(old, with string) string {
		require.Contains(t, string(good), old)
		return strings.Replace(string(good), old, with, 1)
	}
	for name, tc := range map[string]struct{ text, field string }{
		"nothing":          {"", "message"},
		"no object":        {"7", "message"},
		"two events":       {string(good) + string(good), "message"},
		"cut":              {string(good[:len(good)-1]), "message"},
		"no UTF-8":         {swap("O77", "\xff"), "message"},
		"too long":         {swap("O77", strings.Repeat("x", broker.MaxSize)), "message"},
		"no number":        {swap(`"R1001"`, `""`), "entry.number"},
		"no gateway":       {swap(`"gateway":"lanhai-production",`, ""), "entry.gateway"},
		"no type":          {swap(`"type":"succeeded"`, `"type":""`), "type"},
		"version 0":        {swap(`"version":2`, `"version":0`), "version"},
		"no status":        {swap(`"status":"succeeded"`, `"status":""`), "status"},
		"a strange status": {swap(`"status":"succeeded"`, `"status":"paid"`), "status"},
		"a decimal amount": {swap(`"minor":1234`, `"minor":12.34`), "amount"},
		"no such currency": {swap(`"CNY"`, `"???"`), "currency"},
		"a decimal time":   {swap(`"at":1795269600123`, `"at":1.5`), "message"},
		"a strange shape":  {swap(`"entry":{`, `"entry":7,"x":{`), "message"},
	} {
		_, err := broker.Decode([]byte(tc.text))
		var f *bankrail.FieldError
		require.ErrorAs(t, err, &f, name)
		require.Equal(t, tc.field, f.Field, name)
	}
	for _, v := range []string{`"v":2`, `"v":0`, `"v":-1`} {
		_, err = broker.Decode([]byte(swap(`"v":1`, v)))
		require.ErrorIs(t, err, broker.ErrVersion, v)
	}
	_, err = broker.Decode([]byte(swap(`"v":1`, `"v":1,"new":{"a":[1]}`)))
	require.NoError(t, err, "members of a later release are skipped")
}

func TestWhatIsNotPublished(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*journal.Event){
		"id":             func(e *journal.Event) { e.ID = "" },
		"type":           func(e *journal.Event) { e.Type = "" },
		"entry.merchant": func(e *journal.Event) { e.Entry.Merchant = "" },
		"entry.op":       func(e *journal.Event) { e.Entry.Op = "\xff" },
		"order":          func(e *journal.Event) { e.Order = "\xff" },
		"version":        func(e *journal.Event) { e.Version = 0 },
		"status":         func(e *journal.Event) { e.Status = 77 },
		"event":          func(e *journal.Event) { e.Order = strings.Repeat("x", broker.MaxSize) },
	} {
		e := event()
		change(&e)
		_, err := broker.Encode(e)
		var f *bankrail.FieldError
		require.ErrorAs(t, err, &f, field)
		require.Equal(t, field, f.Field)
	}
}

func FuzzDecode(f *testing.F) {
	good, err := broker.Encode(event())
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"v":1,"V":2}`))
	f.Add([]byte(`{"v":1,"id":"\ud800","type":"x","entry":{"gateway":"g","merchant":"m","op":"o","number":"n"},"version":1,"status":"failed","at":-9223372036854775808}`))
	f.Add([]byte(strings.Repeat(`[`, 1000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := broker.Decode(b)
		if err != nil {
			var field *bankrail.FieldError
			if !errors.As(err, &field) && !errors.Is(err, broker.ErrVersion) {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		again, err := broker.Encode(e)
		if err != nil {
			if len(b) > broker.MaxSize/8 {
				return // what was written shorter than Encode writes it
			}
			t.Fatalf("%q: %v", b, err)
		}
		back, err := broker.Decode(again)
		if err != nil || back != e {
			t.Fatalf("%q: %v: %+v, %+v", b, err, e, back)
		}
	})
}

func TestAllStopsAtTheFirstThatFails(t *testing.T) {
	t.Parallel()
	var got []string
	errFull := errors.New("full")
	take := func(name string, err error) journal.Publisher {
		return broker.Func(func(_ context.Context, e journal.Event) error {
			got = append(got, name+" "+e.ID)
			return err
		})
	}
	err := broker.All(take("a", nil), take("b", errFull), take("c", nil)).Publish(t.Context(), journal.Event{ID: "1"})
	require.ErrorIs(t, err, errFull)
	require.NoError(t, broker.All(take("d", nil)).Publish(t.Context(), journal.Event{ID: "2"}))
	require.Equal(t, []string{"a 1", "b 1", "d 2"}, got)
}
