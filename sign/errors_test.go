package sign_test

import (
	"io"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func TestErrors_KeepTheirCause(t *testing.T) {
	t.Parallel()
	err := error(&sign.Error{Part: "clock", KeyID: "a\nb", Digest: "00", Problem: "stale", Err: io.EOF})
	require.ErrorIs(t, err, sign.ErrSignature)
	require.ErrorIs(t, err, io.EOF)
	require.NotErrorIs(t, err, sign.ErrKey)
	require.EqualError(t, err, `sign: clock: stale, key "a\nb", text sha256 00: EOF`)

	err = &sign.KeyError{Source: "env BANK_KEY", Problem: "not set", Err: io.EOF}
	require.ErrorIs(t, err, sign.ErrKey)
	require.ErrorIs(t, err, io.EOF)
	require.NotErrorIs(t, err, sign.ErrSignature)
	require.EqualError(t, err, "sign: key from env BANK_KEY: not set: EOF")
}
