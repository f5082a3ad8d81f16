package sign_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bankrail/bankrail/sign"
	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"
)

// FuzzJSONFields compares with encoding/json both ways: what is accepted means the
// same there, and what is flat and unambiguous there is accepted.
func FuzzJSONFields(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":"1","b":2}`, `{"a":"\u5546\ud83d\ude00\n"}`, `{"a":-0}`, `{"a":1.0}`, `{"amount":"1","AMOUNT":"2"}`,
		`{"a":null}`, `{"a":[1]}`, `{"a":{"b":1}}`, "\xef\xbb\xbf{}", `{"a":1}{"a":2}`, "{\"a\":\"\xff\"}", `{"a":"\ud83d"}`,
		"{\"k\":1,\"\u212a\":2}", " {\t\"a\"\r:\n9007199254740993 } ", `{"a":"\u0000"}`, `{"":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := sign.JSONFields(nil, body)
		want, flat := reference(body)
		if err != nil {
			var form *sign.FormError
			require.ErrorAs(t, err, &form)
			require.False(t, flat, "refused %q: %v", body, err)
			return
		}
		require.Len(t, fields, len(want))
		for i, field := range fields {
			require.Equal(t, want[i], field)
		}
		// The usual ways to read a body see the same members.
		var m map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &m))
		require.Len(t, m, len(fields))
		for _, field := range fields {
			if raw := m[field.Name]; raw[0] == '"' {
				var s string
				require.NoError(t, json.Unmarshal(raw, &s))
				require.Equal(t, field.Value, s)
			} else {
				require.Equal(t, field.Value, string(raw))
			}
		}
	})
}

// reference reads a body with encoding/json's tokens. flat is whether the strict
// form has to accept it.
func reference(body []byte) (fields []sign.Field, flat bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		return nil, false
	}
	flat = utf8.Valid(body) && len(body) <= 1<<20
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		value, err := d.Token()
		if err != nil {
			return nil, false
		}
		field := sign.Field{Name: name.(string)}
		switch v := value.(type) {
		case string:
			field.Value = v
		case json.Number:
			field.Value = v.String()
			flat = flat && !strings.ContainsAny(field.Value, ".eE") && field.Value != "-0"
		default:
			return nil, false
		}
		for _, other := range fields {
			flat = flat && !strings.EqualFold(other.Name, field.Name)
		}
		flat = flat && field.Name != "" && len(field.Name) <= 256
		// A lone surrogate reads as U+FFFD there; NUL is ours alone to refuse.
		flat = flat && !strings.ContainsAny(field.Name+field.Value, "\ufffd\x00")
		fields = append(fields, field)
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return fields, flat && errors.Is(err, io.EOF) && len(fields) <= 256
}

func addKeys(f *testing.F) {
	rsaKey, sm2Key := generate(f, sign.RSASHA256), generate(f, sign.SM2SM3)
	for _, k := range []*sign.PrivateKey{rsaKey, sm2Key} {
		private, err := k.WithEnvironment("sandbox").PEM()
		require.NoError(f, err)
		public, err := k.Public().PEM()
		require.NoError(f, err)
		for _, text := range [][]byte{private, public} {
			f.Add(text)
			b, _ := pem.Decode(text)
			f.Add(b.Bytes)
		}
	}
	for _, name := range []string{"rsa.cert.pem", "sm2.cert.pem"} {
		text := testdata(f, name)
		f.Add(text)
		b, _ := pem.Decode(text)
		f.Add(b.Bytes)
	}
	f.Add(der(f, sec1Of(f, sm2Key)))
	f.Add(bytes.Repeat([]byte{0x30, 0x80}, 100))
}

// FuzzParsePrivateKey gives bytes as PEM and as the DER of every label. Accepted
// keys sign, and survive being written and read.
func FuzzParsePrivateKey(f *testing.F) {
	addKeys(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		texts := [][]byte{b}
		for _, label := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "SM2 PRIVATE KEY"} {
			texts = append(texts, block(label, b))
		}
		for _, text := range texts {
			key, err := sign.ParsePrivateKey(text)
			if err != nil {
				keyRefused(t, err)
				continue
			}
			written, err := key.PEM()
			require.NoError(t, err)
			again, err := sign.ParsePrivateKey(written)
			require.NoError(t, err)
			require.Equal(t, key.Public().String(), again.Public().String())
			signer, err := sign.NewSigner(key, sign.SignerConfig{Legacy1024: true})
			require.NoError(t, err)
			ring := newRing(t, sign.RingKey{Key: again.Public(), Legacy1024: true})
			require.NoError(t, ring.Verify(t.Context(), []byte("a=1"), signed(t, signer, "a=1"), ""))
		}
	})
}

// FuzzParsePublicKey gives bytes as PEM and as the DER of every label. Accepted
// keys survive being written and read, and verify nothing that is not a signature.
func FuzzParsePublicKey(f *testing.F) {
	addKeys(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, text := range [][]byte{b, block("PUBLIC KEY", b), block("CERTIFICATE", b)} {
			key, err := sign.ParsePublicKey(text)
			if err != nil {
				keyRefused(t, err)
				continue
			}
			written, err := key.PEM()
			require.NoError(t, err)
			again, err := sign.ParsePublicKey(written)
			require.NoError(t, err)
			require.Equal(t, key.String(), again.String())
			ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: "1", Key: key, Legacy1024: true})
			if err != nil {
				keyRefused(t, err) // a certificate's validity can be upside down
				continue
			}
			require.ErrorIs(t, ring.Verify(t.Context(), []byte("a=1"), b, "1"), sign.ErrSignature)
		}
	})
}

// FuzzVerifySM2 compares with the library underneath: what it accepts in the one
// strict encoding is accepted, everything else is refused.
func FuzzVerifySM2(f *testing.F) {
	private, err := sign.ParsePrivateKey(sm2Number(f, annexPrivate))
	require.NoError(f, err)
	raw, err := sm2.NewPublicKey(unhex(f, "04"+annexPublic))
	require.NoError(f, err)
	signature := unhex(f, annexSignature)
	f.Add([]byte(annexMessage), signature)
	f.Add([]byte(annexMessage), append(bytes.Clone(signature), 0))
	f.Add([]byte("a=1"), signed(f, newSigner(f, private, sign.SignerConfig{}), "a=1"))
	f.Add([]byte{}, unhex(f, "3006020101020101"))
	f.Add([]byte{}, unhex(f, "3026020101022100"+order[:62]+"22"))
	f.Fuzz(func(t *testing.T, message, signature []byte) {
		ring := newRing(t, sign.RingKey{Key: private.Public()})
		err := ring.Verify(t.Context(), message, signature, "")
		var rs struct{ R, S *big.Int }
		rest, parseErr := asn1.Unmarshal(signature, &rs)
		strict := parseErr == nil && len(rest) == 0 && bytes.Equal(der(t, rs), signature)
		require.Equal(t, strict && sm2.VerifyASN1WithSM2(raw, nil, message, signature), err == nil, "%v", err)
		if err != nil {
			refusedAs(t, "signature", err)
		}
	})
}
