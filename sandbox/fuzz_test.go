package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail/sandbox"
)

// What the reader accepts means the same to encoding/json.
func FuzzRequestBody(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` { "a" : "b" , "c" : -12 } `, `{"a":"\u9000\ud83d\ude00\n\/"}`, `{"a":"x","a":"y"}`, `{"a":0}`, `{"a":-0}`,
		`{"a":1.0}`, `{"a":1e3}`, `{"a":null}`, `{"a":[1]}`, `{"a":{"b":1}}`, `{"a":"\ud83d"}`, `{"a":"` + "\xff" + `"}`,
		`{"a":true}`, `{"a":01}`, `{"a":"b"}x`, `{"a":"b",}`, `["a"]`, "\xef\xbb\xbf{}", `{"":"a"}`, `{"a&b":"c"}`, `{"a":"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := sandbox.ParseObject(body)
		if err != nil {
			return
		}
		want := map[string]any{}
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&want), "%q", body)
		_, err = dec.Token()
		require.ErrorIs(t, err, io.EOF)
		require.Len(t, got, 2*len(want))
		for i := 0; i < len(got); i += 2 {
			switch v := want[got[i]].(type) {
			case string:
				require.Equal(t, v, got[i+1])
			case json.Number:
				require.Equal(t, v.String(), got[i+1])
			default:
				t.Fatalf("%q: accepted a %T", body, v)
			}
		}
	})
}

func TestReaderRefuses(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `null`, `[]`, `"a"`, `{`, `{"a"}`, `{"a":}`, `{"a":"b"`, `{"a":"b",}`, `{"a":"b"}{}`, `{a:"b"}`, `{'a':'b'}`,
		`{"a":"x","a":"y"}`, `{"a":"x","\u0061":"y"}`, `{"a":-0}`, `{"a":00}`, `{"a":+1}`, `{"a":1.0}`, `{"a":1e3}`, `{"a":-}`,
		`{"a":null}`, `{"a":true}`, `{"a":[]}`, `{"a":{}}`, `{"a":"\ud83d"}`, `{"a":"\ud83dx"}`, `{"a":"\ude00\ud83d"}`,
		`{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12zz"}`, "{\"a\":\"\n\"}", "{\"a\":\"\xff\"}", "\xef\xbb\xbf{}", `{"":"a"}`, `{"a=b":"c"}`,
	} {
		_, err := sandbox.ParseObject([]byte(body))
		require.Error(t, err, "%q", body)
	}
	got, err := sandbox.ParseObject([]byte(" {\"b\" : \"\\u9000\\uD83D\\uDE00\\t\" ,\r\n\t\"a\":-12,\"c\":0,\"d\":\"\"}\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"b", "退😀\t", "a", "-12", "c", "0", "d", ""}, got)
}
