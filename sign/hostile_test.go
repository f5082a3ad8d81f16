package sign_test

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func oid(t testing.TB, dotted string) asn1.ObjectIdentifier {
	t.Helper()
	var id asn1.ObjectIdentifier
	for _, part := range strings.Split(dotted, ".") {
		n := 0
		for _, c := range part {
			n = 10*n + int(c-'0')
		}
		id = append(id, n)
	}
	return id
}

func algorithmID(t testing.TB, dotted string, parameters any) pkix.AlgorithmIdentifier {
	t.Helper()
	return pkix.AlgorithmIdentifier{Algorithm: oid(t, dotted), Parameters: asn1.RawValue{FullBytes: der(t, parameters)}}
}

// hostile builds an EncryptedPrivateKeyInfo out of parts that may be anything.
type hostile struct {
	kdf        any
	kdfOID     string
	cipher     string
	iv         any
	ciphertext []byte
}

type kdf2 struct {
	Salt       []byte
	Iterations int64
	Length     int64 `asn1:"optional"`
}

type kdfScrypt struct {
	Salt    []byte
	N, R, P int64
	Length  int64 `asn1:"optional"`
}

const (
	pbkdf2OID = "1.2.840.113549.1.5.12"
	scryptOID = "1.3.6.1.4.1.11591.4.11"
	aes256OID = "2.16.840.1.101.3.4.1.42"
	sm4OID    = "1.2.156.10197.1.104.2"
	des3OID   = "1.2.840.113549.3.7"
)

type encrypted struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

func (h hostile) der(t testing.TB) []byte {
	t.Helper()
	if h.kdf == nil {
		h.kdf = kdf2{[]byte("saltsalt"), 2048, 0}
	}
	if h.kdfOID == "" {
		h.kdfOID = pbkdf2OID
	}
	if h.cipher == "" {
		h.cipher = aes256OID
	}
	if h.iv == nil {
		h.iv = make([]byte, 16)
	}
	if h.ciphertext == nil {
		h.ciphertext = make([]byte, 160)
	}
	type pbes2 struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	return der(t, encrypted{algorithmID(t, "1.2.840.113549.1.5.13", pbes2{
		algorithmID(t, h.kdfOID, h.kdf), algorithmID(t, h.cipher, h.iv)}), h.ciphertext})
}

