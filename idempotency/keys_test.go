package idempotency_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/idempotency"
)

func TestFingerprintsKeepFieldsApart(t *testing.T) {
	t.Parallel()
	seen := map[idempotency.Fingerprint][]string{}
	for _, fields := range [][]string{{}, {""}, {"", ""}, {"ab"}, {"a", "b"}, {"ab", ""}, {"", "ab"}, {"b", "a"}} {
		p := idempotency.NewFingerprint(fields...)
		require.NotContains(t, seen, p, "%q and %q", fields, seen[p])
		seen[p] = fields
		require.Equal(t, p, idempotency.NewFingerprint(fields...))
	}
}
