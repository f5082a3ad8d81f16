package sign_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func TestJSONFields_Reads(t *testing.T) {
	t.Parallel()
	type F = sign.Field
	for name, c := range map[string]struct {
		body string
		want []F
	}{
		"no members":                {`{}`, nil},
		"white space everywhere":    {" \t\r\n{ \"a\" : \"1\" , \"b\" : 2 } \n", []F{{"a", "1"}, {"b", "2"}}},
		"wire order":                {`{"b":"1","a":"2"}`, []F{{"b", "1"}, {"a", "2"}}},
		"empty string":              {`{"a":""}`, []F{{"a", ""}}},
		"integers as text":          {`{"a":0,"b":-1,"c":9007199254740993,"d":123456789012345678901234567890}`, []F{{"a", "0"}, {"b", "-1"}, {"c", "9007199254740993"}, {"d", "123456789012345678901234567890"}}},
		"escapes":                   {`{"a":"\"\\\/\b\f\n\r\t\u0041\u5546"}`, []F{{"a", "\"\\/\b\f\n\r\tA商"}}},
		"escape in a name":          {`{"\u0061mount":"1"}`, []F{{"amount", "1"}}},
		"surrogate pair":            {`{"a":"x\uD83d\uDe00y"}`, []F{{"a", "x😀y"}}},
		"raw UTF-8":                 {`{"商户":"缺货 😀"}`, []F{{"商户", "缺货 😀"}}},
		"replacement char by right": {"{\"a\":\"\ufffd\",\"b\":\"\\ufffd\"}", []F{{"a", "\ufffd"}, {"b", "\ufffd"}}},
		"separators in a value":     {`{"a":"x&b=1"}`, []F{{"a", "x&b=1"}}},
		"JSON inside a string":      {`{"a":"{\"b\":[1]}"}`, []F{{"a", `{"b":[1]}`}}},
		"names that start alike":    {`{"a":1,"a1":2,"a_":3}`, []F{{"a", "1"}, {"a1", "2"}, {"a_", "3"}}},
		"DEL and U+2028":            {"{\"a\":\"\x7f\u2028\"}", []F{{"a", "\x7f\u2028"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := []F{{"kept", "1"}}
			got, err := sign.JSONFields(first, []byte(c.body))
			require.NoError(t, err)
			require.Equal(t, append(first, c.want...), got)
		})
	}
}

func TestJSONFields_Refuses(t *testing.T) {
	t.Parallel()
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"m%d":1`, i)
		}
		return "{" + b.String()[1:] + "}"
	}
	const (
		notFlat = "value is neither a string nor an integer"
		notInt  = "number is not a plain integer"
		twice   = "member is there twice"
		control = "control character in a string"
		lone    = "lone surrogate"
	)
	for name, c := range map[string]struct{ body, where, problem string }{
		"nothing":                     {"", "byte 0", "want an object"},
		"an array":                    {`["a"]`, "byte 0", "want an object"},
		"a string":                    {`"a"`, "byte 0", "want an object"},
		"a byte order mark":           {"\xef\xbb\xbf{}", "byte 0", "want an object"},
		"a NUL before":                {"\x00{}", "byte 0", "want an object"},
		"a NUL behind":                {"{}\x00", "byte 2", "data after the object"},
		"a second object":             {"{} {}", "byte 3", "data after the object"},
		"a comma behind":              {`{"a":1},`, "byte 7", "data after the object"},
		"a comma before the end":      {`{"a":1,}`, "byte 7", "want a member name"},
		"a comma alone":               {`{,}`, "byte 1", "want a member name"},
		"no comma":                    {`{"a":1 "b":2}`, "byte 7", "want a comma or the end of the object"},
		"no colon":                    {`{"a" 1}`, "byte 5", "want a colon"},
		"no end":                      {`{"a":1`, "byte 6", "want a comma or the end of the object"},
		"no end of a string":          {`{"a":"1`, "byte 7", "string does not end"},
		"no end of an escape":         {`{"a":"\`, "byte 6", "string does not end"},
		"a name without quotes":       {`{a:1}`, "byte 1", "want a member name"},
		"single quotes":               {`{'a':1}`, "byte 1", "want a member name"},
		"a comment":                   {`{/**/"a":1}`, "byte 1", "want a member name"},
		"other white space":           {"{\v\"a\":1}", "byte 1", "want a member name"},
		"true":                        {`{"a":true}`, `"a"`, notFlat},
		"false":                       {`{"a":false}`, `"a"`, notFlat},
		"null":                        {`{"a":null}`, `"a"`, notFlat},
		"an array inside":             {`{"a":[]}`, `"a"`, notFlat},
		"an object inside":            {`{"a":{}}`, `"a"`, notFlat},
		"no value":                    {`{"a":}`, `"a"`, notFlat},
		"NaN":                         {`{"a":NaN}`, `"a"`, notFlat},
		"a plus sign":                 {`{"a":+1}`, `"a"`, notFlat},
		"a fraction":                  {`{"a":1.0}`, `"a"`, notInt},
		"an exponent":                 {`{"a":1e2}`, `"a"`, notInt},
		"an exponent in capitals":     {`{"a":1E2}`, `"a"`, notInt},
		"a leading zero":              {`{"a":01}`, `"a"`, notInt},
		"minus zero":                  {`{"a":-0}`, `"a"`, notInt},
		"a minus alone":               {`{"a":-}`, `"a"`, notInt},
		"a minus at the end":          {`{"a":-`, `"a"`, notInt},
		"hexadecimal":                 {`{"a":0x10}`, "byte 6", "want a comma or the end of the object"},
		"a name twice":                {`{"amount":1,"b":2,"amount":100}`, `"amount"`, twice},
		"a name twice, one escaped":   {`{"amount":1,"\u0061mount":100}`, `"amount"`, twice},
		"names that differ in case":   {`{"amount":"1","AMOUNT":"9999"}`, `"AMOUNT"`, `member differs only in case from "amount"`},
		"the Kelvin sign for k":       {"{\"key\":1,\"\u212aey\":2}", `"\u212aey"`, `member differs only in case from "key"`},
		"the long s for s":            {"{\"sign\":1,\"\u017fign\":2}", `"\u017fign"`, `member differs only in case from "sign"`},
		"Greek sigmas":                {"{\"ς\":1,\"Σ\":2}", `"\u03a3"`, `member differs only in case from "\u03c2"`},
		"an empty name":               {`{"":1}`, `""`, "empty member name"},
		"a name of 257 bytes":         {`{"` + strings.Repeat("a", 257) + `":1}`, `"` + strings.Repeat("a", 64) + `"…`, "member name is longer than 256 bytes"},
		"257 members":                 {members(257), `"m256"`, "more than 256 members"},
		"more than 1 MiB":             {`{"a":"` + strings.Repeat("x", 1<<20) + `"}`, "byte 1048576", "body is longer than 1 MiB"},
		"a raw line break":            {"{\"a\":\"\n\"}", "byte 6", control},
		"a raw NUL":                   {"{\"a\":\"\x00\"}", "byte 6", control},
		"an escaped NUL":              {`{"a":"\u0000"}`, "byte 6", "NUL in a string"},
		"an escaped NUL in a name":    {`{"a\u0000":"1"}`, "byte 3", "NUL in a string"},
		"an unknown escape":           {`{"a":"\x41"}`, "byte 6", "unknown escape"},
		"an escape too short":         {`{"a":"\u004"}`, "byte 6", "unknown escape"},
		"an escape with a sign":       {`{"a":"\u+041"}`, "byte 6", "unknown escape"},
		"a high surrogate":            {`{"a":"\ud83d"}`, "byte 6", lone},
		"a high surrogate twice":      {`{"a":"\ud83d\ud83d"}`, "byte 6", lone},
		"a high one, then a letter":   {`{"a":"\ud83dx\ude00"}`, "byte 6", lone},
		"a low surrogate":             {`{"a":"\ude00"}`, "byte 6", lone},
		"a surrogate in a name":       {`{"\ud83d":1}`, "byte 2", lone},
		"invalid UTF-8":               {"{\"a\":\"\xff\"}", "byte 6", "invalid UTF-8"},
		"UTF-8 cut":                   {"{\"a\":\"\xe5\x95\"}", "byte 6", "invalid UTF-8"},
		"overlong UTF-8":              {"{\"a\":\"\xc0\xaf\"}", "byte 6", "invalid UTF-8"},
		"a surrogate in UTF-8":        {"{\"a\":\"\xed\xa0\xbd\"}", "byte 6", "invalid UTF-8"},
		"GBK":                         {"{\"a\":\"\xc9\xcc\"}", "byte 6", "invalid UTF-8"},
		"invalid UTF-8 in a name":     {"{\"\xff\":1}", "byte 2", "invalid UTF-8"},
		"a hostile name in the error": {`{"a\nb\u001b[31m":null}`, `"a\nb\x1b[31m"`, notFlat},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := sign.JSONFields(nil, []byte(c.body))
			require.Nil(t, got)
			var e *sign.FormError
			require.ErrorAs(t, err, &e)
			require.Equal(t, sign.FormError{Where: c.where, Problem: c.problem}, *e)
			require.Equal(t, "sign: body: "+c.where+": "+c.problem, err.Error())
		})
	}
	_, err := sign.JSONFields(nil, []byte(members(256)))
	require.NoError(t, err)
	_, err = sign.JSONFields(nil, []byte(`{"`+strings.Repeat("a", 256)+`":"`+strings.Repeat("x", 1<<20-300)+`"}`))
	require.NoError(t, err)
}

func TestJSONFields_KeepsNothingOfTheBuffer(t *testing.T) {
	t.Parallel()
	body := []byte(`{"a":"1"}`)
	fields, err := sign.JSONFields(nil, body)
	require.NoError(t, err)
	clear(body)
	require.Equal(t, []sign.Field{{Name: "a", Value: "1"}}, fields)
}
