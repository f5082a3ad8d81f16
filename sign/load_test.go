package sign_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

func TestParsePrivateKey_ReadsEveryLabel(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	sm2Key := generate(t, sign.SM2SM3)
	inner := sec1Of(t, sm2Key)
	pkcs8PEM, err := sm2Key.PEM()
	require.NoError(t, err)
	named, bare := inner, inner
	named.Curve, bare.Curve = oidSM2, nil
	parameters := block("SM2 PARAMETERS", der(t, oidSM2))

	for name, c := range map[string]struct {
		text      []byte
		algorithm sign.Algorithm
	}{
		"PKCS#1":                         {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), sign.RSASHA256},
		"PKCS#8, SM2":                    {pkcs8PEM, sign.SM2SM3},
		"PKCS#8, the curve as algorithm": {block("PRIVATE KEY", der(t, pkcs8{Algorithm: pkixOnly(oidSM2), Key: der(t, bare)})), sign.SM2SM3},
		"SEC 1":                          {block("EC PRIVATE KEY", der(t, named)), sign.SM2SM3},
		"SEC 1, SM2 by the label":        {block("SM2 PRIVATE KEY", der(t, bare)), sign.SM2SM3},
		"SEC 1, without the public half": {block("SM2 PRIVATE KEY", der(t, sec1{Version: 1, Key: inner.Key})), sign.SM2SM3},
		"parameters first":               {append(bytes.Clone(parameters), block("EC PRIVATE KEY", der(t, named))...), sign.SM2SM3},
		"parameters last":                {append(block("EC PRIVATE KEY", der(t, named)), parameters...), sign.SM2SM3},
		"text before the block":          {append([]byte("Bag Attributes\n    friendlyName: x\n"), pkcs8PEM...), sign.SM2SM3},
		"byte order mark, CRLF":          {[]byte("\xef\xbb\xbf" + strings.ReplaceAll(string(pkcs8PEM), "\n", "\r\n")), sign.SM2SM3},
		"blank lines behind":             {append(bytes.Clone(pkcs8PEM), " \r\n\n"...), sign.SM2SM3},
		"no line break at the end":       {bytes.TrimSpace(pkcs8PEM), sign.SM2SM3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := sign.ParsePrivateKey(c.text)
			require.NoError(t, err)
			require.Equal(t, c.algorithm, key.Algorithm())
			if c.algorithm == sign.SM2SM3 {
				require.Equal(t, sm2Key.Public().String(), key.Public().String())
			}
			again, err := key.PEM()
			require.NoError(t, err)
			require.Contains(t, string(again), "-----BEGIN PRIVATE KEY-----\n")
			_, err = sign.ParsePrivateKey(again)
			require.NoError(t, err)
		})
	}
}

