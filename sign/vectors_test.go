package sign_test

import (
	"strings"
	"testing"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

// Source: GB/T 32905-2016 appendix A.
func TestSM3_Vectors(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"abc":                      "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		strings.Repeat("abcd", 16): "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
	} {
		require.Equal(t, unhex(t, want), sign.SM3([]byte(message)))
	}
}

// Source: GM/T 0003.5-2012 appendix A.
const (
	annexMessage = "message digest"
	annexPrivate = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
	annexPublic  = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020" +
		"CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
	annexZA        = "B2E14C5C79C6DF5B85F4FE7ED8DB7A262B9DA7E07CCB0EA9F4747B8CCDA8A4F3"
	annexE         = "F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"
	annexSignature = "3046" +
		"022100F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3" +
		"022100B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)

func TestSM2_AnnexA(t *testing.T) {
	t.Parallel()
	private, err := sign.ParsePrivateKey(sm2Number(t, annexPrivate))
	require.NoError(t, err)
	public, err := sign.ParsePublicKey(sm2Point(t, annexPublic))
	require.NoError(t, err)
	fromPrivate, err := private.Public().PEM()
	require.NoError(t, err)
	require.Equal(t, string(sm2Point(t, annexPublic)), string(fromPrivate))

	za, e := sign.SM2Digest(public, "", []byte(annexMessage))
	require.Equal(t, unhex(t, annexZA), za)
	require.Equal(t, unhex(t, annexE), e)

	ring := newRing(t, sign.RingKey{Key: public})
	signature := unhex(t, annexSignature)
	require.NoError(t, ring.Verify(t.Context(), []byte(annexMessage), signature, ""))
	for i := range 8 * len(signature) {
		signature[i/8] ^= 1 << (i % 8)
		refusedAs(t, "signature", ring.Verify(t.Context(), []byte(annexMessage), signature, ""))
		signature[i/8] ^= 1 << (i % 8)
	}
	own := signed(t, newSigner(t, private, sign.SignerConfig{}), annexMessage)
	require.NoError(t, ring.Verify(t.Context(), []byte(annexMessage), own, ""))
}

// Source: emmansun/gmsm issue 560. Versions 0.27.0 to 0.44.0 refuse this signature
// on amd64; it is of e itself, 32 zero bytes.
func TestSM2_AcceptsTheValidSignatureOfIssue560(t *testing.T) {
	t.Parallel()
	public, err := sign.ParsePublicKey(sm2Point(t,
		"ef4de57af00ae424c00c4caadff7193f804a19dd73a7e2954db9d0d15ab4cbba67728c3f4572878b7a674735da9fde1682fe2d9e0799c4a5cde57e3d473039a2"))
	require.NoError(t, err)
	signature := unhex(t, "3046022100BE0EA64E1EC06F0D247093F3CCBBADCFB6260224272F86DDB78326E7CD6C7560"+
		"022100E9F6AB2FCC48A2CEF94838E66B5C7E21FD8E4DE25990DD98CA5243F4966F2853")
	require.Empty(t, sign.VerifySM2Digest(public, make([]byte, 32), signature))
	signature[20] ^= 1
	require.NotEmpty(t, sign.VerifySM2Digest(public, make([]byte, 32), signature))
}

// A key and a short signature that another SM2 library refuses and OpenSSL accepts.
func TestSM2_AcceptsAShortValidSignature(t *testing.T) {
	t.Parallel()
	public, err := sign.ParsePublicKey(block("PUBLIC KEY", unhex(t,
		"3059301306072a8648ce3d020106082a811ccf5501822d034200048000000000000000000000001ffffffffffffffffffffffeffffffff000000000c284ebb26b7d05fa75af3d6f320e370c65555727f5b763b5bb21b274085c2e6")))
	require.NoError(t, err)
	e := unhex(t, "27a9eeee4297b280654766f7203cab461241a0012a6f016c70c7f0352455f192")
	require.Empty(t, sign.VerifySM2Digest(public, e, unhex(t, "300a020361f52a020312d687")))
}

// Source: testdata/openssl/SOURCE.
func TestOpenSSL_StoredVectors(t *testing.T) {
	t.Parallel()
	message := testdata(t, "message.txt")
	for name, c := range map[string]struct {
		key, id, signature string
		accepted           bool
	}{
		"RSA":                          {"rsa.pub.pem", "", "rsa.sig.txt", true},
		"RSA, key from a certificate":  {"rsa.cert.pem", "", "rsa.sig.txt", true},
		"RSA, digest signed":           {"rsa.pub.pem", "", "rsa.double.sig.txt", false},
		"RSA, SM2's signature":         {"rsa.pub.pem", "", "sm2.sig.txt", false},
		"SM2":                          {"sm2.pub.pem", "", "sm2.sig.txt", true},
		"SM2, id written out":          {"sm2.pub.pem", "1234567812345678", "sm2.sig.txt", true},
		"SM2, key from a certificate":  {"sm2.cert.pem", "", "sm2.sig.txt", true},
		"SM2, digest signed":           {"sm2.pub.pem", "", "sm2.double.sig.txt", false},
		"SM2, agreed id":               {"sm2.pub.pem", "ALICE123@YAHOO.COM", "sm2.alice.sig.txt", true},
		"SM2, another id than agreed":  {"sm2.pub.pem", "", "sm2.alice.sig.txt", false},
		"SM2, empty id is another one": {"sm2.pub.pem", "", "sm2.emptyid.sig.txt", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signature, err := sign.DecodeBase64(string(testdata(t, c.signature)))
			require.NoError(t, err)
			ring := newRing(t, sign.RingKey{ID: "1", Key: publicTestdata(t, c.key), SM2ID: c.id})
			err = ring.Verify(t.Context(), message, signature, "1")
			if c.accepted {
				require.NoError(t, err)
				refusedAs(t, "signature", ring.Verify(t.Context(), message[1:], signature, "1"))
				return
			}
			refusedAs(t, "signature", err)
		})
	}
}
