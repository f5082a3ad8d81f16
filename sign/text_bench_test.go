package sign_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// The floor of a canonical text: the names sorted and the pieces copied, no rule
// looked at.
func BenchmarkTextAppend20_Floor(b *testing.B) {
	fields, dst := refundFields(20), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		slices.SortFunc(fields, func(a, b sign.Field) int { return strings.Compare(a.Name, b.Name) })
		out := dst
		for i, f := range fields {
			if i > 0 {
				out = append(out, '&')
			}
			out = append(append(append(out, f.Name...), '='), f.Value...)
		}
		if len(out) == 0 {
			b.Fatal("nothing written")
		}
	}
}

func BenchmarkTextAppend20_Dialects(b *testing.B) {
	fields, dst := refundFields(20), make([]byte, 0, 4096)
	for name, t := range dialects() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = t.AppendSecret(dst, fields, []byte("K"))
			}
		})
	}
}

func dialects() map[string]sign.Text {
	list := make([]string, 20)
	for i, f := range refundFields(20) {
		list[i] = f.Name
	}
	return map[string]sign.Text{
		"key":    {Exclude: []string{"sign"}, Suffix: sign.Affix{Before: "&key=", Secret: sign.SecretRaw}},
		"list":   {Order: sign.ListOrder, List: list, ValuesOnly: true, Pair: sign.NoSeparator},
		"escape": {Escape: sign.EscapeQuery},
		"utf8":   {Charset: sign.UTF8},
		"gbk":    {Charset: sign.GBK}, // of ASCII, which most messages are
	}
}

func TestText_DialectsAllocate(t *testing.T) { // not parallel: AllocsPerRun counts the process
	fields, dst, secret := refundFields(20), make([]byte, 0, 4096), []byte("K")
	for name, text := range dialects() {
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if _, err := text.AppendSecret(dst, fields, secret); err != nil {
				t.Error(err)
			}
		}), name)
	}
	lines := sign.Lines{Parts: []sign.Line{sign.LineMethod, sign.LineTarget, sign.LineTimestamp, sign.LineNonce, sign.LineBody}}
	in := sign.Input{Method: "POST", Target: "/v3/x", Timestamp: "1", Nonce: "n", Body: make([]byte, 512)}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := lines.Append(dst, in); err != nil {
			t.Error(err)
		}
	}))
	reader, err := sign.NewStructReader(bill{})
	require.NoError(t, err)
	into, v := make([]sign.Field, 0, 16), &bill{Number: "O1", Memo: "m"}
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if _, err := reader.Append(into, v); err != nil {
			t.Error(err)
		}
	}), 4.0, "the amount's own text and what boxes it")
}

func BenchmarkFormFields20(b *testing.B) {
	body, err := sign.Text{Escape: sign.EscapeForm}.Append(nil, refundFields(20))
	require.NoError(b, err)
	dst := make([]sign.Field, 0, 32)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sign.FormFields(dst, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLines(b *testing.B) {
	lines := sign.Lines{Parts: []sign.Line{sign.LineMethod, sign.LineTarget, sign.LineTimestamp, sign.LineNonce, sign.LineBody}}
	in := sign.Input{Method: "POST", Target: "/v3/refund/domestic/refunds", Timestamp: "1554208460", Nonce: "593BEC0C930BF1AFEB40B4A08C8FB242", Body: make([]byte, 512)}
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = lines.Append(dst, in)
	}
}

func BenchmarkStructReader(b *testing.B) {
	reader, err := sign.NewStructReader(bill{})
	require.NoError(b, err)
	dst, v := make([]sign.Field, 0, 16), &bill{Number: "O1", Memo: "m"}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = reader.Append(dst, v)
	}
}
