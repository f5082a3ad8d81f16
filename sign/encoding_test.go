package sign_test

import (
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func encodings() []sign.Encoding {
	return []sign.Encoding{"", sign.Base64, sign.Base64URL, sign.RawBase64, sign.RawBase64URL, sign.HexLower, sign.HexUpper}
}

func TestEncoding_WritesTheSpellingsOfTheGateways(t *testing.T) {
	t.Parallel()
	for e, want := range map[sign.Encoding]string{
		"": "+//+AQ==", sign.Base64: "+//+AQ==", sign.Base64URL: "-__-AQ==", sign.RawBase64: "+//+AQ",
		sign.RawBase64URL: "-__-AQ", sign.HexLower: "fbfffe01", sign.HexUpper: "FBFFFE01", "b64": "",
	} {
		require.Equal(t, want, e.Encode([]byte("\xfb\xff\xfe\x01")), "%q", e)
	}
}

func TestEncoding_RoundTrips(t *testing.T) {
	t.Parallel()
	for _, e := range encodings() {
		for n := 1; n <= 512; n++ {
			want := strings.Repeat("\xfb\x00\x10", n)[:n]
			got, err := e.Decode(e.Encode([]byte(want)))
			require.NoError(t, err)
			require.Equal(t, want, string(got))
		}
	}
}

func TestEncoding_HexFoldsCase(t *testing.T) {
	t.Parallel()
	for _, e := range []sign.Encoding{sign.HexLower, sign.HexUpper} {
		for _, s := range []string{"abcdef", "ABCDEF", "aBcDeF"} {
			got, err := e.Decode(s)
			require.NoError(t, err)
			require.Equal(t, []byte{0xab, 0xcd, 0xef}, got)
		}
	}
}

func TestEncoding_RefusesEverythingElse(t *testing.T) {
	t.Parallel()
	hex, std, url, raw, rawURL := sign.HexLower, sign.Base64, sign.Base64URL, sign.RawBase64, sign.RawBase64URL
	for name, c := range map[string]struct {
		e    sign.Encoding
		text string
	}{
		"hex, nothing":                   {hex, ""},
		"hex, half a byte":               {hex, "abc"},
		"hex, another letter":            {hex, "abcg"},
		"hex with 0x":                    {hex, "0xab"},
		"hex, a blank":                   {hex, "ab cd"},
		"hex, a line break":              {hex, "abcd\n"},
		"hex, wide digits":               {hex, "ａｂ"},
		"hex, too long":                  {hex, strings.Repeat("a", 1026)},
		"hex, a megabyte":                {hex, strings.Repeat("a", 1<<20)},
		"standard, URL alphabet":         {std, "-__-"},
		"standard, no padding":           {std, "AQ"},
		"URL, standard alphabet":         {url, "+//+"},
		"URL, no padding":                {url, "AQ"},
		"URL, stray bits":                {url, "AB=="},
		"no padding, padded":             {raw, "AQ=="},
		"no padding, URL alphabet":       {raw, "-__-"},
		"no padding, stray bits":         {raw, "AB"},
		"no padding, a line break":       {raw, "AA\nAA"},
		"URL no padding, padded":         {rawURL, "AQ=="},
		"URL no padding, other alphabet": {rawURL, "+//+"},
		"URL no padding, too long":       {rawURL, strings.Repeat("A", 1028)},
		"unknown encoding":               {"hexx", "abcd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sig, err := c.e.Decode(c.text)
			require.Nil(t, sig)
			refusedAs(t, "signature", err)
		})
	}
}

// Every text has one spelling but for the case of hex.
func FuzzEncoding(f *testing.F) {
	for _, s := range []string{"", "abcd", "ABCD", "AQ==", "-__-AQ", "AA\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, e := range encodings() {
			sig, err := e.Decode(s)
			if err != nil {
				refusedAs(t, "signature", err)
				continue
			}
			again := e.Encode(sig)
			if e == sign.HexLower || e == sign.HexUpper {
				require.True(t, strings.EqualFold(s, again))
			} else {
				require.Equal(t, s, again)
			}
		}
	})
}
