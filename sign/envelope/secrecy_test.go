package envelope_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/bankrail/bankrail/sign/envelope"
	"github.com/stretchr/testify/require"
)

func TestValues_ShowNothing(t *testing.T) {
	t.Parallel()
	aead := aeadOf(t, "wechat-sm4", []byte(apiV3Key))
	cbc, err := envelope.NewSM4CBC([]byte(apiV3Key)[:16])
	require.NoError(t, err)
	ecb, err := envelope.NewLegacyWeChatRefund([]byte(apiV3Key))
	require.NoError(t, err)
	sealer, opener := pair(t, sm2Key(t, annexPrivate), envelope.SM2ASN1)

	const shown = "[envelope key]"
	for _, v := range []any{aead, *aead, cbc, *cbc, ecb, *ecb, sealer, *sealer, opener, *opener} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			require.Contains(t, fmt.Sprintf(verb, v), shown)
		}
		b, err := json.Marshal(v)
		require.NoError(t, err)
		require.Equal(t, `"`+shown+`"`, string(b))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		require.Contains(t, log.String(), shown)
	}

	// Inside somebody's unexported field fmt calls no method: only addresses show.
	holder := struct {
		a envelope.AEAD
		c envelope.CBC
		e envelope.LegacyECB
		o envelope.Opener
	}{*aead, *cbc, *ecb, *opener}
	require.Regexp(t, `^\{(\S+:\{hidden:\{\} m:0x[0-9a-f]+\} ?)+\}$`, fmt.Sprintf("%+v", holder))
}

func TestZeroValues_OpenAndSealNothing(t *testing.T) {
	t.Parallel()
	for _, a := range []*envelope.AEAD{nil, {}} {
		got, err := a.Open(make([]byte, 12), nil, make([]byte, 32))
		notOpened(t, got, err)
		got, err = a.OpenResource(envelope.Resource{})
		notOpened(t, got, err)
		_, _, err = a.Seal(nil, []byte("x"))
		notSealed(t, err, "there is no key")
		require.Empty(t, a.Algorithm())
	}
	for _, c := range []*envelope.CBC{nil, {}} {
		got, err := c.Open(make([]byte, 16), make([]byte, 32))
		notOpened(t, got, err)
		_, err = c.Seal(make([]byte, 16), []byte("x"))
		notSealed(t, err, "there is no key")
	}
	for _, e := range []*envelope.LegacyECB{nil, {}} {
		got, err := e.Open(make([]byte, 32))
		notOpened(t, got, err)
		_, err = e.Seal([]byte("x"))
		notSealed(t, err, "there is no key")
	}
	for _, o := range []*envelope.Opener{nil, {}} {
		got, err := o.Open(make([]byte, 256))
		notOpened(t, got, err)
	}
	for _, s := range []*envelope.Sealer{nil, {}} {
		_, err := s.Seal([]byte("x"))
		notSealed(t, err, "there is no key")
		require.Zero(t, s.MaxPlaintext())
	}
}

func TestSealError_KeepsItsCause(t *testing.T) {
	t.Parallel()
	err := error(&envelope.SealError{Problem: "p", Err: fmt.Errorf("q")})
	require.EqualError(t, err, "envelope: cannot be sealed: p: q")
	require.ErrorIs(t, err, envelope.ErrSeal)
	require.NotErrorIs(t, err, envelope.ErrOpen)
}