func TestParsePrivateKey_RefusesWithTheReason(t *testing.T) {
	t.Parallel()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p256SEC1, err := x509.MarshalECPrivateKey(p256)
	require.NoError(t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	pkcs8PEM := func(key any) []byte {
		b, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		return block("PRIVATE KEY", b)
	}
	sm2Key := generate(t, sign.SM2SM3)
	good, err := sm2Key.PEM()
	require.NoError(t, err)
	inner, other := sec1Of(t, sm2Key), sec1Of(t, generate(t, sign.SM2SM3))
	unnamed, mixed, p256Inside, long := inner, inner, inner, inner
	unnamed.Curve, mixed.Public, p256Inside.Curve = nil, other.Public, oidP256
	long.Key = append([]byte{0}, inner.Key...)
	sm2In := func(s sec1) []byte {
		return block("PRIVATE KEY", der(t, pkcs8{Algorithm: ecID(t, oidSM2), Key: der(t, s)}))
	}
	explicit := asn1.RawValue{FullBytes: der(t, struct{ Version int }{1})}
	explicitID := ecID(t, oidSM2)
	explicitID.Parameters = explicit
	publicPEM, err := sm2Key.Public().PEM()
	require.NoError(t, err)

	const labels = "PRIVATE KEY, RSA PRIVATE KEY, EC PRIVATE KEY, SM2 PRIVATE KEY"
	const wantSM2 = "want SM2 (1.2.156.10197.1.301)"
	for name, c := range map[string]struct {
		text    []byte
		problem string
	}{
		"P-256 in PKCS#8":          {pkcs8PEM(p256), "P-256 (prime256v1) key, " + wantSM2},
		"P-256 in SEC 1":           {block("EC PRIVATE KEY", p256SEC1), "P-256 (prime256v1) key, " + wantSM2},
		"P-256 under SM2's label":  {block("SM2 PRIVATE KEY", p256SEC1), "P-256 (prime256v1) key, " + wantSM2},
		"P-256 inside SM2":         {sm2In(p256Inside), "P-256 (prime256v1) key, " + wantSM2},
		"Ed25519":                  {pkcs8PEM(ed), "Ed25519 key, want RSA or SM2 (1.2.156.10197.1.301)"},
		"unknown algorithm":        {block("PRIVATE KEY", der(t, pkcs8{Algorithm: pkixOnly(asn1.ObjectIdentifier{1, 2, 3}), Key: []byte{5, 0}})), "1.2.3 key, want RSA or SM2 (1.2.156.10197.1.301)"},
		"EC without a curve":       {block("EC PRIVATE KEY", der(t, unnamed)), "EC key without a curve, " + wantSM2},
		"PKCS#8 without a curve":   {block("PRIVATE KEY", der(t, pkcs8{Algorithm: pkixOnly(oidEC), Key: der(t, inner)})), "EC key without a curve, " + wantSM2},
		"curve written out":        {block("PRIVATE KEY", der(t, pkcs8{Algorithm: explicitID, Key: der(t, inner)})), "EC key with curve parameters written out, want the curve's name"},
		"d is 0":                   {sm2Number(t, strings.Repeat("00", 32)), "SM2 private number out of [1, n-2]"},
		"d is n-1":                 {sm2Number(t, order[:62]+"22"), "SM2 private number out of [1, n-2]"},
		"d is n":                   {sm2Number(t, order), "SM2 private number out of [1, n-2]"},
		"d is 2^256-1":             {sm2Number(t, strings.Repeat("ff", 32)), "SM2 private number out of [1, n-2]"},
		"d of 33 bytes":            {sm2In(long), "SM2 private number of 33 bytes, want 32"},
		"d of no bytes":            {sm2Number(t, ""), "SM2 private number of 0 bytes, want 32"},
		"public half of another":   {sm2In(mixed), "SM2 key with the public half of another"},
		"encrypted PKCS#8":         {block("ENCRYPTED PRIVATE KEY", []byte{0x30, 0}), "encrypted, load it with LoadPrivateKey and its password"},
		"encrypted the old way":    {bytes.Replace(good, []byte("KEY-----\n"), []byte("KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"), 1), "encrypted as PEM itself, a scheme without a proper key derivation; convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out new.pem"},
		"a public key":             {publicPEM, `PEM label "PUBLIC KEY", want ` + labels},
		"OpenSSH":                  {block("OPENSSH PRIVATE KEY", nil), `PEM label "OPENSSH PRIVATE KEY", want ` + labels},
		"parameters only":          {block("EC PARAMETERS", der(t, oidSM2)), "no PEM block, want " + labels},
		"nothing":                  {nil, "no PEM block, want " + labels},
		"no PEM":                   {[]byte("MIGHAgEAMBMG"), "no PEM block, want " + labels},
		"two keys":                 {append(bytes.Clone(good), good...), "more than one key"},
		"text behind":              {append(bytes.Clone(good), "x"...), "damaged PEM block or data after the key"},
		"a cut block behind":       {append(bytes.Clone(good), good[:60]...), "damaged PEM block or data after the key"},
		"a cut block before":       {append(bytes.Clone(good[:60]), append([]byte("\n"), good...)...), "damaged PEM block"},
		"a cut block":              {good[:len(good)-20], "damaged PEM block or data after the key"},
		"larger than 64 kB":        {append(bytes.Clone(good), bytes.Repeat([]byte("\n"), 64<<10)...), "larger than 65536 bytes"},
		"DER with a byte behind":   {block("EC PRIVATE KEY", append(der(t, inner), 0)), "data after the DER value"},
		"inner DER with data":      {block("PRIVATE KEY", der(t, pkcs8{Algorithm: ecID(t, oidSM2), Key: append(der(t, inner), 5, 0)})), "data after the DER value"},
		"empty DER":                {block("PRIVATE KEY", nil), "not DER"},
		"indefinite length":        {block("PRIVATE KEY", []byte{0x30, 0x80, 0, 0}), "not DER"},
		"label of another":         {block("RSA PRIVATE KEY", der(t, inner)), "not the structure its label names"},
		"SEC 1 version 2":          {block("SM2 PRIVATE KEY", der(t, sec1{Version: 2, Key: inner.Key})), "EC key version 2, want 1"},
		"environment with a colon": {bytes.Replace(good, []byte("KEY-----\n"), []byte("KEY-----\nEnvironment: a:b\n\n"), 1), "the Environment header is not 1 to 32 letters, digits, dots, dashes or underscores"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sign.ParsePrivateKey(c.text)
			e := keyRefused(t, err)
			require.Equal(t, c.problem, e.Problem)
			require.Equal(t, "bytes", e.Source)
		})
	}
}

