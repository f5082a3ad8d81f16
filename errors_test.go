package bankrail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
)

func TestErrorText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		want string
		err  bankrail.Error
	}{
		{
			"lanhai-production: refund: BALANCE_NOT_ENOUGH 余额不足",
			bankrail.Error{Gateway: "lanhai-production", Op: bankrail.OpRefund, Code: "BALANCE_NOT_ENOUGH", Message: "余额不足"},
		},
		{"g: refund: E1: failed", bankrail.Error{Gateway: "g", Op: bankrail.OpRefund, Code: "E1", Err: bankrail.ErrFailed}},
		{"g: unexpected EOF", bankrail.Error{Gateway: "g", Err: io.ErrUnexpectedEOF, HTTPStatus: 200}},
		{"g: http status 502", bankrail.Error{Gateway: "g", HTTPStatus: 502}},
		{"http status 0", bankrail.Error{}},
	} {
		require.EqualError(t, &tt.err, tt.want)
	}
}

func TestErrorTextIsOneBoundedLine(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{
		strings.Repeat("x", 1<<20), strings.Repeat("退", 1<<18), "a\r\nlevel=INFO msg=forged", "a\x00\x1b[31m\x7f", "a\u0085b\u2028c\u2029d",
		strings.Repeat("\xff", 300), strings.Repeat("a", 63) + "退", "\u202eevil",
	} {
		cause := errors.Join(errors.New(evil), errors.New("second line"))
		for _, err := range []error{
			&bankrail.Error{Code: evil}, &bankrail.Error{Message: evil},
			&bankrail.Error{Gateway: "g", Op: bankrail.OpRefund, Code: evil, Message: evil, Err: cause},
			&bankrail.FieldError{Field: "amount", Problem: "wrong", Err: cause},
		} {
			text := err.Error()
			require.Less(t, len(text), 1500)
			require.True(t, utf8.ValidString(text), "%.40q", text)
			for _, r := range text {
				require.False(t, unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Cf, r), "%.40q holds %q", text, r)
			}
		}
	}
}

func TestErrorsAreFoundThroughWraps(t *testing.T) {
	t.Parallel()
	inner := &bankrail.Error{Gateway: "g", Code: "E1", Effect: bankrail.Refused, Err: fmt.Errorf("step: %w", bankrail.ErrFailed)}
	err := fmt.Errorf("host: %w", fmt.Errorf("refund: %w", inner))
	require.ErrorIs(t, err, bankrail.ErrFailed)
	require.NotErrorIs(t, err, bankrail.ErrConflict)
	var found *bankrail.Error
	require.ErrorAs(t, err, &found)
	require.Same(t, inner, found)

	field := &bankrail.FieldError{Field: "Config.BaseURL", Problem: "required", Err: io.EOF}
	err = fmt.Errorf("lanhai: %w", errors.Join(field, io.ErrClosedPipe))
	require.ErrorIs(t, err, bankrail.ErrInvalid)
	require.ErrorIs(t, err, io.EOF)
	require.NotErrorIs(t, err, bankrail.ErrUnsupported)
	var f *bankrail.FieldError
	require.ErrorAs(t, err, &f)
	require.Equal(t, "Config.BaseURL", f.Field)
	require.EqualError(t, field, "Config.BaseURL: required: EOF")
}

func TestEffectIsUnknownUnlessSure(t *testing.T) {
	t.Parallel()
	unknown, refused, notSent := &bankrail.Error{Code: "U"}, &bankrail.Error{Effect: bankrail.Refused}, &bankrail.Error{Effect: bankrail.NotSent}
	field := &bankrail.FieldError{Field: "amount", Problem: "wrong"}
	for _, tt := range []struct {
		name string
		err  error
		want bankrail.Effect
	}{
		{"no error", nil, bankrail.Unknown},
		{"foreign error", io.ErrUnexpectedEOF, bankrail.Unknown},
		{"cancelled", context.Canceled, bankrail.Unknown},
		{"a sentinel alone", bankrail.ErrFailed, bankrail.Unknown},
		{"zero Error", &bankrail.Error{}, bankrail.Unknown},
		{"refused", refused, bankrail.Refused},
		{"not sent", notSent, bankrail.NotSent},
		{"wrapped", fmt.Errorf("a: %w", fmt.Errorf("b: %w", refused)), bankrail.Refused},
		{"bad field", fmt.Errorf("a: %w", field), bankrail.NotSent},
		{"bad field in an answer", &bankrail.Error{Err: field}, bankrail.Unknown},
		{"not sent, said inside unknown", &bankrail.Error{Err: notSent}, bankrail.Unknown},
		{"two attempts, the first unknown", errors.Join(unknown, notSent), bankrail.Unknown},
		{"two attempts, the second unknown", errors.Join(notSent, unknown), bankrail.Unknown},
		{"unknown after a bad field", errors.Join(field, unknown), bankrail.Unknown},
		{"refused and not sent", errors.Join(notSent, refused), bankrail.Refused},
		{"two causes, one sure", fmt.Errorf("%w: %w", bankrail.ErrForbidden, notSent), bankrail.NotSent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, bankrail.EffectOf(tt.err))
		})
	}
	require.Equal(t, "unknown", bankrail.Effect(9).String())
	require.Equal(t, "unknown", bankrail.Unknown.String())
	require.Equal(t, "refused", bankrail.Refused.String())
	require.Equal(t, "not sent", bankrail.NotSent.String())
}
