package envelope_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/envelope"
	"github.com/stretchr/testify/require"
)

// annexPrivate is the recipient's number of GB/T 32918.5-2017 annex C.2.
const annexPrivate = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	if s == "-" {
		return nil
	}
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// vectors reads the lines of a file in testdata; each has the given number of columns.
func vectors(t testing.TB, name string, columns int) [][]string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	var rows [][]string
	for line := range strings.Lines(string(b)) {
		if row := strings.Fields(line); len(row) > 0 && row[0] != "#" {
			require.Len(t, row, columns, "%s: %s", name, line)
			rows = append(rows, row)
		}
	}
	require.NotEmpty(t, rows)
	return rows
}

// notOpened requires that nothing tells one refusal from another.
func notOpened(t testing.TB, plaintext []byte, err error, about ...any) {
	t.Helper()
	if err != envelope.ErrOpen { // the very same value, not one around it
		require.Failf(t, "want ErrOpen itself", "%v %v", err, about)
	}
	require.Nil(t, plaintext, about...)
}

func notSealed(t testing.TB, err error, problem string) {
	t.Helper()
	require.ErrorIs(t, err, envelope.ErrSeal)
	var e *envelope.SealError
	require.ErrorAs(t, err, &e)
	require.Equal(t, problem, e.Problem)
}

func keyRefused(t testing.TB, err error, problem string) {
	t.Helper()
	require.ErrorIs(t, err, sign.ErrKey)
	require.ErrorContains(t, err, problem)
}

// sm2Key wraps a number as a PKCS#8 file and loads it.
func sm2Key(t testing.TB, d string) *sign.PrivateKey {
	t.Helper()
	curve, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301})
	require.NoError(t, err)
	inner, err := asn1.Marshal(struct {
		Version int
		Key     []byte
	}{1, unhex(t, d)})
	require.NoError(t, err)
	outer, err := asn1.Marshal(struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}{0, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}, Parameters: asn1.RawValue{FullBytes: curve}}, inner})
	require.NoError(t, err)
	k, err := sign.ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: outer}))
	require.NoError(t, err)
	return k
}

func rsaKey(t testing.TB) *sign.PrivateKey {
	t.Helper()
	k, err := sign.GenerateRSA(2048)
	require.NoError(t, err)
	return k
}

// keyFor makes a key the scheme fits.
func keyFor(t testing.TB, s envelope.Scheme) *sign.PrivateKey {
	t.Helper()
	if strings.HasPrefix(string(s), "RSA") {
		return rsaKey(t)
	}
	return sm2Key(t, annexPrivate)
}

func pair(t testing.TB, k *sign.PrivateKey, s envelope.Scheme) (*envelope.Sealer, *envelope.Opener) {
	t.Helper()
	sealer, err := envelope.NewSealer(k.Public(), envelope.KeyConfig{Scheme: s})
	require.NoError(t, err)
	opener, err := envelope.NewOpener(k, envelope.KeyConfig{Scheme: s})
	require.NoError(t, err)
	return sealer, opener
}

var schemes = []envelope.Scheme{
	envelope.RSAOAEPSHA256, envelope.LegacyRSAOAEPSHA1,
	envelope.SM2C1C3C2, envelope.SM2C1C2C3, envelope.SM2ASN1,
}