func TestParsePublicKey_RefusesWithTheReason(t *testing.T) {
	t.Parallel()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p256DER, err := x509.MarshalPKIXPublicKey(p256.Public())
	require.NoError(t, err)
	point := unhex(t, "04"+annexPublic)
	off := bytes.Clone(point)
	off[64] ^= 1
	wrap := func(point []byte) []byte { return block("PUBLIC KEY", der(t, spki{ecID(t, oidSM2), bits(point)})) }
	rsaOf := func(n, e *big.Int) []byte {
		return block("PUBLIC KEY", der(t, spki{pkixOnly(oidRSA), bits(der(t, struct{ N, E *big.Int }{n, e}))}))
	}
	f4, odd := big.NewInt(65537), func(bits uint) *big.Int {
		return new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1)
	}
	private, err := generate(t, sign.SM2SM3).PEM()
	require.NoError(t, err)
	certificate := testdata(t, "sm2.cert.pem")

	const notPoint = "SM2 public key is not an uncompressed point of 65 bytes"
	const off1 = "SM2 public key is not a point on the curve"
	for name, c := range map[string]struct {
		text    []byte
		problem string
	}{
		"P-256":                   {block("PUBLIC KEY", p256DER), "P-256 (prime256v1) key, want SM2 (1.2.156.10197.1.301)"},
		"all zero":                {wrap(append([]byte{4}, make([]byte, 64)...)), off1},
		"infinity":                {wrap([]byte{0}), notPoint},
		"off the curve":           {wrap(off), off1},
		"a P-256 point":           {wrap(p256DER[len(p256DER)-65:]), off1},
		"compressed":              {wrap(append([]byte{2}, point[1:33]...)), notPoint},
		"hybrid":                  {wrap(append([]byte{7}, point[1:]...)), notPoint},
		"a byte more":             {wrap(append(bytes.Clone(point), 0)), notPoint},
		"x not reduced":           {wrap(append([]byte{4}, bytes.Repeat([]byte{255}, 64)...)), off1},
		"RSA 1023":                {rsaOf(odd(1023), f4), "RSA modulus is 1023 bits, want 2048 to 4096 (from 1024 with Legacy1024)"},
		"RSA 4097":                {rsaOf(odd(4097), f4), "RSA modulus is 4097 bits, want 2048 to 4096 (from 1024 with Legacy1024)"},
		"RSA 16384":               {rsaOf(odd(16384), f4), "RSA modulus is 16384 bits, want 2048 to 4096 (from 1024 with Legacy1024)"},
		"RSA, even modulus":       {rsaOf(new(big.Int).Lsh(big.NewInt(3), 2046), f4), "RSA modulus is even"},
		"RSA, negative modulus":   {rsaOf(new(big.Int).Neg(odd(2048)), f4), "RSA modulus is not positive"},
		"RSA, e = 1":              {rsaOf(odd(2048), big.NewInt(1)), "RSA exponent is 1, want an odd number from 65537"},
		"RSA, e = 3":              {rsaOf(odd(2048), big.NewInt(3)), "RSA exponent is 3, want an odd number from 65537"},
		"RSA, e even":             {rsaOf(odd(2048), big.NewInt(65538)), "RSA exponent is 65538, want an odd number from 65537"},
		"RSA, e negative":         {rsaOf(odd(2048), big.NewInt(-65537)), "RSA exponent is -65537, want an odd number from 65537"},
		"RSA, e = 2^31+1":         {rsaOf(odd(2048), big.NewInt(1<<31+1)), "RSA exponent is above 2^31-1"},
		"a private key":           {private, `PEM label "PRIVATE KEY", want PUBLIC KEY, CERTIFICATE`},
		"PKCS#1 public":           {block("RSA PUBLIC KEY", nil), `PEM label "RSA PUBLIC KEY", want PUBLIC KEY, CERTIFICATE`},
		"two certificates":        {append(bytes.Clone(certificate), certificate...), "more than one key"},
		"a key as a certificate":  {block("CERTIFICATE", p256DER), "not the structure its label names"},
		"certificate of P-256":    {block("CERTIFICATE", p256Certificate(t)), "P-256 (prime256v1) key, want SM2 (1.2.156.10197.1.301)"},
		"certificate of RSA 1016": {block("CERTIFICATE", der(t, bareCertificate(t, rsaOf(odd(1016), f4)))), "RSA modulus is 1016 bits, want 2048 to 4096 (from 1024 with Legacy1024)"},
		"certificate in ruins":    {block("CERTIFICATE", der(t, bareCertificate(t, wrap(point)))), "not a certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			within(t, 10*time.Second, func() {
				_, err := sign.ParsePublicKey(c.text)
				require.Equal(t, c.problem, keyRefused(t, err).Problem)
			})
		})
	}
}

