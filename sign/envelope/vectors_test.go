package envelope_test

import (
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign/envelope"
	"github.com/stretchr/testify/require"
)

func aeadOf(t testing.TB, constructor string, key []byte) *envelope.AEAD {
	t.Helper()
	a, err := map[string]func([]byte) (*envelope.AEAD, error){
		"aes": envelope.NewAES256GCM, "sm4": envelope.NewSM4GCM,
		"wechat-aes": envelope.NewWeChatAES, "wechat-sm4": envelope.NewWeChatSM4,
	}[constructor](key)
	require.NoError(t, err)
	return a
}

func TestAEAD_OpensPublishedVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t, "aead.txt", 6) {
		a := aeadOf(t, v[0], unhex(t, v[1]))
		nonce, associated, want, ciphertext := unhex(t, v[2]), unhex(t, v[3]), unhex(t, v[4]), unhex(t, v[5])
		got, err := a.Open(nonce, associated, ciphertext)
		require.NoError(t, err, v)
		require.Equal(t, want, got)

		// Any one bit, anywhere, and it does not open.
		for _, part := range [][]byte{nonce, associated, ciphertext} {
			for i := range part {
				part[i] ^= 0x10
				got, err := a.Open(nonce, associated, ciphertext)
				notOpened(t, got, err, v[0], i)
				part[i] ^= 0x10
			}
		}
	}
}

func TestBlocks_PublishedVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t, "block.txt", 5) {
		key, iv, plaintext, want := unhex(t, v[1]), unhex(t, v[2]), unhex(t, v[3]), unhex(t, v[4])
		kind, prefix := strings.CutSuffix(v[0], "-prefix")
		seal, open := blocks(t, kind, key, iv)
		got, err := seal(plaintext)
		require.NoError(t, err)
		if prefix {
			require.Len(t, got, len(plaintext)+16, "whole blocks get one more")
			require.Equal(t, want, got[:len(plaintext)], v[0])
			want = got
		}
		require.Equal(t, want, got, v[0])
		opened, err := open(want)
		require.NoError(t, err, v[0])
		require.Equal(t, plaintext, opened)
	}
}

// blocks gives one face to the modes without a tag.
func blocks(t testing.TB, kind string, key, iv []byte) (seal, open func([]byte) ([]byte, error)) {
	t.Helper()
	if kind == "sm4-cbc" {
		c, err := envelope.NewSM4CBC(key)
		require.NoError(t, err)
		return func(b []byte) ([]byte, error) { return c.Seal(iv, b) }, func(b []byte) ([]byte, error) { return c.Open(iv, b) }
	}
	e, err := map[string]func([]byte) (*envelope.LegacyECB, error){
		"sm4-ecb": envelope.NewLegacySM4ECB, "aes-ecb": envelope.NewLegacyAES256ECB, "wechat-refund": envelope.NewLegacyWeChatRefund,
	}[kind](key)
	require.NoError(t, err)
	return e.Seal, e.Open
}

func TestOpener_PublishedVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t, "sm2.txt", 4) {
		key := sm2Key(t, v[1])
		ciphertext := unhex(t, v[3])
		for _, s := range []envelope.Scheme{envelope.SM2C1C3C2, envelope.SM2C1C2C3, envelope.SM2ASN1} {
			_, opener := pair(t, key, s)
			got, err := opener.Open(ciphertext)
			if string(s) != v[0] {
				notOpened(t, got, err, "a scheme reads its own form only")
				continue
			}
			require.NoError(t, err, v[0])
			require.Equal(t, unhex(t, v[2]), got)
		}
	}
}
