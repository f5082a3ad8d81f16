package envelope_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign/envelope"
	"github.com/stretchr/testify/require"
)

const apiV3Key = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"

func TestAEAD_OpensWhatItSealed(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"wechat-aes", "wechat-sm4"} {
		a := aeadOf(t, kind, []byte(apiV3Key))
		other := aeadOf(t, kind, []byte(strings.ToUpper(apiV3Key)))
		seen := map[string]bool{}
		for _, plaintext := range []string{"x", "支付成功", strings.Repeat("a", envelope.MaxInput-256)} {
			for _, associated := range []string{"", "transaction"} {
				r, err := a.SealResource(associated, []byte(plaintext))
				require.NoError(t, err)
				require.Regexp(t, `^[A-Za-z0-9_-]{12}$`, r.Nonce)
				require.False(t, seen[r.Nonce], "a nonce came twice")
				seen[r.Nonce] = true
				got, err := a.OpenResource(r)
				require.NoError(t, err)
				require.True(t, plaintext == string(got))
				got, err = other.OpenResource(r)
				notOpened(t, got, err, "under another key")
			}
		}
	}
}

func TestAEAD_ResourceFromTheWire(t *testing.T) {
	t.Parallel()
	const wire = `{"algorithm":"AEAD_AES_256_GCM","ciphertext":"ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI=","associated_data":"associatedData","nonce":"uluk4a9R25RW","original_type":"transaction"}`
	aes := aeadOf(t, "wechat-aes", []byte(apiV3Key))
	var r envelope.Resource
	require.NoError(t, json.Unmarshal([]byte(wire), &r))
	got, err := aes.OpenResource(r)
	require.NoError(t, err)
	require.Equal(t, "message", string(got))
	require.Equal(t, envelope.AESGCM, aes.Algorithm())

	for name, change := range map[string]func(*envelope.Resource){
		"no algorithm":           func(r *envelope.Resource) { r.Algorithm = "" },
		"the other algorithm":    func(r *envelope.Resource) { r.Algorithm = envelope.SM4GCM },
		"algorithm in lower":     func(r *envelope.Resource) { r.Algorithm = strings.ToLower(r.Algorithm) },
		"no ciphertext":          func(r *envelope.Resource) { r.Ciphertext = "" },
		"a line break in it":     func(r *envelope.Resource) { r.Ciphertext = r.Ciphertext[:8] + "\n" + r.Ciphertext[8:] },
		"URL alphabet":           func(r *envelope.Resource) { r.Ciphertext = strings.ReplaceAll(r.Ciphertext, "+", "-") },
		"no padding":             func(r *envelope.Resource) { r.Ciphertext = strings.TrimRight(r.Ciphertext, "=") },
		"stray bits":             func(r *envelope.Resource) { r.Ciphertext = r.Ciphertext[:30] + "J=" },
		"tag alone":              func(r *envelope.Resource) { r.Ciphertext = envelope.EncodeBase64(make([]byte, 16)) },
		"shorter than a tag":     func(r *envelope.Resource) { r.Ciphertext = "AAAA" },
		"no nonce":               func(r *envelope.Resource) { r.Nonce = "" },
		"nonce of 11":            func(r *envelope.Resource) { r.Nonce = r.Nonce[:11] },
		"nonce of 16":            func(r *envelope.Resource) { r.Nonce += "0000" },
		"other associated data":  func(r *envelope.Resource) { r.AssociatedData = "certificate" },
		"without associated":     func(r *envelope.Resource) { r.AssociatedData = "" },
		"ciphertext above 1 MiB": func(r *envelope.Resource) { r.Ciphertext = envelope.EncodeBase64(make([]byte, envelope.MaxInput+1)) },
		"associated above 1 MiB": func(r *envelope.Resource) { r.AssociatedData = strings.Repeat("a", envelope.MaxInput+1) },
	} {
		changed := r
		change(&changed)
		got, err := aes.OpenResource(changed)
		notOpened(t, got, err, name)
	}
}

