// Package tjfoc is the second SM2/SM3 engine of package sign, by tjfoc/gmsm v1.4.1.
// It shares no code with the default engine, which is what makes it worth asking:
//
//	signer, err := sign.NewSigner(key, sign.SignerConfig{Check: tjfoc.Engine{}})
//
// lets no signature leave that only one of two implementations believes.
//
// It computes SM3, SM2 signatures and SM2 verifications with numbers that package
// sign has checked, and nothing else. The library's decryption, SM4, PKCS#7, key
// files and certificates are not used: they accept points off the curve and keys of
// other curves, and panic on damaged input.
//
// It is not for speed (a signature takes 10 times, a verification 20 times as long
// as with the default), not for keys on machines shared with strangers (its time
// depends on the key), and refuses a few signatures with extreme numbers that are
// valid, such as those whose r+s is within a few of the curve's order.
package tjfoc

import (
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"hash"
	"math/big"

	"github.com/bankrail/bankrail/sign"
	"github.com/tjfoc/gmsm/sm2"
	"github.com/tjfoc/gmsm/sm3"
)

// Engine is the engine. It has no state.
type Engine struct{}

var _ sign.Engine = Engine{}

// Name is "tjfoc/gmsm".
func (Engine) Name() string { return "tjfoc/gmsm" }

// NewSM3 returns an SM3 hash.
func (Engine) NewSM3() hash.Hash { return sm3Hash{sm3.New()} }

// sm3Hash mends Sum: the library's hashes the prefix instead of keeping it.
type sm3Hash struct{ hash.Hash }

func (h sm3Hash) Sum(b []byte) []byte { return append(b, h.Hash.Sum(nil)...) }

// signature is SEQUENCE of two INTEGERs.
type signature struct{ R, S *big.Int }

// NewSM2Signer prepares a key. The library signs no empty id: it would take the
// default one without a word, so that id is an error here.
//
// Errors: numbers that are no SM2 key, an empty or too long id.
func (Engine) NewSM2Signer(private [32]byte, public [65]byte, id []byte) (func(message []byte) ([]byte, error), error) {
	defer clear(private[:])
	point, err := newPoint(public)
	if err != nil {
		return nil, err
	}
	if len(id) == 0 {
		return nil, errors.New("tjfoc/gmsm cannot sign with an empty SM2 id")
	}
	if _, err := sm2.ZA(point, id); err != nil {
		return nil, err
	}
	// The library takes any d; with n-1 it dereferences nil while signing.
	d, last := new(big.Int).SetBytes(private[:]), new(big.Int).Sub(point.Params().N, big.NewInt(2))
	if d.Sign() == 0 || d.Cmp(last) > 0 {
		return nil, errors.New("SM2 private number out of [1, n-2]")
	}
	key, owned := &sm2.PrivateKey{PublicKey: *point, D: d}, append([]byte(nil), id...)
	return func(message []byte) ([]byte, error) {
		// Not key.Sign: that one knows no id.
		r, s, err := sm2.Sm2Sign(key, message, owned, rand.Reader)
		if err != nil {
			return nil, err
		}
		return asn1.Marshal(signature{r, s})
	}, nil
}

// NewSM2Verifier prepares a public key. What comes in must be one strict DER value:
// the library's own Verify ignores what stands behind it.
//
// Errors: numbers that are no SM2 key, a too long id.
func (Engine) NewSM2Verifier(public [65]byte, id []byte) (func(message, signature []byte) bool, error) {
	point, err := newPoint(public)
	if err != nil {
		return nil, err
	}
	za, err := sm2.ZA(point, id)
	if err != nil {
		return nil, err
	}
	return func(message, der []byte) bool {
		var s signature
		if rest, err := asn1.Unmarshal(der, &s); err != nil || len(rest) != 0 {
			return false
		}
		h := sm3.New()
		h.Write(za)
		h.Write(message)
		return sm2.Verify(point, h.Sum(nil), s.R, s.S)
	}, nil
}

// newPoint checks again what package sign has checked, because the library does
// not: under the all-zero key it would load, anybody can sign.
func newPoint(public [65]byte) (*sm2.PublicKey, error) {
	curve := sm2.P256Sm2()
	x, y := new(big.Int).SetBytes(public[1:33]), new(big.Int).SetBytes(public[33:])
	if public[0] != 4 || !onCurve(x, y) {
		return nil, errors.New("SM2 public key is not a point on the curve")
	}
	return &sm2.PublicKey{Curve: curve, X: x, Y: y}, nil
}

// onCurve reports y² = x³ - 3x + b with both in [0, p-1]. (0,0) is not on it.
func onCurve(x, y *big.Int) bool {
	params := sm2.P256Sm2().Params()
	if x.Cmp(params.P) >= 0 || y.Cmp(params.P) >= 0 {
		return false
	}
	right := new(big.Int).Mul(x, x)
	right.Sub(right, big.NewInt(3)).Mul(right, x).Add(right, params.B)
	left := new(big.Int).Mul(y, y)
	return left.Sub(left, right).Mod(left, params.P).Sign() == 0
}
