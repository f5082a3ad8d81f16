package sign_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/bankrail/bankrail/sign"
)

// The way of most messages and the way of all dialects write the same and refuse
// the same, and the fields come out in byte order whatever their names share.
func TestTextSimpleWayAgreesWithTheOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.StringMatching("(|merchant|merchan|m)[a-b\\x00_A0]{0,4}")
		fields := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) sign.Field {
			return sign.Field{Name: name.Draw(r, "name"), Value: rapid.SampledFrom([]string{"", "0", "a&b=c", "年"}).Draw(r, "value")}
		}), 0, 40).Draw(r, "fields")
		if rapid.Bool().Draw(r, "distinct") {
			seen := map[string]bool{"": true}
			fields = slices.DeleteFunc(fields, func(f sign.Field) bool {
				twice := seen[f.Name]
				seen[f.Name] = true
				return twice
			})
		}
		text := sign.Text{Exclude: []string{"m", "merchanta"}[:rapid.IntRange(0, 2).Draw(r, "excluded")]}
		if rapid.Bool().Draw(r, "keep") {
			text.Empty = sign.KeepEmpty
		}
		other := text
		other.Prefix.Before = "#"

		one, two := slices.Clone(fields), slices.Clone(fields)
		got, err := text.Append([]byte("before "), one)
		want, wantErr := other.Append([]byte("before "), two)
		require.Equal(r, wantErr, err)
		if err != nil {
			return
		}
		require.Equal(r, strings.Replace(string(want), "#", "", 1), string(got))
		require.True(r, slices.IsSortedFunc(one, func(a, b sign.Field) int { return strings.Compare(a.Name, b.Name) }))
		require.ElementsMatch(r, fields, one)
	})
}
