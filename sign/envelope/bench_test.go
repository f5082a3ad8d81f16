package envelope_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/envelope"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm4"
	"github.com/stretchr/testify/require"
)

// Each benchmark stands beside its floor: the library called directly on the same
// ciphertext, of 1,024 bytes for symmetric keys and 19 (a card number) for others.

func BenchmarkAESGCMOpen_Floor(b *testing.B) { floorGCM(b, stdGCM(b, []byte(apiV3Key))) }

func BenchmarkAESGCMOpen(b *testing.B) { benchmarkGCM(b, aeadOf(b, "aes", []byte(apiV3Key))) }

func BenchmarkSM4GCMOpen_Floor(b *testing.B) {
	block, err := sm4.NewCipher([]byte(apiV3Key)[:16])
	require.NoError(b, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(b, err)
	floorGCM(b, gcm)
}

func BenchmarkSM4GCMOpen(b *testing.B) { benchmarkGCM(b, aeadOf(b, "sm4", []byte(apiV3Key)[:16])) }

func floorGCM(b *testing.B, gcm cipher.AEAD) {
	b.Helper()
	nonce := []byte("uluk4a9R25RW")
	sealed := gcm.Seal(nil, nonce, make([]byte, 1024), nonce)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gcm.Open(nil, nonce, sealed, nonce); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkGCM(b *testing.B, a *envelope.AEAD) {
	b.Helper()
	associated := []byte("transaction")
	nonce, sealed, err := a.Seal(associated, make([]byte, 1024))
	require.NoError(b, err)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Open(nonce, associated, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSM4CBCOpen_Floor(b *testing.B) {
	key, iv := []byte("0123456789abcdef"), []byte("N003261207000000")
	block, err := sm4.NewCipher(key)
	require.NoError(b, err)
	sealed := sealedBlocks(b, "sm4-cbc", key, iv)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		out := make([]byte, len(sealed))
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, sealed)
	}
}

func BenchmarkSM4CBCOpen(b *testing.B) {
	benchmarkBlocks(b, "sm4-cbc", []byte("0123456789abcdef"), []byte("N003261207000000"))
}

func BenchmarkAESECBOpen_Floor(b *testing.B) {
	block, err := aes.NewCipher([]byte(apiV3Key))
	require.NoError(b, err)
	sealed := sealedBlocks(b, "aes-ecb", []byte(apiV3Key), nil)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		out := make([]byte, len(sealed))
		for i := 0; i < len(out); i += 16 {
			block.Decrypt(out[i:], sealed[i:])
		}
	}
}

func BenchmarkAESECBOpen(b *testing.B) { benchmarkBlocks(b, "aes-ecb", []byte(apiV3Key), nil) }

func sealedBlocks(b *testing.B, kind string, key, iv []byte) []byte {
	b.Helper()
	seal, _ := blocks(b, kind, key, iv)
	sealed, err := seal(make([]byte, 1023))
	require.NoError(b, err)
	return sealed
}

func benchmarkBlocks(b *testing.B, kind string, key, iv []byte) {
	b.Helper()
	_, open := blocks(b, kind, key, iv)
	sealed := sealedBlocks(b, kind, key, iv)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open(sealed); err != nil {
			b.Fatal(err)
		}
	}
}

const cardNumber = "6222021234567890123"

func BenchmarkSM2Open_Floor(b *testing.B) {
	key, err := sm2.NewPrivateKey(unhex(b, annexPrivate))
	require.NoError(b, err)
	sealed, err := sm2.Encrypt(rand.Reader, &key.PublicKey, []byte(cardNumber), nil)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sm2.Decrypt(key, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSM2Open(b *testing.B) {
	benchmarkOpener(b, sm2Key(b, annexPrivate), envelope.SM2C1C3C2)
}

func BenchmarkSM2OpenASN1(b *testing.B) {
	benchmarkOpener(b, sm2Key(b, annexPrivate), envelope.SM2ASN1)
}

func BenchmarkSM2Seal_Floor(b *testing.B) {
	key, err := sm2.NewPrivateKey(unhex(b, annexPrivate))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sm2.Encrypt(rand.Reader, &key.PublicKey, []byte(cardNumber), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSM2Seal(b *testing.B) {
	sealer, _ := pair(b, sm2Key(b, annexPrivate), envelope.SM2C1C3C2)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sealer.Seal([]byte(cardNumber)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRSAOpen_Floor(b *testing.B) {
	text, err := rsaKey(b).PEM()
	require.NoError(b, err)
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(b, err)
	key, ok := parsed.(*rsa.PrivateKey)
	require.True(b, ok)
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, &key.PublicKey, []byte(cardNumber), nil)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rsa.DecryptOAEP(sha1.New(), nil, key, sealed, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRSAOpen(b *testing.B) { benchmarkOpener(b, rsaKey(b), envelope.LegacyRSAOAEPSHA1) }

func benchmarkOpener(b *testing.B, key *sign.PrivateKey, s envelope.Scheme) {
	b.Helper()
	sealer, opener := pair(b, key, s)
	sealed, err := sealer.Seal([]byte(cardNumber))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := opener.Open(sealed); err != nil {
			b.Fatal(err)
		}
	}
}
