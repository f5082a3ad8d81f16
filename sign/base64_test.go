package sign_test

import (
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func TestBase64_RoundTrips(t *testing.T) {
	t.Parallel()
	for _, sig := range []string{"\x00", "\xfb\xff\xfe", strings.Repeat("x", 768)} {
		text := sign.EncodeBase64([]byte(sig))
		back, err := sign.DecodeBase64(text)
		require.NoError(t, err)
		require.Equal(t, sig, string(back))
	}
	require.Equal(t, "+//+", sign.EncodeBase64([]byte("\xfb\xff\xfe")))
}

func TestDecodeBase64_RefusesOtherTexts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":               "",
		"padding only":          "====",
		"no padding":            "AA",
		"half the padding":      "AA=",
		"padding in the middle": "AA==AA==",
		"stray bits":            "AB==",
		"URL alphabet":          "-__-",
		"a line break":          "AAAA\nAAAA",
		"a carriage return":     "AAAA\rAAAA",
		"a line break behind":   "AAAA\n",
		"a blank":               "AAAA AAAA",
		"a blank before":        " AAAA",
		"a NUL":                 "AAA\x00",
		"percent encoding":      "AA%3D%3D",
		"1028 characters":       strings.Repeat("A", 1028),
		"a megabyte":            strings.Repeat("A", 1<<20),
		"hex of odd length":     "abc",
		"not ASCII":             "ＡＡＡＡ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sig, err := sign.DecodeBase64(text)
			require.Nil(t, sig)
			refusedAs(t, "signature", err)
		})
	}
}
