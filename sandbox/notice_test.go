package sandbox_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
)

func TestNotificationScheduleAsPublished(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	g.hook.reply("SUCCESS\n") // not exactly SUCCESS
	g.refund("R1", "1234")
	g.bank.Advance(72 * time.Hour)

	settled := start.Add(10 * time.Second)
	pauses := []int{0, 15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600}
	got := g.hook.all()
	require.Len(t, got, len(pauses))
	due, nonces, signs := settled, map[string]bool{}, map[string]bool{}
	for i, p := range pauses {
		due = due.Add(time.Duration(p) * time.Second)
		require.Equal(t, due, got[i].at.UTC(), "delivery %d", i)
		require.True(t, got[i].valid)
		require.Equal(t, strconv.FormatInt(due.Unix(), 10), got[i].body["timestamp"])
		require.Equal(t, got[0].body["notifyId"], got[i].body["notifyId"])
		nonces[got[i].body["nonce"]], signs[got[i].head.Get("Sign")] = true, true
	}
	require.Len(t, nonces, len(pauses), "each delivery has a nonce of its own")
	require.Len(t, signs, len(pauses))
	n := g.bank.Notices()
	require.Len(t, n, 1)
	require.False(t, n[0].Acknowledged)
	require.Zero(t, n[0].Next)
}

func TestNotificationStopsAtTheFirstAcknowledgement(t *testing.T) {
	t.Parallel()
	for _, ack := range []string{"SUCCESS", "OK"} {
		t.Run(ack, func(t *testing.T) {
			t.Parallel()
			g := open(t, nil)
			g.hook.reply("fail")
			g.refund("R1", "1234")
			g.bank.Advance(25 * time.Second) // two turns
			require.Len(t, g.hook.all(), 2)
			g.hook.reply(ack)
			g.bank.Advance(100 * time.Hour)
			require.Len(t, g.hook.all(), 3)
			require.True(t, g.bank.Notices()[0].Acknowledged)
			require.Zero(t, g.bank.Notices()[0].Next)
		})
	}
}

// A clock that the whole test shares moves the bank as Bank.Advance does.
func TestManualClockDrivesTheBank(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	g.hook.reply("busy")
	g.refund("R1", "1")
	g.clock.Advance(9 * time.Second)
	require.Equal(t, sandbox.Processing, g.row("R1").Status)
	g.clock.Advance(time.Minute)
	require.Equal(t, start.Add(10*time.Second), g.row("R1").RefundedAt)
	var at []time.Duration
	for _, n := range g.hook.all() {
		at = append(at, n.at.Sub(start))
	}
	require.Equal(t, []time.Duration{10 * time.Second, 25 * time.Second, 40 * time.Second}, at)
	require.Equal(t, start.Add(69*time.Second), g.bank.Now())

	stop := g.clock.AfterFunc(time.Second, func() { t.Error("it was stopped") })
	require.True(t, stop())
	require.False(t, stop())
	g.clock.Advance(time.Second)
}

func TestScheduleCanBeReplaced(t *testing.T) {
	t.Parallel()
	g := open(t, func(o *sandbox.Options) { o.NotifySchedule = []time.Duration{time.Second, 2 * time.Second} })
	g.hook.reply("")
	g.refund("R1", "1")
	g.bank.Advance(time.Hour)
	got := g.hook.all()
	require.Len(t, got, 2)
	require.Equal(t, start.Add(11*time.Second), got[0].at)
	require.Equal(t, start.Add(13*time.Second), got[1].at)
}

func TestNoAddressNoNotification(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	o := g.order("R1", "1")
	o["notifyUrl"] = ""
	require.Equal(t, "0000", g.send(g.build("/refunds", o)).code())
	g.bank.Advance(time.Hour)
	require.Empty(t, g.bank.Notices())
}

