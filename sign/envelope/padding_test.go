package envelope_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign/envelope"
	"github.com/emmansun/gmsm/sm4"
	"github.com/stretchr/testify/require"
)

func stdGCM(t testing.TB, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	return gcm
}

// oracle is an opener of blocks beside a way to encrypt blocks with any padding.
type oracle struct {
	name    string
	encrypt func(padded []byte) []byte
	open    func([]byte) ([]byte, error)
}

func oracles(t testing.TB) []oracle {
	t.Helper()
	key, iv := []byte("0123456789abcdef"), []byte("N003261207000000")
	ecb := func(b cipher.Block) func([]byte) []byte {
		return func(padded []byte) []byte {
			out := make([]byte, len(padded))
			for i := 0; i < len(out); i += 16 {
				b.Encrypt(out[i:], padded[i:])
			}
			return out
		}
	}
	sm4Block, err := sm4.NewCipher(key)
	require.NoError(t, err)
	aesBlock, err := aes.NewCipher(append(key, key...))
	require.NoError(t, err)
	_, cbcOpen := blocks(t, "sm4-cbc", key, iv)
	_, sm4Open := blocks(t, "sm4-ecb", key, nil)
	_, aesOpen := blocks(t, "aes-ecb", append(key, key...), nil)
	return []oracle{
		{"SM4-CBC", func(padded []byte) []byte {
			out := make([]byte, len(padded))
			cipher.NewCBCEncrypter(sm4Block, iv).CryptBlocks(out, padded)
			return out
		}, cbcOpen},
		{"SM4-ECB", ecb(sm4Block), sm4Open},
		{"AES-ECB", ecb(aesBlock), aesOpen},
	}
}

// Every padding there is, right and wrong, behind one block and alone.
func TestBlocks_PaddingIsAllOrNothing(t *testing.T) {
	t.Parallel()
	for _, o := range oracles(t) {
		for before := 0; before <= 16; before += 16 {
			for last := range 256 {
				padded := bytes.Repeat([]byte{'x'}, before+16)
				for i := range min(last, 16) {
					padded[len(padded)-1-i] = byte(last)
				}
				padded[len(padded)-1] = byte(last)
				got, err := o.open(o.encrypt(padded))
				if last == 0 || last > 16 || last == len(padded) {
					notOpened(t, got, err, o.name, before, last) // an empty text neither
					continue
				}
				require.NoError(t, err, "%s %d %d", o.name, before, last)
				require.Equal(t, strings.Repeat("x", before+16-last), string(got))
				for i := range last {
					at := len(padded) - 1 - i
					padded[at] ^= 0x80
					got, err := o.open(o.encrypt(padded))
					notOpened(t, got, err, o.name, before, last, i)
					padded[at] ^= 0x80
				}
			}
		}
	}
}

func TestBlocks_RefuseLengths(t *testing.T) {
	t.Parallel()
	for _, o := range oracles(t) {
		for _, n := range []int{0, 1, 15, 17, 31, 33, envelope.MaxInput - 1, envelope.MaxInput + 1} {
			got, err := o.open(make([]byte, n))
			notOpened(t, got, err, o.name, n)
		}
		padded := bytes.Repeat([]byte{1}, envelope.MaxInput)
		got, err := o.open(o.encrypt(padded))
		require.NoError(t, err)
		require.Len(t, got, envelope.MaxInput-1)
		got, err = o.open(o.encrypt(append(padded, padded[:16]...)))
		notOpened(t, got, err, o.name, "right, but above the limit")
	}
}

func TestBlocks_OpenWhatTheySealed(t *testing.T) {
	t.Parallel()
	key, iv := []byte("0123456789abcdef"), []byte("N003261207000000")
	for _, kind := range []string{"sm4-cbc", "sm4-ecb"} {
		seal, open := blocks(t, kind, key, iv)
		for n := 1; n <= 65; n++ {
			plaintext := bytes.Repeat([]byte{byte(n)}, n)
			sealed, err := seal(plaintext)
			require.NoError(t, err)
			require.Len(t, sealed, n/16*16+16)
			got, err := open(sealed)
			require.NoError(t, err)
			require.Equal(t, plaintext, got)
			require.Equal(t, bytes.Repeat([]byte{byte(n)}, n), plaintext, "the caller's plaintext was written to")
		}
		most := bytes.Repeat([]byte{'x'}, envelope.MaxInput-256)
		sealed, err := seal(most)
		require.NoError(t, err)
		got, err := open(sealed)
		require.NoError(t, err)
		require.True(t, bytes.Equal(most, got))
		_, err = seal(nil)
		notSealed(t, err, "the plaintext is empty")
		_, err = seal(append(most, 'x'))
		notSealed(t, err, "the plaintext is 1048321 bytes, want at most 1048320")
	}
}

func TestCBC_Vector(t *testing.T) {
	t.Parallel()
	c, err := envelope.NewSM4CBC([]byte("0123456789abcdef"))
	require.NoError(t, err)
	for _, n := range []int{0, 12, 15, 17, 32} {
		_, err := c.Seal(make([]byte, n), []byte("x"))
		require.ErrorIs(t, err, envelope.ErrSeal)
		got, err := c.Open(make([]byte, n), make([]byte, 16))
		notOpened(t, got, err, n)
	}
	iv, err := envelope.CMBVector("N002432864")
	require.NoError(t, err)
	require.Equal(t, "N002432864000000", string(iv))
	for _, id := range []string{"", "N00243286", "N0024328640", "N002432864000000", "N00243286\n", "N00243286 ", "N0024商4"} {
		_, err := envelope.CMBVector(id)
		keyRefused(t, err, "not 10 printable ASCII characters")
	}
}
