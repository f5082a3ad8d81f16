package sign_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestText_Append(t *testing.T) {
	t.Parallel()
	type F = sign.Field
	for name, c := range map[string]struct {
		text   sign.Text
		fields []F
		want   string
	}{
		"one field":                       {sign.Text{}, []F{{"a", "1"}}, "a=1"},
		"names in byte order":             {sign.Text{}, []F{{"b", "1"}, {"a1", "2"}, {"a", "3"}, {"B", "4"}, {"_", "5"}, {"0", "6"}, {"é", "7"}, {"a_", "8"}}, "0=6&B=4&_=5&a=3&a1=2&a_=8&b=1&é=7"},
		"bytes, not UTF-16 units":         {sign.Text{}, []F{{"\U00010000", "1"}, {"\uffff", "2"}}, "\uffff=2&\U00010000=1"},
		"values as they are":              {sign.Text{}, []F{{"u", "https://x/?a=b&c= d+%20<\n商"}}, "u=https://x/?a=b&c= d+%20<\n商"},
		"empty left out, 0 kept":          {sign.Text{}, []F{{"a", ""}, {"b", "0"}, {"c", " "}}, "b=0&c= "},
		"empty kept":                      {sign.Text{Empty: sign.KeepEmpty}, []F{{"b", ""}, {"a", ""}}, "a=&b="},
		"empty of none to refuse":         {sign.Text{Empty: sign.RejectEmpty}, []F{{"a", "1"}}, "a=1"},
		"empty one excluded":              {sign.Text{Empty: sign.RejectEmpty, Exclude: []string{"sign"}}, []F{{"a", "1"}, {"sign", ""}}, "a=1"},
		"first, middle and last excluded": {sign.Text{Exclude: []string{"c", "a", "e"}}, []F{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}}, "b=2&d=4"},
		"exclusion minds case":            {sign.Text{Exclude: []string{"sign"}}, []F{{"Sign", "1"}}, "Sign=1"},
		"wire order":                      {sign.Text{Order: sign.WireOrder}, []F{{"b", "1"}, {"a", "2"}}, "b=1&a=2"},
		"other separators":                {sign.Text{Pair: "\n", Assign: ": "}, []F{{"b", "1"}, {"a", "2"}}, "a: 2\nb: 1"},
		"strict without separators":       {sign.Text{Strict: true}, []F{{"a", "1"}, {"b", ""}}, "a=1"},
		"strict passes over the excluded": {sign.Text{Strict: true, Exclude: []string{"sign"}}, []F{{"a", "1"}, {"sign", "x=="}}, "a=1"},
		"strict with other separators":    {sign.Text{Strict: true, Pair: ";", Assign: ":"}, []F{{"a", "1&b=2"}}, "a:1&b=2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.text.Append([]byte("kept"), slices.Clone(c.fields))
			require.NoError(t, err)
			require.Equal(t, "kept"+c.want, string(got))
			if c.text.Order == sign.ByteOrder {
				got, err = c.text.FromMap(nil, toMap(c.fields))
				require.NoError(t, err)
				require.Equal(t, c.want, string(got))
			}
		})
	}
}

