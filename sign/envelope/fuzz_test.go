package envelope_test

import (
	"bytes"
	"testing"

	"github.com/bankrail/bankrail/sign/envelope"
	"github.com/stretchr/testify/require"
)

func FuzzAEADOpenResource(f *testing.F) {
	for _, v := range vectors(f, "aead.txt", 6) {
		f.Add(v[0], string(unhex(f, v[2])), string(unhex(f, v[3])), envelope.EncodeBase64(unhex(f, v[5])))
	}
	boxes := []*envelope.AEAD{aeadOf(f, "wechat-aes", []byte(apiV3Key)), aeadOf(f, "wechat-sm4", []byte(apiV3Key))}
	f.Fuzz(func(t *testing.T, algorithm, nonce, associated, ciphertext string) {
		for _, a := range boxes {
			for _, name := range []string{algorithm, a.Algorithm()} {
				got, err := a.OpenResource(envelope.Resource{Algorithm: name, Nonce: nonce, AssociatedData: associated, Ciphertext: ciphertext})
				if err != nil {
					notOpened(t, got, err)
					continue
				}
				require.NotEmpty(t, got)
				require.Len(t, nonce, 12)
				require.Equal(t, a.Algorithm(), name)
			}
		}
	})
}

// What opens has the one padding that sealing would give it.
func FuzzBlocksOpen(f *testing.F) {
	for _, v := range vectors(f, "block.txt", 5) {
		f.Add(unhex(f, v[2]), unhex(f, v[4]))
	}
	key := []byte("0123456789abcdef")
	cbc, err := envelope.NewSM4CBC(key)
	require.NoError(f, err)
	sm4, err := envelope.NewLegacySM4ECB(key)
	require.NoError(f, err)
	aes, err := envelope.NewLegacyAES256ECB(append(key, key...))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, iv, ciphertext []byte) {
		before := bytes.Clone(ciphertext)
		got, err := cbc.Open(iv, ciphertext)
		sameAgain(t, ciphertext, got, err, func(b []byte) ([]byte, error) { return cbc.Seal(iv, b) })
		for _, e := range []*envelope.LegacyECB{sm4, aes} {
			got, err := e.Open(ciphertext)
			sameAgain(t, ciphertext, got, err, e.Seal)
		}
		require.Equal(t, before, ciphertext, "the caller's bytes were written to")
	})
}

func sameAgain(t *testing.T, ciphertext, got []byte, err error, seal func([]byte) ([]byte, error)) {
	t.Helper()
	if err != nil {
		notOpened(t, got, err)
		return
	}
	again, err := seal(got)
	require.NoError(t, err)
	require.Equal(t, ciphertext, again)
}

func FuzzOpenerOpen(f *testing.F) {
	for _, v := range vectors(f, "sm2.txt", 4) {
		f.Add(unhex(f, v[3]))
	}
	for _, point := range hostilePoints(f) {
		f.Add(append(point, make([]byte, 40)...))
	}
	var openers []*envelope.Opener
	var sealers []*envelope.Sealer
	rsa := rsaKey(f)
	for _, s := range schemes {
		key := rsa
		if s[0] == 'S' {
			key = sm2Key(f, annexPrivate)
		}
		sealer, opener := pair(f, key, s)
		openers, sealers = append(openers, opener), append(sealers, sealer)
		sealed, err := sealer.Seal([]byte("6222021234567890123"))
		require.NoError(f, err)
		f.Add(sealed)
	}
	f.Fuzz(func(t *testing.T, ciphertext []byte) {
		before := bytes.Clone(ciphertext)
		for i, o := range openers {
			got, err := o.Open(ciphertext)
			if err != nil {
				notOpened(t, got, err)
				continue
			}
			require.NotEmpty(t, got)
			again, err := sealers[i].Seal(got)
			require.NoError(t, err)
			require.NotEqual(t, ciphertext, again)
		}
		require.Equal(t, before, ciphertext, "the caller's bytes were written to")
	})
}

func FuzzDecodeBase64(f *testing.F) {
	f.Add("ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=")
	f.Add("AA==\n")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := envelope.DecodeBase64(s)
		if err != nil {
			notOpened(t, b, err)
			return
		}
		require.Equal(t, s, envelope.EncodeBase64(b), "one ciphertext has one text")
	})
}
