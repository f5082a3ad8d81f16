package notify_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/notify"
)

// The defined answer to each way a notification can be wrong, late or twice. R1 of
// 40 yuan is at the bank, accepted; the last letter is the case.
func TestEachCaseHasItsAnswer(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	tampered := func(d *desk) letter {
		l := d.news("R1", "SUCCESS")
		l.after = func(body string) string { return strings.Replace(body, `"4000"`, `"40"`, 1) }
		return l
	}
	forged := func(d *desk) letter {
		l := d.news("R1", "SUCCESS")
		l.signer = d.stranger
		return l
	}
	dated := func(by time.Duration) func(d *desk) letter {
		return func(d *desk) letter {
			d.clock.move(by)
			l := d.news("R1", "SUCCESS")
			d.clock.move(-by)
			return l
		}
	}
	say := func(status string, pairs ...string) func(d *desk) letter {
		return func(d *desk) letter { return d.news("R1", status, pairs...) }
	}
	tests := []struct {
		name    string
		before  []func(*desk) letter
		letter  func(*desk) letter
		code    int // 200 is acknowledged
		noted   error
		status  bankrail.Status
		changes int // versions that the last letter made
		events  int
		anomaly journal.AnomalyKind
		asks    bool // the bank is asked at once
	}{
		{name: "as it should be", letter: say("SUCCESS"), code: 200, status: bankrail.Succeeded, changes: 1, events: 1},

		{name: "redelivery", before: []func(*desk) letter{say("SUCCESS")}, letter: say("SUCCESS"), code: 200, status: bankrail.Succeeded},
		{name: "redelivery of a failure", before: []func(*desk) letter{say("FAIL")}, letter: say("FAIL"), code: 200, status: bankrail.Failed},
		{name: "the same word in another notice", before: []func(*desk) letter{say("SUCCESS")}, letter: say("SUCCESS", "notifyId", "N-2"), code: 200, status: bankrail.Succeeded},
		{name: "one notice number for two contents", before: []func(*desk) letter{say("PROCESSING", "notifyId", "N-1")}, letter: say("SUCCESS", "notifyId", "N-1"),
			code: 200, status: bankrail.Processing, anomaly: journal.AnomalyReused, asks: true},

		{name: "reordering: the bounce before the success", letter: say("REVERSED"), code: 200, status: bankrail.Reversed, changes: 2, events: 2},
		{name: "reordering: the success after the bounce", before: []func(*desk) letter{say("REVERSED")}, letter: say("SUCCESS"), code: 200, status: bankrail.Reversed},
		{name: "reordering: PROCESSING after SUCCESS", before: []func(*desk) letter{say("SUCCESS")}, letter: say("PROCESSING"), code: 200, status: bankrail.Succeeded},
		{name: "reordering: PROCESSING after FAIL", before: []func(*desk) letter{say("FAIL")}, letter: say("PROCESSING"), code: 200, status: bankrail.Failed},
		{name: "FAIL after SUCCESS", before: []func(*desk) letter{say("SUCCESS")}, letter: say("FAIL"), code: 200, status: bankrail.Succeeded, anomaly: journal.AnomalyContradiction},
		{name: "SUCCESS after FAIL", before: []func(*desk) letter{say("FAIL")}, letter: say("SUCCESS"), code: 200, status: bankrail.Failed, anomaly: journal.AnomalyLateSuccess, events: 1},

		{name: "forgery: no signature", letter: func(d *desk) letter {
			l := d.news("R1", "SUCCESS")
			l.edit = func(r *http.Request) { r.Header.Del("Sign") }
			return l
		}, code: 401, noted: notify.ErrForged, status: bankrail.Processing},
		{name: "forgery: tampered", letter: tampered, code: 401, noted: notify.ErrForged, status: bankrail.Processing},
		{name: "forgery: another key under the bank's serial", letter: forged, code: 401, noted: notify.ErrForged, status: bankrail.Processing},
		{name: "forgery: a member was added", letter: func(d *desk) letter {
			l := d.news("R1", "SUCCESS")
			l.after = func(body string) string { return strings.Replace(body, "{", `{"more":"1",`, 1) }
			return l
		}, code: 401, noted: notify.ErrForged, status: bankrail.Processing},
		{name: "forgery: a twin in capitals", letter: func(d *desk) letter {
			l := d.news("R1", "FAIL", "STATUS", "SUCCESS")
			return l
		}, code: 401, noted: notify.ErrForged, status: bankrail.Processing},
		{name: "forgery: junk", letter: func(d *desk) letter {
			l := d.news("R1", "SUCCESS")
			l.after = func(string) string { return "\x00\xff" }
			return l
		}, code: 401, noted: notify.ErrForged, status: bankrail.Processing},

		{name: "another merchant's message", letter: say("SUCCESS", "merchantId", "M1002"), code: 401, noted: notify.ErrForged, status: bankrail.Processing},
		{name: "nobody's message", letter: say("SUCCESS", "merchantId", ""), code: 401, noted: notify.ErrForged, status: bankrail.Processing},

		{name: "another amount", letter: say("SUCCESS", "refundAmount", "4001"), code: 200, status: bankrail.Processing, changes: 1, anomaly: journal.AnomalyAmount, asks: true},
		{name: "another currency", letter: say("SUCCESS", "currency", "USD"), code: 200, status: bankrail.Processing, changes: 1, anomaly: journal.AnomalyAmount, asks: true},
		{name: "no amount", letter: say("SUCCESS", "refundAmount", ""), code: 200, status: bankrail.Processing, changes: 1, asks: true},

		{name: "a day old", letter: dated(-day), code: 200, noted: notify.ErrStale, status: bankrail.Processing, asks: true},
		{name: "a day ahead", letter: dated(day), code: 200, noted: notify.ErrStale, status: bankrail.Processing, asks: true},
		{name: "10 minutes old", letter: dated(-10 * time.Minute), code: 200, status: bankrail.Succeeded, changes: 1, events: 1},
		{name: "10 minutes ahead", letter: dated(10 * time.Minute), code: 200, status: bankrail.Succeeded, changes: 1, events: 1},
		{name: "10 minutes and a second old", letter: dated(-10*time.Minute - time.Second), code: 200, noted: notify.ErrStale, status: bankrail.Processing, asks: true},
		{name: "from before time", letter: say("SUCCESS", "timestamp", "-62135596800"), code: 200, noted: notify.ErrStale, status: bankrail.Processing, asks: true},

		{name: "authentic, and no amount at all", letter: say("SUCCESS", "refundAmount", "12.5"), code: 400, noted: bankrail.ErrInvalid, status: bankrail.Processing},
		{name: "authentic, without a notice number", letter: say("SUCCESS", "notifyId", ""), code: 400, noted: bankrail.ErrInvalid, status: bankrail.Processing},
		{name: "authentic, without a number", letter: say("SUCCESS", "merchantRefundNo", ""), code: 400, noted: bankrail.ErrInvalid, status: bankrail.Processing},
		{name: "authentic, without a time", letter: say("SUCCESS", "timestamp", ""), code: 400, noted: bankrail.ErrInvalid, status: bankrail.Processing},
		{name: "a state that is not listed", letter: say("DONE"), code: 200, status: bankrail.Processing, changes: 1, asks: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, nil)
			d.create("R1")
			for _, l := range tt.before {
				d.acknowledged(d.deliver(l(d)))
			}
			d.events()
			before, known, alarms := d.history("R1"), d.anomalies(), len(d.alarms)
			e := d.entry("R1")
			d.observed, d.verifier.asked = nil, 0

			w := d.deliver(tt.letter(d))
			if tt.code == http.StatusOK {
				d.acknowledged(w)
			} else {
				d.refused(w, tt.code)
			}
			after := d.entry("R1")
			require.Equal(t, tt.status, after.Status)
			require.Len(t, d.history("R1"), len(before)+tt.changes)
			require.Len(t, d.events(), tt.events)
			require.Len(t, d.wire.sent, 1, "a notification sends nothing")
			require.Empty(t, d.wire.asked, "and asks nothing by itself")
			require.LessOrEqual(t, d.verifier.asked, 1)
			if tt.noted == nil {
				require.Empty(t, d.observed)
			} else {
				require.Len(t, d.observed, 1)
				require.ErrorIs(t, d.observed[0], tt.noted)
			}
			if tt.anomaly == "" {
				require.Equal(t, known, d.anomalies())
			} else {
				require.Equal(t, append(known, tt.anomaly), d.anomalies())
				require.Len(t, d.alarms, alarms+1)
			}
			if tt.asks {
				require.Equal(t, start, after.NextAt)
			} else if tt.changes == 0 {
				require.Equal(t, e, after, "nothing changed")
			}
		})
	}
}
