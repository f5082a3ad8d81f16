package sign

import (
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
)

// defaultSM2ID is the signer's id where a gateway names none. Source: GM/T 0009
// section 10; GM/T 0003.5 uses it in its examples.
const defaultSM2ID = "1234567812345678"

// maxSM2ID is the longest id in bytes: Z_A has 16 bits for its length in bits.
const maxSM2ID = 8191

// Numbers of the curve. Source: GB/T 32918.5-2017.
const (
	sm2Size = 32 // bytes of a number
	// sm2Order is n, big-endian, as a string so that nothing can change it.
	sm2Order = "\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\x72\x03\xdf\x6b\x21\xc6\x05\x2b\x53\xbb\xf4\x09\x39\xd5\x41\x23"
	// sm2Below is n-1, the first d that is not a private key: with it 1+d has
	// no inverse.
	sm2Below = "\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\x72\x03\xdf\x6b\x21\xc6\x05\x2b\x53\xbb\xf4\x09\x39\xd5\x41\x22"
)

// GenerateSM2 makes an SM2 key on the recommended curve (1.2.156.10197.1.301).
//
// Errors: ErrKey if the SM2 library fails. In FIPS 140-only mode it is [NewSigner]
// that refuses the key.
func GenerateSM2() (key *PrivateKey, err error) {
	defer recoverKey("GenerateSM2", &err)
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, &KeyError{Source: "GenerateSM2", Problem: "cannot be made", Err: err}
	}
	return &PrivateKey{material: &privateMaterial{sm2: k}}, nil
}

// sm2Hash computes e = SM3(Z_A ‖ message) for one key and id. Z_A is computed
// once, when the signer or the ring is made.
type sm2Hash struct{ za []byte }

// newSM2Hash computes Z_A = SM3(ENTL ‖ id ‖ a ‖ b ‖ G ‖ P_A), with the length of the
// id in bits in 16. The library's own function takes the default id for an empty one.
// Source: GB/T 32918.2-2016 section 5.5.
func newSM2Hash(public [65]byte, id []byte) sm2Hash {
	curve := sm2.P256().Params()
	d := sm3.New()
	bits := 8 * len(id)
	d.Write([]byte{byte(bits >> 8), byte(bits)})
	d.Write(id)
	var b [sm2Size]byte
	a := new(big.Int).Sub(curve.P, big.NewInt(3))
	for _, v := range []*big.Int{a, curve.B, curve.Gx, curve.Gy} {
		d.Write(v.FillBytes(b[:]))
	}
	d.Write(public[1:])
	return sm2Hash{d.Sum(nil)}
}

func (h sm2Hash) sum(message []byte) []byte {
	d := sm3.New()
	d.Write(h.za)
	d.Write(message)
	return d.Sum(make([]byte, 0, sm3.Size))
}

// checkSM2Signature says what is wrong with the form of a signature, or nothing:
// SEQUENCE of two INTEGERs, shortest encoding, nothing after it, both in [1, n-1].
// One signature has one encoding, so its text can serve as a log key, and the
// curve is not touched for junk.
func checkSM2Signature(signature []byte) string {
	// 8: two one-byte integers; 72: two of 32 bytes with a sign byte each.
	if len(signature) < 8 || len(signature) > 72 {
		return fmt.Sprintf("%d bytes, an SM2 signature in DER has 8 to 72", len(signature))
	}
	if signature[0] != 0x30 || int(signature[1]) != len(signature)-2 {
		return "not one DER sequence"
	}
	rest := signature[2:]
	for range 2 {
		var problem string
		if rest, problem = cutSM2Integer(rest); problem != "" {
			return problem
		}
	}
	if len(rest) != 0 {
		return "more than two integers"
	}
	return ""
}

func cutSM2Integer(b []byte) (rest []byte, problem string) {
	if len(b) < 3 || b[0] != 0x02 || b[1] == 0 || b[1] > sm2Size+1 || len(b) < 2+int(b[1]) {
		return nil, "not two DER integers"
	}
	v, rest := b[2:2+int(b[1])], b[2+int(b[1]):]
	switch {
	case v[0]&0x80 != 0:
		return nil, "negative integer"
	case v[0] == 0 && len(v) > 1 && v[1]&0x80 == 0:
		return nil, "integer not in shortest form"
	}
	if v[0] == 0 {
		v = v[1:]
	}
	var padded [sm2Size]byte
	if len(v) == 0 || len(v) > sm2Size {
		return nil, "integer out of [1, n-1]"
	}
	copy(padded[sm2Size-len(v):], v)
	if string(padded[:]) >= sm2Order {
		return nil, "integer out of [1, n-1]"
	}
	return rest, ""
}

func recoverProbe(what string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s does not work in this process: %v", what, p)
	}
}

// recoverKey turns a panic of the SM2 library into a KeyError. It is the second
// line: sizes, nesting and numbers are checked before the library sees them.
func recoverKey(source string, err *error) {
	if p := recover(); p != nil {
		*err = &KeyError{Source: source, Problem: fmt.Sprintf("the SM2 library failed: %v", p)}
	}
}