// Numbers far beyond the bounds, and parts that a library would compute with for
// minutes, are refused before it sees them.
func TestParsePrivateKey_RefusesHugeRSAAtOnce(t *testing.T) {
	t.Parallel()
	odd := func(bits int) *big.Int { return new(big.Int).SetBit(big.NewInt(1), bits-1, 1) }
	type pkcs1 struct {
		Version                  int
		N, E, D, P, Q, DP, DQ, I *big.Int
	}
	f4, small, huge := big.NewInt(65537), odd(1024), odd(350_000)
	for name, k := range map[string]pkcs1{
		"modulus of 16384 bits": {0, odd(16384), f4, odd(16383), odd(8192), odd(8192), small, small, small},
		"exponent d of 350000":  {0, odd(2048), f4, huge, small, small, small, small, small},
		"prime of 350000 bits":  {0, odd(2048), f4, small, huge, small, small, small, small},
		"three primes":          {1, odd(2048), f4, small, small, small, small, small, small},
		"e = 3":                 {0, odd(2048), big.NewInt(3), small, small, small, small, small, small},
		"nothing fits":          {0, odd(2048), f4, small, small, small, small, small, small},
		"zeros":                 {0, odd(2048), f4, new(big.Int), new(big.Int), new(big.Int), new(big.Int), new(big.Int), new(big.Int)},
		"negative":              {0, odd(2048), f4, big.NewInt(-1), small, small, small, small, small},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			within(t, 10*time.Second, func() {
				_, err := sign.ParsePrivateKey(block("RSA PRIVATE KEY", der(t, k)))
				keyRefused(t, err)
			})
		})
	}
}

func TestParse_SurvivesNestedDER(t *testing.T) {
	t.Parallel()
	var nested []byte
	for len(nested) < 48_000 {
		size := len(nested)
		switch {
		case size < 128:
			nested = append([]byte{0x30, byte(size)}, nested...)
		case size < 256:
			nested = append([]byte{0x30, 0x81, byte(size)}, nested...)
		default:
			nested = append([]byte{0x30, 0x82, byte(size >> 8), byte(size)}, nested...)
		}
	}
	for name, c := range map[string]struct {
		der     []byte
		problem string
	}{
		"definite lengths":       {nested, "DER nested too deep"},
		"indefinite lengths":     {bytes.Repeat([]byte{0x30, 0x80}, 24_000), "not DER"},
		"long tags":              {bytes.Repeat([]byte{0x7f, 0xff}, 24_000), "not DER"},
		"length of 2^31":         {[]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}, "not DER"},
		"long form of a length":  {[]byte{0x30, 0x81, 0x02, 0x05, 0x00}, "not DER"},
		"zero before the length": {append([]byte{0x30, 0x82, 0x00, 0x80}, make([]byte, 128)...), "not DER"},
		"a tag alone":            {[]byte{0x30}, "not DER"},
		"length cut":             {[]byte{0x30, 0x82, 0x01}, "not DER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			within(t, 10*time.Second, func() {
				for _, label := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "SM2 PRIVATE KEY"} {
					_, err := sign.ParsePrivateKey(block(label, c.der))
					require.Equal(t, c.problem, keyRefused(t, err).Problem)
				}
				for _, label := range []string{"PUBLIC KEY", "CERTIFICATE"} {
					_, err := sign.ParsePublicKey(block(label, c.der))
					require.Equal(t, c.problem, keyRefused(t, err).Problem)
				}
			})
		})
	}
	within(t, 10*time.Second, func() {
		_, err := sign.ParsePublicKey(bytes.Repeat([]byte{0x30, 0x80}, 2<<20))
		require.Equal(t, "larger than 65536 bytes", keyRefused(t, err).Problem)
	})
}

