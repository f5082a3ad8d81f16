package sign_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func TestText_Dialects(t *testing.T) { // not parallel: AllocsPerRun counts the process
	fields := []pair{{"b", "2"}, {"a", "1"}, {"e", ""}}
	list := []string{"b", "e", "a", "gone"}
	for name, c := range map[string]struct {
		text sign.Text
		want string
	}{
		"list, empties left out":           {sign.Text{Order: sign.ListOrder, List: list}, "b=2&a=1"},
		"list, empties kept":               {sign.Text{Order: sign.ListOrder, List: list, Empty: sign.KeepEmpty}, "b=2&e=&a=1&gone="},
		"list with an exclusion":           {sign.Text{Order: sign.ListOrder, List: list, Exclude: []string{"b"}}, "a=1"},
		"values":                           {sign.Text{ValuesOnly: true}, "1&2"},
		"values, empties kept":             {sign.Text{Order: sign.ListOrder, List: []string{"e", "a", "e2"}, ValuesOnly: true, Empty: sign.KeepEmpty}, "&1&"},
		"nothing between":                  {sign.Text{Pair: sign.NoSeparator, Assign: sign.NoSeparator}, "a1b2"},
		"nothing between values":           {sign.Text{Pair: sign.NoSeparator, ValuesOnly: true}, "12"},
		"a separator at the end":           {sign.Text{Pair: "\n", Trailing: true}, "a=1\nb=2\n"},
		"secret before and behind":         {sign.Text{Prefix: sign.Affix{Secret: sign.SecretRaw, After: "|"}, Suffix: sign.Affix{Before: "&key=", Secret: sign.SecretRaw}}, "K|a=1&b=2&key=K"},
		"hashed secret":                    {sign.Text{Suffix: sign.Affix{Before: "&", Secret: sign.SecretMD5Hex}}, "a=1&b=2&a5f3c6a11b03839d46af9fb43c97c188"},
		"secret in the list":               {sign.Text{Order: sign.ListOrder, List: []string{"a", sign.SecretPlace, "b"}}, "a=1&K&b=2"},
		"secret in the list under a name":  {sign.Text{Order: sign.ListOrder, List: []string{"a", sign.SecretPlace + "key"}}, "a=1&key=K"},
		"secret in the list, values only":  {sign.Text{Order: sign.ListOrder, List: []string{"a", sign.SecretPlace + "key"}, ValuesOnly: true}, "1&K"},
		"access token":                     {sign.Text{Suffix: sign.Affix{Before: "&access_token=", Secret: sign.SecretRaw}}, "a=1&b=2&access_token=K"},
		"strict values with an equal sign": {sign.Text{ValuesOnly: true, Strict: true}, "1&2"},
	} {
		got, err := c.text.AppendSecret([]byte("kept "), append([]pair(nil), fields...), []byte("K"))
		require.NoError(t, err, name)
		require.Equal(t, "kept "+c.want, string(got), name)
	}
	for name, text := range map[string]sign.Text{
		"a list without its order":   {List: list},
		"its order without a list":   {Order: sign.ListOrder},
		"an order nobody knows":      {Order: 9},
		"an empty rule nobody knows": {Empty: 9},
		"an escape nobody knows":     {Escape: 9},
		"a secret form nobody knows": {Suffix: sign.Affix{Secret: 9}},
		"a secret alone":             {Order: sign.ListOrder, List: []string{sign.SecretPlace}},
		"only empty values":          {Order: sign.ListOrder, List: []string{"e"}, ValuesOnly: true, Empty: sign.KeepEmpty},
		"a missing field":            {Order: sign.ListOrder, List: []string{"a", "gone"}, Empty: sign.RejectEmpty},
		"strict without a separator": {Strict: true, Pair: sign.NoSeparator},
		"strict without an equal":    {Strict: true, Assign: sign.NoSeparator},
	} {
		_, err := text.AppendSecret(nil, append([]pair(nil), fields...), []byte("K"))
		refusedAs(t, "text", err)
		_ = name
	}
	_, err := sign.Text{ValuesOnly: true, Strict: true}.Append(nil, []pair{{"a&b", "1"}})
	require.NoError(t, err, "names that are not written separate nothing")
	long := []pair{{"a", strings.Repeat("%", 3000)}}
	require.LessOrEqual(t, testing.AllocsPerRun(10, func() {
		_, _ = sign.Text{Escape: sign.EscapeQuery}.Append(nil, long)
	}), 1.0, "what escapes take is counted")
	// A field cannot name itself into the place of the secret.
	got, err := sign.Text{}.Append(nil, []pair{{sign.SecretPlace, "x"}})
	require.NoError(t, err)
	require.Equal(t, sign.SecretPlace+"=x", string(got))
	_, err = sign.Text{Suffix: sign.Affix{Secret: sign.SecretRaw}}.Append(nil, fields)
	refusedAs(t, "text", err)
}

