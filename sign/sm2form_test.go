package sign_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// Source: GM/T 0003.5-2012 appendix A, r and s written one after the other.
const annexRaw = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3" +
	"B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"

func TestSM2Raw_AcceptsAnnexAAndNothingElse(t *testing.T) {
	t.Parallel()
	public, err := sign.ParsePublicKey(sm2Point(t, annexPublic))
	require.NoError(t, err)
	ring := newRing(t, sign.RingKey{Key: public, SM2Form: sign.SM2Raw})
	raw := unhex(t, annexRaw)
	require.NoError(t, ring.Verify(t.Context(), []byte(annexMessage), raw, ""))
	for i := range 8 * len(raw) {
		raw[i/8] ^= 1 << (i % 8)
		refusedAs(t, "signature", ring.Verify(t.Context(), []byte(annexMessage), raw, ""))
		raw[i/8] ^= 1 << (i % 8)
	}
	zero, one := strings.Repeat("00", 32), strings.Repeat("00", 31)+"01"
	for name, c := range map[string]struct{ signature, problem string }{
		"DER where raw is agreed": {annexSignature, "72 bytes, a raw SM2 signature has 64"},
		"a byte behind":           {annexRaw + "00", "65 bytes, a raw SM2 signature has 64"},
		"a byte missing":          {annexRaw[2:], "63 bytes, a raw SM2 signature has 64"},
		"C1 in front":             {"04" + annexRaw, "65 bytes, a raw SM2 signature has 64"},
		"zeros":                   {zero + zero, "integer out of [1, n-1]"},
		"s is 0":                  {one + zero, "integer out of [1, n-1]"},
		"r is n":                  {order + one, "integer out of [1, n-1]"},
		"s is n":                  {one + order, "integer out of [1, n-1]"},
		"all ones":                {strings.Repeat("ff", 64), "integer out of [1, n-1]"},
		"r and s are 1":           {one + one, "does not match this text under this key"},
		"s and r exchanged":       {annexRaw[64:] + annexRaw[:64], "does not match this text under this key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := refusedAs(t, "signature", ring.Verify(t.Context(), []byte(annexMessage), unhex(t, c.signature), ""))
			require.Equal(t, c.problem, e.Problem)
		})
	}
}

// Numbers with leading zeros are where a form that forgets to fill up breaks, one
// signature in 128.
func TestSM2Raw_IsAlways64BytesAndSaysTheSameAsDER(t *testing.T) {
	t.Parallel()
	for _, r := range []string{"01", "7f", "80", "ff", "0100", "7fffffff", "80000000", strings.Repeat("7f", 31), strings.Repeat("80", 31), strings.Repeat("7f", 32), order[:62] + "22"} {
		for _, s := range []string{"01", "80", strings.Repeat("ab", 31), order[:62] + "22"} {
			raw := append(padded(t, r), padded(t, s)...)
			der, problem := sign.RawToDER(raw)
			require.Empty(t, problem)
			back, problem := sign.DERToRaw(der)
			require.Empty(t, problem)
			require.Equal(t, raw, back)
		}
	}
	key := generate(t, sign.SM2SM3)
	signer := newSigner(t, key, sign.SignerConfig{SM2Form: sign.SM2Raw})
	ring := newRing(t, sign.RingKey{Key: key.Public(), SM2Form: sign.SM2Raw})
	short := 0
	for range 600 { // short numbers come one in 128
		raw := signed(t, signer, "a=1")
		require.Len(t, raw, 64)
		require.NoError(t, ring.Verify(t.Context(), []byte("a=1"), raw, ""))
		if raw[0] == 0 || raw[32] == 0 {
			short++
		}
	}
	require.NotZero(t, short, "no number with a leading zero in 600 signatures: chance 1 in 100")
}

func padded(t *testing.T, s string) []byte {
	t.Helper()
	b := unhex(t, s)
	return append(bytes.Repeat([]byte{0}, 32-len(b)), b...)
}

// Which form, id and size are agreed is configuration: nothing is guessed.
func TestSM2_WrongAgreementsAreRefused(t *testing.T) {
	t.Parallel()
	key := generate(t, sign.SM2SM3)
	agreed := map[string]struct {
		signer sign.SignerConfig
		ring   sign.RingKey
	}{
		"DER":         {sign.SignerConfig{}, sign.RingKey{}},
		"raw":         {sign.SignerConfig{SM2Form: sign.SM2Raw}, sign.RingKey{SM2Form: sign.SM2Raw}},
		"an id":       {sign.SignerConfig{SM2ID: "U1"}, sign.RingKey{SM2ID: "U1"}},
		"no id":       {sign.SignerConfig{SM2EmptyID: true}, sign.RingKey{SM2EmptyID: true}},
		"a padded id": {sign.SignerConfig{SM2ID: sign.PaddedSM2ID("U1")}, sign.RingKey{SM2ID: "U100000000000000"}},
	}
	for signer, a := range agreed {
		signature := signed(t, newSigner(t, key, a.signer), "a=1")
		for ring, b := range agreed {
			b.ring.Key = key.Public()
			err := newRing(t, b.ring).Verify(t.Context(), []byte("a=1"), signature, "")
			if signer == ring {
				require.NoError(t, err, signer)
			} else {
				refusedAs(t, "signature", err)
			}
		}
	}
}

func TestPaddedSM2ID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"":                   "0000000000000000",
		"N003261207":         "N003261207000000",
		"1234567812345678":   "1234567812345678",
		"12345678123456789x": "1234567812345678",
	} {
		require.Equal(t, want, sign.PaddedSM2ID(id))
	}
}

func TestSM2_EmptyIDIsOpenSSLWithoutOne(t *testing.T) {
	t.Parallel()
	signature, err := sign.DecodeBase64(string(testdata(t, "sm2.emptyid.sig.txt")))
	require.NoError(t, err)
	ring := newRing(t, sign.RingKey{Key: publicTestdata(t, "sm2.pub.pem"), SM2EmptyID: true})
	require.NoError(t, ring.Verify(t.Context(), testdata(t, "message.txt"), signature, ""))
}

func FuzzSM2Raw(f *testing.F) {
	f.Add(make([]byte, 64))
	f.Add(bytes.Repeat([]byte{0x7f}, 64))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		der, problem := sign.RawToDER(raw)
		if problem != "" {
			return
		}
		back, problem := sign.DERToRaw(der)
		require.Empty(t, problem)
		require.Equal(t, raw, back)
	})
}
