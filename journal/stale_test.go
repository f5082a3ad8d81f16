package journal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
)

// TestStaleDeliveryDoesNotHideTheFreshOne: a delivery outside the window concludes
// nothing, so the same notice must still count when it comes again, freshly signed.
// Of a bounce and of a late success the gateway is never asked: they come this way
// or not at all.
func TestStaleDeliveryDoesNotHideTheFreshOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, news, after bankrail.Status }{
		"a result":       {bankrail.Processing, bankrail.Succeeded, bankrail.Succeeded},
		"a bounce":       {bankrail.Succeeded, bankrail.Reversed, bankrail.Reversed},
		"a late success": {bankrail.Failed, bankrail.Succeeded, bankrail.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, journal.Rules{})
			_, err := d.create("R1")
			require.NoError(t, err)
			d.hear(said(c.before, 100))
			same := func(n *journal.Notice) { n.ID, n.Digest = "N", [32]byte{1} }
			stale := func(n *journal.Notice) { n.Stale, n.At = true, n.At.AddDate(0, 0, -1) }
			d.hear(said(c.news, 100), same, stale)
			d.hear(said(c.news, 100), same, stale)
			require.Equal(t, c.before, d.entry("R1").Status)
			d.hear(said(c.news, 100), same)
			require.Equal(t, c.after, d.entry("R1").Status)
			if c.before == bankrail.Failed {
				late := numbered("R1")
				late.Op = late.Op.Correction()
				got, err := d.book.Get(t.Context(), late)
				require.NoError(t, err)
				require.Equal(t, bankrail.Succeeded, got.Status)
			}
			settled := d.entry("R1")
			d.hear(said(c.news, 100), same)
			require.Equal(t, settled, d.entry("R1"), "a redelivery of what was taken changes nothing")
		})
	}
}