func TestPreDigest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p    sign.PreDigest
		want string
	}{
		{sign.PreDigest{}, "abc"},
		{sign.PreDigest{Hash: sign.HashMD5, Form: sign.DigestHex}, "900150983cd24fb0d6963f7d28e17f72"},
		{sign.PreDigest{Hash: sign.HashMD5, Form: sign.DigestHexUpper}, "900150983CD24FB0D6963F7D28E17F72"},
		{sign.PreDigest{Hash: sign.HashSHA256}, string(unhex(t, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))},
		{sign.PreDigest{Hash: sign.HashSM3, Form: sign.DigestHex}, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"},
	} {
		got, err := c.p.Append([]byte("kept"), []byte("abc"))
		require.NoError(t, err)
		require.Equal(t, "kept"+c.want, string(got))
	}
	for _, p := range []sign.PreDigest{{Form: sign.DigestHex}, {Hash: "CRC"}, {Hash: sign.HashMD5, Form: 9}} {
		_, err := p.Append(nil, nil)
		refusedAs(t, "text", err)
	}
}

func TestRaw_Refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw  sign.Raw
		body string
		part string
	}{
		"no body":               {sign.Raw{}, "", "body"},
		"too long":              {sign.Raw{}, strings.Repeat("x", 1<<20+1), "body"},
		"no such member":        {sign.Raw{Member: "a"}, `{"b":1}`, "body"},
		"no JSON":               {sign.Raw{Member: "a"}, `a=1`, "body"},
		"no JSON to sort":       {sign.Raw{Sorted: true}, `a=1`, "body"},
		"JSON and more":         {sign.Raw{Sorted: true}, `{}{}`, "body"},
		"no place to put it":    {sign.Raw{Sorted: true, Replace: "a.b", Placeholder: "1"}, `{"a":{"c":1}}`, "body"},
		"a place in no object":  {sign.Raw{Sorted: true, Replace: "a.b", Placeholder: "1"}, `{"a":[1]}`, "body"},
		"a place in wire order": {sign.Raw{Replace: "a"}, `{"a":1}`, "text"},
		"no secret":             {sign.Raw{Suffix: sign.Affix{Secret: sign.SecretRaw}}, `x`, "text"},
		"a secret of no form":   {sign.Raw{Prefix: sign.Affix{Secret: 9}}, `x`, "text"},
	} {
		_, err := c.raw.Append(nil, sign.Input{Body: []byte(c.body)})
		refusedAs(t, c.part, err)
		_ = name
	}
	_, err := sign.Lines{}.Append(nil, sign.Input{})
	refusedAs(t, "text", err)
	_, err = sign.Lines{Parts: []sign.Line{"other"}}.Append(nil, sign.Input{})
	refusedAs(t, "text", err)
	_, err = sign.Profile{}.Append(nil, sign.Input{})
	refusedAs(t, "text", err)
	_, err = sign.Profile{Fields: &sign.Text{}, Raw: &sign.Raw{}}.Append(nil, sign.Input{})
	refusedAs(t, "text", err)
}

// What a stranger can send costs milliseconds. The limits are far above what the
// work takes and far below what it would take without the bounds.
func TestHostileBodiesAreCheap(t *testing.T) {
	t.Parallel()
	var members strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&members, `,{"a%d":{}}`, i)
	}
	deep := strings.Repeat(`{"a":`, 29) + "[" + members.String()[1:2000*10] + "1" + strings.Repeat("}", 0)
	for name, body := range map[string]string{
		"deep arrays":   strings.Repeat("[", 1<<20),
		"deep objects":  strings.Repeat(`{"a":`, 1<<17),
		"deep in one":   `{"a":` + strings.Repeat("[", 1<<19) + strings.Repeat("]", 1<<19) + "}",
		"many objects":  `{"a":[` + strings.Repeat(`{},`, 1<<18) + `{}]}`,
		"many numbers":  `{"a":[` + strings.Repeat(`1,`, 1<<18) + `1]}`,
		"deep and wide": deep,
	} {
		start := time.Now()
		_, err := sign.JSONRule{Nested: sign.SortedNested}.Fields(nil, []byte(body))
		require.Error(t, err, name)
		_, err = sign.Raw{Sorted: true}.Append(nil, sign.Input{Body: []byte(body)})
		require.Error(t, err, name)
		require.Less(t, time.Since(start), 2*time.Second, name)
	}
	// The dearest body that is accepted: everything at the bottom, sorted at each level.
	dear := strings.Repeat(`{"a":`, 29) + "[" + strings.Repeat(`{"b":1},`, 1900) + "1]" + strings.Repeat("}", 29)
	start := time.Now()
	_, err := sign.Raw{Sorted: true}.Append(nil, sign.Input{Body: []byte(dear)})
	require.NoError(t, err)
	require.Less(t, time.Since(start), 2*time.Second)
}

// The user's number comes from the bank, and its length is not the SDK's to assume.
func TestCMBDirectID(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]string{"U003254621": "U003254621000000", "": "0000000000000000", "12345678901234567": "1234567890123456"} {
		require.Equal(t, want, sign.CMBDirectID(user))
	}
	require.Equal(t, loadVector(t, "cmb-direct").SM2ID, sign.CMBDirectID("U003254621"))
}
