package sign_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"
)

// Each benchmark stands beside its floor: the library called directly, on the same
// message of 512 bytes.

func BenchmarkSM2Sign_Floor(b *testing.B) {
	key, err := sm2.NewPrivateKey(unhex(b, annexPrivate))
	require.NoError(b, err)
	message := make([]byte, 512)
	for b.Loop() {
		_, err = key.Sign(rand.Reader, message, sm2.DefaultSM2SignerOpts)
	}
	require.NoError(b, err)
}

func BenchmarkSM2Sign(b *testing.B) { benchmarkSign(b, sm2Number(b, annexPrivate)) }

func BenchmarkSM2Verify_Floor(b *testing.B) {
	key, err := sm2.NewPrivateKey(unhex(b, annexPrivate))
	require.NoError(b, err)
	message := make([]byte, 512)
	signature, err := key.Sign(rand.Reader, message, sm2.DefaultSM2SignerOpts)
	require.NoError(b, err)
	for b.Loop() {
		if !sm2.VerifyASN1WithSM2(&key.PublicKey, nil, message, signature) {
			b.Fatal("refused")
		}
	}
}

func BenchmarkSM2Verify(b *testing.B) { benchmarkVerify(b, sm2Number(b, annexPrivate)) }

func BenchmarkRSASign_Floor(b *testing.B) {
	key := rsaOf(b, generate(b, sign.RSASHA256))
	message := make([]byte, 512)
	var err error
	for b.Loop() {
		sum := sha256.Sum256(message)
		_, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	}
	require.NoError(b, err)
}

func BenchmarkRSASign(b *testing.B) { benchmarkSign(b, rsaPEM(b)) }

func BenchmarkRSAVerify_Floor(b *testing.B) {
	key := rsaOf(b, generate(b, sign.RSASHA256))
	message := make([]byte, 512)
	sum := sha256.Sum256(message)
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	require.NoError(b, err)
	for b.Loop() {
		sum := sha256.Sum256(message)
		if rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkRSAVerify(b *testing.B) { benchmarkVerify(b, rsaPEM(b)) }

// A callback with junk for a signature has to cost next to nothing.
func BenchmarkSM2Verify_Junk(b *testing.B) {
	key, err := sign.ParsePrivateKey(sm2Number(b, annexPrivate))
	require.NoError(b, err)
	ring, message, junk := newRing(b, sign.RingKey{ID: "1", Key: key.Public()}), make([]byte, 512), make([]byte, 71)
	for b.Loop() {
		if ring.Verify(b.Context(), message, junk, "1") == nil {
			b.Fatal("accepted")
		}
	}
}

func BenchmarkTextAppend20(b *testing.B) {
	fields, dst := refundFields(20), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = sign.Text{}.Append(dst, fields)
	}
}

func BenchmarkTextFromMap20(b *testing.B) {
	m := toMap(refundFields(20))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = sign.Text{}.FromMap(nil, m)
	}
}

func BenchmarkJSONFields20_Floor(b *testing.B) {
	body, err := json.Marshal(toMap(refundFields(20)))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		var m map[string]string
		_ = json.Unmarshal(body, &m)
	}
}

func BenchmarkJSONFields20(b *testing.B) {
	body, err := json.Marshal(toMap(refundFields(20)))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = sign.JSONFields(nil, body)
	}
}

// The dearest names a body can have: 256 of 256 bytes that differ at their ends
// only, which a pairwise comparison would walk 8 MB for.
func BenchmarkJSONFields_NamesThatStartAlike(b *testing.B) {
	var body strings.Builder
	for i := range 256 {
		fmt.Fprintf(&body, `,"%s%03d":1`, strings.Repeat("a", 253), i)
	}
	text := []byte("{" + body.String()[1:] + "}")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := sign.JSONFields(nil, text); err != nil {
			b.Fatal(err)
		}
	}
}

func rsaPEM(b *testing.B) []byte {
	text, err := generate(b, sign.RSASHA256).PEM()
	require.NoError(b, err)
	return text
}

func benchmarkSign(b *testing.B, text []byte) {
	key, err := sign.ParsePrivateKey(text)
	require.NoError(b, err)
	signer, message := newSigner(b, key, sign.SignerConfig{}), make([]byte, 512)
	for b.Loop() {
		_, err = signer.Sign(b.Context(), message)
	}
	require.NoError(b, err)
}

func benchmarkVerify(b *testing.B, text []byte) {
	key, err := sign.ParsePrivateKey(text)
	require.NoError(b, err)
	message := make([]byte, 512)
	signature := signed(b, newSigner(b, key, sign.SignerConfig{}), string(message))
	ring := newRing(b, sign.RingKey{ID: "1", Key: key.Public()})
	for b.Loop() {
		err = ring.Verify(b.Context(), message, signature, "1")
	}
	require.NoError(b, err)
}

// What a lookup takes that takes no lock: the snapshot, the map and the clock. The
// floor is the map alone.
func BenchmarkKeyRingLookup(b *testing.B) {
	ring, ids := ringOf(b, 16)
	message := []byte("a=1")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if part := sign.FindKey(ring, ids[i%len(ids)]); part != "" {
				b.Error(part, message)
			}
		}
	})
}

func BenchmarkKeyRingLookup_Floor(b *testing.B) {
	_, ids := ringOf(b, 16)
	m := map[string]*sign.PublicKey{}
	for _, id := range ids {
		m[id] = &sign.PublicKey{}
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if m[ids[i%len(ids)]] == nil || time.Now().IsZero() {
				b.Error("missing")
			}
		}
	})
}

func ringOf(b *testing.B, n int) (*sign.KeyRing, []string) {
	b.Helper()
	var keys []sign.RingKey
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("2026-%02d", i))
		keys = append(keys, sign.RingKey{ID: ids[i], Key: generate(b, sign.SM2SM3).Public()})
	}
	return newRing(b, keys...), ids
}

func BenchmarkMACSign_Floor(b *testing.B) {
	secret, message := []byte("twenty-characters-xx"), make([]byte, 512)
	b.ReportAllocs()
	for b.Loop() {
		h := hmac.New(sha256.New, secret)
		h.Write(message)
		h.Sum(nil)
	}
}

func BenchmarkMACSign(b *testing.B) {
	m, message := newMAC(b, sign.HMACSHA256, "twenty-characters-xx"), make([]byte, 512)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = m.Sign(b.Context(), message)
	}
}
