package envelope_test

import (
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign/envelope"
	"github.com/stretchr/testify/require"
)

func TestDecodeBase64_OneTextForOneCiphertext(t *testing.T) {
	t.Parallel()
	most := make([]byte, envelope.MaxInput)
	got, err := envelope.DecodeBase64(envelope.EncodeBase64(most))
	require.NoError(t, err)
	require.Len(t, got, envelope.MaxInput)

	for name, s := range map[string]string{
		"empty":              "",
		"one byte above":     envelope.EncodeBase64(append(most, 0)),
		"far above":          strings.Repeat("A", 4*envelope.MaxInput),
		"no padding":         "AA",
		"too much padding":   "AA===",
		"padding alone":      "====",
		"stray bits":         "AB==",
		"line break":         "AAAA\nAAAA",
		"carriage return":    "AAAA\r\n",
		"blank":              "AAAA AAAA",
		"blank for a plus":   "AA A",
		"URL alphabet":       "-_-_",
		"not ASCII":          "ＡＡＡＡ",
		"text after padding": "AA==AAAA",
	} {
		got, err := envelope.DecodeBase64(s)
		notOpened(t, got, err, name)
	}
}