// What is too long is refused for its length, also where the tag is right.
func TestAEAD_RefusesAboveTheLimit(t *testing.T) {
	t.Parallel()
	a := aeadOf(t, "wechat-aes", []byte(apiV3Key))
	gcm := stdGCM(t, []byte(apiV3Key))
	nonce := []byte("uluk4a9R25RW")
	for _, c := range []struct {
		plaintext, associated int
		opens                 bool
	}{
		{envelope.MaxInput - 16, 0, true}, {envelope.MaxInput - 15, 0, false},
		{1, envelope.MaxInput, true}, {1, envelope.MaxInput + 1, false},
		{0, 5, false},
	} {
		associated := make([]byte, c.associated)
		got, err := a.Open(nonce, associated, gcm.Seal(nil, nonce, make([]byte, c.plaintext), associated))
		if c.opens {
			require.NoError(t, err)
			require.Len(t, got, c.plaintext)
		} else {
			notOpened(t, got, err, c)
		}
	}
}

func TestAEAD_RefusesToSeal(t *testing.T) {
	t.Parallel()
	a := aeadOf(t, "aes", []byte(apiV3Key))
	_, _, err := a.Seal(nil, nil)
	notSealed(t, err, "the plaintext is empty")
	_, _, err = a.Seal(nil, make([]byte, envelope.MaxInput-255))
	notSealed(t, err, "the plaintext is 1048321 bytes, want at most 1048320")
	_, _, err = a.Seal(make([]byte, envelope.MaxInput+1), []byte("x"))
	notSealed(t, err, "the associated data is 1048577 bytes, want at most 1048576")
	_, err = a.SealResource("", nil)
	notSealed(t, err, "the plaintext is empty")
}

func TestConstructors_RefuseKeys(t *testing.T) {
	t.Parallel()
	aead := func(f func([]byte) (*envelope.AEAD, error)) func([]byte) error {
		return func(k []byte) error { _, err := f(k); return err }
	}
	for name, c := range map[string]struct {
		size int
		make func([]byte) error
	}{
		"AES-256-GCM": {32, aead(envelope.NewAES256GCM)},
		"SM4-GCM":     {16, aead(envelope.NewSM4GCM)},
		"WeChat AES":  {32, aead(envelope.NewWeChatAES)},
		"WeChat SM4":  {32, aead(envelope.NewWeChatSM4)},
		"SM4-CBC":     {16, func(k []byte) error { _, err := envelope.NewSM4CBC(k); return err }},
		"SM4-ECB":     {16, func(k []byte) error { _, err := envelope.NewLegacySM4ECB(k); return err }},
		"AES-256-ECB": {32, func(k []byte) error { _, err := envelope.NewLegacyAES256ECB(k); return err }},
	} {
		for _, size := range []int{0, 8, 15, 16, 17, 24, 31, 32, 33, 64} {
			key := []byte(strings.Repeat("k", size))
			if size == c.size {
				require.NoError(t, c.make(key), name)
				keyRefused(t, c.make(make([]byte, size)), "symmetric key is all zeros")
			} else {
				keyRefused(t, c.make(key), "symmetric key is ")
			}
		}
	}
	for _, key := range []string{"", strings.Repeat("k", 129)} {
		_, err := envelope.NewLegacyWeChatRefund([]byte(key))
		keyRefused(t, err, "API key is empty or above 128 bytes")
	}
}

// A caller may clear its copy of the key.
func TestConstructors_KeepNoReferenceToTheKey(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t, "aead.txt", 6) {
		key := unhex(t, v[1])
		a := aeadOf(t, v[0], key)
		clear(key)
		_, err := a.Open(unhex(t, v[2]), unhex(t, v[3]), unhex(t, v[5]))
		require.NoError(t, err)
	}
	for _, v := range vectors(t, "block.txt", 5) {
		key := unhex(t, v[1])
		kind, _ := strings.CutSuffix(v[0], "-prefix")
		seal, _ := blocks(t, kind, key, unhex(t, v[2]))
		clear(key)
		got, err := seal(unhex(t, v[3]))
		require.NoError(t, err)
		require.Equal(t, unhex(t, v[4])[:16], got[:16])
	}
}