func TestEnvironment_SurvivesFiles(t *testing.T) {
	t.Parallel()
	for _, a := range algorithms() {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			plain := generate(t, a)
			marked := plain.WithEnvironment("sandbox")
			require.Empty(t, plain.Environment())
			require.Equal(t, "sandbox", marked.Public().Environment())

			dir := t.TempDir()
			write := func(name string, b []byte, err error) string {
				require.NoError(t, err)
				path := filepath.Join(dir, name)
				require.NoError(t, os.WriteFile(path, b, 0o600))
				return path
			}
			text, err := marked.PEM()
			require.Contains(t, string(text), "-----BEGIN PRIVATE KEY-----\nEnvironment: sandbox\n\n")
			private, err := sign.PrivateKeyFile(write("private.pem", text, err))
			require.NoError(t, err)
			require.Equal(t, "sandbox", private.Environment())

			text, err = marked.Public().PEM()
			require.Contains(t, string(text), "-----BEGIN PUBLIC KEY-----\nEnvironment: sandbox\n\n")
			public, err := sign.PublicKeyFile(write("public.pem", text, err))
			require.NoError(t, err)
			require.Equal(t, "sandbox", public.Environment())
			require.Equal(t, private.Public().String(), public.String())

			require.Empty(t, public.WithEnvironment("").Environment())
			text, err = private.WithEnvironment("").PEM()
			require.NoError(t, err)
			require.NotContains(t, string(text), "Environment")
		})
	}
}

func TestPEM_RefusesWhatCannotBeReadBack(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	for _, env := range []string{"a b", "a\nProc-Type: 4,ENCRYPTED", "a:b", "沙箱", strings.Repeat("a", 33)} {
		_, err := key.WithEnvironment(env).PEM()
		keyRefused(t, err)
		_, err = key.Public().WithEnvironment(env).PEM()
		keyRefused(t, err)
	}
	var none *sign.PrivateKey
	for _, k := range []*sign.PrivateKey{none, {}} {
		_, err := k.WithEnvironment("x").PEM()
		keyRefused(t, err)
		_, err = k.Public().PEM()
		keyRefused(t, err)
		require.Empty(t, k.Algorithm())
		require.Empty(t, k.Environment())
	}
	var nobody *sign.PublicKey
	require.Empty(t, nobody.WithEnvironment("x").Environment())
	require.Empty(t, nobody.Algorithm())
	require.Equal(t, "no public key", sign.PublicKey{}.String())
}

func TestKeyFile_SaysWhichFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "merchant.pem")
	_, err := sign.PrivateKeyFile(path)
	require.Equal(t, "file "+path, keyRefused(t, err).Source)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = sign.PublicKeyFile(filepath.Dir(path))
	require.Equal(t, "cannot be read", keyRefused(t, err).Problem)
	require.NoError(t, os.WriteFile(path, make([]byte, 64<<10+1), 0o600))
	_, err = sign.PrivateKeyFile(path)
	require.Equal(t, "larger than 65536 bytes", keyRefused(t, err).Problem)
}

func TestKeyEnv_ReadsWrittenLineBreaks(t *testing.T) {
	key := generate(t, sign.SM2SM3)
	private, err := key.PEM()
	require.NoError(t, err)
	public, err := key.Public().PEM()
	require.NoError(t, err)
	t.Setenv("BANK_KEY", strings.ReplaceAll(string(private), "\n", `\n`))
	t.Setenv("BANK_PUBLIC_KEY", string(public))
	t.Setenv("BANK_EMPTY", "")
	_, err = sign.PrivateKeyEnv("BANK_KEY")
	require.NoError(t, err)
	_, err = sign.PublicKeyEnv("BANK_PUBLIC_KEY")
	require.NoError(t, err)
	_, err = sign.PrivateKeyEnv("BANK_PUBLIC_KEY")
	require.Equal(t, "env BANK_PUBLIC_KEY", keyRefused(t, err).Source)
	for _, name := range []string{"BANK_EMPTY", "BANK_UNSET"} {
		_, err = sign.PrivateKeyEnv(name)
		require.Equal(t, "not set", keyRefused(t, err).Problem)
		_, err = sign.PublicKeyEnv(name)
		require.Equal(t, "not set", keyRefused(t, err).Problem)
	}
}