// Each of these hangs, panics or exhausts a reader that derives first and checks
// later. The limit is far above what a refusal takes, and far below the harm.
func TestLoadPrivateKey_RefusesHostileEncryptionAtOnce(t *testing.T) {
	t.Parallel()
	salt := []byte("saltsalt")
	for name, c := range map[string]struct {
		der     []byte
		problem string
	}{
		"ciphertext off the block":   {hostile{ciphertext: make([]byte, 159)}.der(t), "ciphertext of 159 bytes, want a multiple of 16"},
		"ciphertext of one byte":     {hostile{ciphertext: []byte{1}}.der(t), "ciphertext of 1 bytes, want a multiple of 16"},
		"no ciphertext":              {hostile{ciphertext: []byte{}}.der(t), "ciphertext of 0 bytes, want a multiple of 16"},
		"SM4, off the block":         {hostile{cipher: sm4OID, ciphertext: make([]byte, 17)}.der(t), "ciphertext of 17 bytes, want a multiple of 16"},
		"3DES, off the block":        {hostile{cipher: des3OID, iv: make([]byte, 8), ciphertext: make([]byte, 12)}.der(t), "ciphertext of 12 bytes, want a multiple of 8"},
		"IV of 8 bytes":              {hostile{iv: make([]byte, 8)}.der(t), "IV of 8 bytes, want 16"},
		"IV of none":                 {hostile{iv: []byte{}}.der(t), "IV of 0 bytes, want 16"},
		"SM4, IV of 17":              {hostile{cipher: sm4OID, iv: make([]byte, 17)}.der(t), "IV of 17 bytes, want 16"},
		"3DES, IV of 16":             {hostile{cipher: des3OID}.der(t), "IV of 16 bytes, want 8"},
		"IV is a number":             {hostile{iv: 1}.der(t), "not the structure its label names"},
		"2^31-1 iterations":          {hostile{kdf: kdf2{salt, 1<<31 - 1, 0}}.der(t), "2147483647 iterations, 2000000 are allowed (LoadConfig.MaxIterations)"},
		"2^62 iterations":            {hostile{kdf: kdf2{salt, 1 << 62, 0}}.der(t), "4611686018427387904 iterations, 2000000 are allowed (LoadConfig.MaxIterations)"},
		"a million above the budget": {hostile{kdf: kdf2{salt, 2_000_001, 0}}.der(t), "2000001 iterations, 2000000 are allowed (LoadConfig.MaxIterations)"},
		"no iterations":              {hostile{kdf: kdf2{salt, 0, 0}}.der(t), "iteration count below 1"},
		"iterations below 0":         {hostile{kdf: kdf2{salt, -1, 0}}.der(t), "iteration count below 1"},
		"no salt":                    {hostile{kdf: kdf2{nil, 2048, 0}}.der(t), "salt of 0 bytes, want 1 to 1024"},
		"salt of 40 kB":              {hostile{kdf: kdf2{make([]byte, 40_000), 2048, 0}}.der(t), "salt of 40000 bytes, want 1 to 1024"},
		"key length of 2^31":         {hostile{kdf: kdf2{salt, 1, 1 << 31}}.der(t), "key length 2147483648, the cipher wants 32"},
		"key length below 0":         {hostile{kdf: kdf2{salt, 1, -32}}.der(t), "key length -32, the cipher wants 32"},
		"scrypt, N = 2^30":           {hostile{kdfOID: scryptOID, kdf: kdfScrypt{salt, 1 << 30, 8, 1, 0}}.der(t), "scrypt would take more than 64 MiB"},
		"scrypt, N = 2^62":           {hostile{kdfOID: scryptOID, kdf: kdfScrypt{salt, 1 << 62, 1 << 62, 1 << 62, 0}}.der(t), "scrypt would take more than 64 MiB"},
		"scrypt, r = 2^20":           {hostile{kdfOID: scryptOID, kdf: kdfScrypt{salt, 2, 1 << 20, 1, 0}}.der(t), "scrypt would take more than 64 MiB"},
		"scrypt, p = 2^30":           {hostile{kdfOID: scryptOID, kdf: kdfScrypt{salt, 2, 1, 1 << 30, 0}}.der(t), "scrypt would take more than 64 MiB"},
		"scrypt, N·r·p":              {hostile{kdfOID: scryptOID, kdf: kdfScrypt{salt, 1 << 15, 8, 17, 0}}.der(t), "scrypt would take more than 4194304 blocks"},
		"scrypt, N of no power of 2": {hostile{kdfOID: scryptOID, kdf: kdfScrypt{salt, 1000, 8, 1, 0}}.der(t), "scrypt parameters out of range"},
		"scrypt, N = 1":              {hostile{kdfOID: scryptOID, kdf: kdfScrypt{salt, 1, 8, 1, 0}}.der(t), "scrypt parameters out of range"},
		"scrypt, r below 0":          {hostile{kdfOID: scryptOID, kdf: kdfScrypt{salt, 2, -8, -1, 0}}.der(t), "scrypt parameters out of range"},
		"scrypt, key length":         {hostile{kdfOID: scryptOID, kdf: kdfScrypt{salt, 2, 8, 1, 16}}.der(t), "key length 16, the cipher wants 32"},
		"another derivation":         {hostile{kdfOID: "1.2.3"}.der(t), "password to key by 1.2.3, want PBKDF2 or scrypt; convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem"},
		"another cipher":             {hostile{cipher: "1.2.3"}.der(t), "encrypted with cipher 1.2.3, want AES-CBC, SM4-CBC or DES-EDE3-CBC; convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem"},
		"DES and MD5":                {der(t, encrypted{algorithmID(t, "1.2.840.113549.1.5.3", kdf2{salt, 1, 0}), make([]byte, 8)}), "encrypted with pbeWithMD5AndDES-CBC, want PBES2; convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem"},
		"PKCS#12's, 2^62 iterations": {der(t, encrypted{algorithmID(t, "1.2.840.113549.1.12.1.3", kdf2{salt, 1 << 62, 0}), make([]byte, 8)}), "4611686018427387904 iterations, 2000000 are allowed (LoadConfig.MaxIterations)"},
		"PKCS#12's, off the block":   {der(t, encrypted{algorithmID(t, "1.2.840.113549.1.12.1.3", kdf2{salt, 1, 0}), make([]byte, 9)}), "ciphertext of 9 bytes, want a multiple of 8"},
		"PKCS#12's, no salt":         {der(t, encrypted{algorithmID(t, "1.2.840.113549.1.12.1.3", kdf2{nil, 1, 0}), make([]byte, 8)}), "salt of 0 bytes, want 1 to 1024"},
		"no parameters":              {der(t, encrypted{pkix.AlgorithmIdentifier{Algorithm: oid(t, "1.2.840.113549.1.5.13")}, make([]byte, 16)}), "not DER"},
		"indefinite nesting":         {append([]byte{0x30, 0x80}, bytes.Repeat([]byte{0x30, 0x80}, 20_000)...), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, b := range [][]byte{c.der, base64Of(c.der), block("ENCRYPTED PRIVATE KEY", c.der)} {
				within(t, 2*time.Second, func() {
					_, err := sign.LoadPrivateKey(sign.LoadConfig{Bytes: b, Password: []byte("x")})
					if e := keyRefused(t, err); c.problem != "" {
						require.Equal(t, c.problem, e.Problem)
					}
					require.NotErrorIs(t, err, sign.ErrPassword)
				})
			}
		})
	}
	within(t, 2*time.Second, func() {
		for _, b := range [][]byte{bytes.Repeat([]byte{0x30, 0x80}, 2<<20), bytes.Repeat([]byte("MIAw"), 1<<20)} {
			_, err := sign.LoadPrivateKey(sign.LoadConfig{Bytes: b})
			require.Equal(t, "larger than 65536 bytes", keyRefused(t, err).Problem)
		}
	})
}