// noticeFaults say what reaches the merchant in the faulty first turn. Where the
// truth was among it the merchant acknowledged it, and no second turn comes.
var noticeFaults = map[sandbox.Fault]struct {
	see   func(t *testing.T, g *rig, got []heard)
	again bool // the schedule has a second turn
}{
	sandbox.NoticeLost: {func(t *testing.T, _ *rig, got []heard) { require.Empty(t, got) }, true},
	sandbox.NoticeDuplicated: {func(t *testing.T, _ *rig, got []heard) {
		require.GreaterOrEqual(t, len(got), 2)
		require.LessOrEqual(t, len(got), 5)
		for _, n := range got {
			require.Equal(t, got[0].raw, n.raw)
			require.True(t, n.valid)
		}
	}, false},
	sandbox.NoticeTampered: {func(t *testing.T, _ *rig, got []heard) {
		require.Len(t, got, 1)
		require.False(t, got[0].valid)
		require.Equal(t, "12340", got[0].body["refundAmount"])
	}, true},
	sandbox.NoticeUnknownKey: {func(t *testing.T, g *rig, got []heard) {
		require.Len(t, got, 1)
		require.False(t, got[0].valid)
		require.NotEqual(t, g.bank.Keys().BankKeyID, got[0].head.Get("X-Key-Id"))
	}, true},
	sandbox.NoticeForged: {func(t *testing.T, g *rig, got []heard) {
		require.Len(t, got, 2)
		require.False(t, got[0].valid)
		require.NotEqual(t, "R1", got[0].body["merchantRefundNo"])
		require.Equal(t, g.bank.Keys().BankKeyID, got[0].head.Get("X-Key-Id"))
		require.True(t, got[1].valid)
	}, false},
	sandbox.NoticeUnknownNumber: {func(t *testing.T, _ *rig, got []heard) {
		require.Len(t, got, 2)
		require.True(t, got[0].valid)
		require.NotEqual(t, "R1", got[0].body["merchantRefundNo"])
		require.Equal(t, "R1", got[1].body["merchantRefundNo"])
	}, false},
	sandbox.NoticeProcessingAfter: {func(t *testing.T, _ *rig, got []heard) {
		require.Len(t, got, 2)
		require.True(t, got[1].valid)
		require.Equal(t, "SUCCESS", got[0].body["status"])
		require.Equal(t, "PROCESSING", got[1].body["status"])
		require.Equal(t, "R1", got[1].body["merchantRefundNo"])
		require.NotEqual(t, got[0].body["notifyId"], got[1].body["notifyId"])
	}, false},
	sandbox.NoticeOtherMerchant: {func(t *testing.T, _ *rig, got []heard) {
		require.Len(t, got, 2)
		require.True(t, got[0].valid)
		require.Equal(t, "M1001-other", got[0].body["merchantId"])
		require.Equal(t, "M1001", got[1].body["merchantId"])
	}, false},
	sandbox.NoticeDayOld:   {dayOff(-24 * time.Hour), true},
	sandbox.NoticeDayAhead: {dayOff(24 * time.Hour), true},
	sandbox.NoticeOutOfOrder: {func(t *testing.T, _ *rig, got []heard) {
		require.Empty(t, got) // held back
	}, true},
}

func dayOff(d time.Duration) func(*testing.T, *rig, []heard) {
	return func(t *testing.T, _ *rig, got []heard) {
		require.Len(t, got, 1)
		require.True(t, got[0].valid)
		require.Equal(t, strconv.FormatInt(start.Add(10*time.Second+d).Unix(), 10), got[0].body["timestamp"])
	}
}

func TestEveryNoticeFault(t *testing.T) {
	t.Parallel()
	for _, f := range sandbox.FaultsAt("notice") {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			want, ok := noticeFaults[f]
			require.True(t, ok, "no test of this fault")
			g := open(t, nil)
			require.NoError(t, g.bank.ScriptNotify("R1", f))
			g.refund("R1", "1234")
			g.bank.Advance(10 * time.Second)
			first := g.hook.all()
			want.see(t, g, first)
			g.bank.Advance(100 * time.Hour)
			later := g.hook.all()[len(first):]
			if want.again {
				require.Len(t, later, 1)
				require.True(t, later[0].valid)
				require.Equal(t, "R1", later[0].body["merchantRefundNo"])
				require.Equal(t, "1234", later[0].body["refundAmount"])
			} else {
				require.Empty(t, later)
			}
			n := g.bank.Notices()[0]
			require.True(t, n.Acknowledged)
			require.Equal(t, f, n.Deliveries[0].Fault)
			require.Equal(t, 1, g.row("R1").Executions)
		})
	}
}

func TestOutOfOrderNoticeComesAfterTheNextOne(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	require.NoError(t, g.bank.ScriptNotify("R1", sandbox.NoticeOutOfOrder))
	g.refund("R1", "1234")
	g.bank.Advance(10 * time.Second)
	require.NoError(t, g.bank.Bounce("R1"))
	require.Len(t, g.hook.all(), 2, "at once, not by the schedule")
	g.bank.Advance(100 * time.Hour)
	var told []string
	for _, n := range g.hook.all() {
		require.True(t, n.valid)
		told = append(told, n.body["status"])
	}
	require.Equal(t, []string{"REVERSED", "SUCCESS"}, told)
}

func TestDeadMerchantDoesNotStopTheBank(t *testing.T) {
	t.Parallel()
	g := open(t, nil)
	g.hook.srv.Close()
	g.refund("R1", "1234")
	g.bank.Advance(100 * time.Hour)
	n := g.bank.Notices()[0]
	require.Len(t, n.Deliveries, 16)
	require.False(t, n.Acknowledged)
	require.Zero(t, n.Deliveries[15].HTTPStatus)
}