func TestText_AppendRefuses(t *testing.T) {
	t.Parallel()
	type F = sign.Field
	many := make([]F, 1025)
	for i := range many {
		many[i] = F{fmt.Sprint(i), "1"}
	}
	wire := sign.Text{Order: sign.WireOrder}
	for name, c := range map[string]struct {
		text   sign.Text
		fields []F
		part   string
	}{
		"a name twice":                {sign.Text{}, []F{{"amount", "1"}, {"b", "2"}, {"amount", "100"}}, "body"},
		"a name twice, same value":    {sign.Text{}, []F{{"a", "1"}, {"a", "1"}}, "body"},
		"a name twice, one empty":     {sign.Text{}, []F{{"a", "1"}, {"a", ""}}, "body"},
		"a name twice, excluded":      {sign.Text{Exclude: []string{"sign"}}, []F{{"a", "1"}, {"sign", "1"}, {"sign", "2"}}, "body"},
		"a name twice in wire order":  {wire, []F{{"a", "1"}, {"b", "2"}, {"a", "1"}}, "body"},
		"no name":                     {sign.Text{}, []F{{"", "1"}}, "body"},
		"no name in wire order":       {wire, []F{{"a", "1"}, {"", "1"}}, "body"},
		"1025 fields":                 {sign.Text{}, many, "body"},
		"empty value":                 {sign.Text{Empty: sign.RejectEmpty}, []F{{"a", "1"}, {"b", ""}}, "text"},
		"pair separator in a value":   {sign.Text{Strict: true}, []F{{"memo", "x&order=2"}}, "text"},
		"assign separator in a value": {sign.Text{Strict: true}, []F{{"memo", "x=2"}}, "text"},
		"pair separator in a name":    {sign.Text{Strict: true}, []F{{"a&b", "1"}}, "text"},
		"assign separator in a name":  {sign.Text{Strict: true}, []F{{"a=b", "1"}}, "text"},
		"no fields":                   {sign.Text{}, nil, "text"},
		"nothing left":                {sign.Text{Exclude: []string{"sign"}}, []F{{"a", ""}, {"sign", "x"}}, "text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.text.Append(nil, slices.Clone(c.fields))
			require.Nil(t, got)
			e := refusedAs(t, c.part, err)
			for _, f := range c.fields[:min(3, len(c.fields))] {
				if len(f.Value) > 1 {
					require.NotContains(t, e.Error(), f.Value)
				}
			}
		})
	}
	_, err := wire.FromMap(nil, map[string]string{"a": "1"})
	refusedAs(t, "text", err)
	_, err = sign.Text{}.Append(nil, many[:1024])
	require.NoError(t, err)
}

// Two messages can have one text: the reason for Strict, and for reading only the
// fields that were verified.
func TestText_IsNotUniqueUnlessStrict(t *testing.T) {
	t.Parallel()
	one, two := map[string]string{"memo": "x&order=2"}, map[string]string{"memo": "x", "order": "2"}
	a, err := sign.Text{}.FromMap(nil, one)
	require.NoError(t, err)
	b, err := sign.Text{}.FromMap(nil, two)
	require.NoError(t, err)
	require.Equal(t, a, b)
	_, err = sign.Text{Strict: true}.FromMap(nil, one)
	refusedAs(t, "text", err)
}

func TestText_DoesNotDependOnTheOrderGiven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(rapid.StringN(1, 8, -1), rapid.String()).Draw(t, "fields")
		var fields []sign.Field
		var want []string
		for name, value := range m {
			fields = append(fields, sign.Field{Name: name, Value: value})
			want = append(want, name)
		}
		slices.Sort(want)
		for i, name := range want {
			want[i] = name + "=" + m[name]
		}
		text := sign.Text{Empty: sign.KeepEmpty}
		a, errA := text.Append(nil, fields)
		b, errB := text.FromMap(nil, m)
		if len(m) == 0 {
			require.Error(t, errA)
			require.Error(t, errB)
			return
		}
		require.NoError(t, errA)
		require.NoError(t, errB)
		require.Equal(t, strings.Join(want, "&"), string(a))
		require.Equal(t, string(a), string(b))
	})
}

func TestText_Allocates(t *testing.T) { // not parallel: AllocsPerRun counts the process
	fields, m := refundFields(20), toMap(refundFields(20))
	for name, text := range map[string]sign.Text{
		"byte order": {Exclude: []string{"sign"}}, "wire order": {Order: sign.WireOrder}, "strict": {Strict: true},
	} {
		dst := make([]byte, 0, 4096)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if _, err := text.Append(dst, fields); err != nil {
				t.Error(err)
			}
		}), name)
	}
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = sign.Text{}.FromMap(nil, m) }), 2.0)
	big := toMap(refundFields(200))
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = sign.Text{}.FromMap(nil, big) }), 2.0)
}

// refundFields makes n fields in no order, the way a message has them.
func refundFields(n int) []sign.Field {
	fields := make([]sign.Field, n)
	for i := range fields {
		fields[i] = sign.Field{Name: fmt.Sprintf("field%03d", i*7%n), Value: fmt.Sprintf("value-%d", i)}
	}
	return fields
}

func toMap(fields []sign.Field) map[string]string {
	m := make(map[string]string, len(fields))
	for _, f := range fields {
		m[f.Name] = f.Value
	}
	return m
}