// Every bit of a damaged key file is refused or still the same key; none hangs.
func TestLoadPrivateKey_SurvivesDamage(t *testing.T) {
	t.Parallel()
	o := newOpenSSL(t)
	o.run("genpkey", "-algorithm", "SM2", "-out", "k.pem")
	o.run("pkcs8", "-topk8", "-in", "k.pem", "-v2", "aes-256-cbc", "-iter", "1", "-passout", "pass:x", "-outform", "DER", "-out", "k.der")
	o.run("req", "-new", "-x509", "-key", "k.pem", "-subj", "/CN=x", "-out", "c.pem")
	o.run("pkcs12", "-export", "-inkey", "k.pem", "-in", "c.pem", "-iter", "1", "-maciter", "-passout", "pass:x", "-out", "k.p12")
	want := pemOf(t, o.private("k.pem"))
	for _, name := range []string{"k.der", "k.p12"} {
		good := o.read(name)
		load := func(b []byte) {
			within(t, 2*time.Second, func() {
				k, err := sign.LoadPrivateKey(sign.LoadConfig{Bytes: b, Password: []byte("x"), MaxIterations: 5000})
				if err != nil {
					keyRefused(t, err)
				} else {
					require.Equal(t, want, pemOf(t, k))
				}
				_, _ = sign.LoadPublicKey(sign.LoadConfig{Bytes: b, Password: []byte("x"), MaxIterations: 5000})
			})
		}
		load(good)
		for i := range good {
			damaged := bytes.Clone(good)
			damaged[i] ^= 1 << (i % 8)
			load(damaged)
			load(good[:i])
		}
	}
}

// scrypt at its bounds stays inside the memory it was granted.
func TestLoadPrivateKey_BoundsScryptMemory(t *testing.T) {
	b := hostile{kdfOID: scryptOID, kdf: kdfScrypt{[]byte("saltsalt"), 2, 1 << 17, 1, 0}}.der(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := sign.LoadPrivateKey(sign.LoadConfig{Bytes: b, Password: []byte("x")})
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, sign.ErrPassword)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(100<<20))
}
