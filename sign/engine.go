package sign

import (
	"crypto/ecdsa"
	"crypto/rand"
	"fmt"
	"hash"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
)

// Engine computes SM2 signatures and SM3 digests. Keys, ids and encodings stay the
// business of this package: an engine gets numbers that were checked (1 ≤ d ≤ n-2,
// a point on the curve) and signatures in strict DER with both integers in
// [1, n-1], and what it returns is checked again before anybody sees it.
//
// The default is emmansun/gmsm. Package sign/tjfoc has another, slower and not in
// constant time, as a second opinion ([SignerConfig].Check). Implementations are
// safe for concurrent use and compute the same results.
type Engine interface {
	// Name says which engine it is, in errors.
	Name() string
	// NewSM3 returns an SM3 hash. Source: GB/T 32905-2016.
	NewSM3() hash.Hash
	// NewSM2Signer prepares a key: private is d, public the uncompressed point
	// of 65 bytes, id the signer's id in Z_A (0 to 8191 bytes). The function
	// it returns signs a message, not a digest, and answers in strict DER.
	// Source: GB/T 32918.2-2016.
	//
	// An error says that the engine cannot sign with this key or id.
	NewSM2Signer(private [32]byte, public [65]byte, id []byte) (func(message []byte) (signature []byte, err error), error)
	// NewSM2Verifier is the same for the other side.
	NewSM2Verifier(public [65]byte, id []byte) (func(message, signature []byte) bool, error)
}

// DefaultEngine is the one used where none is named, emmansun/gmsm: in constant
// time and fast.
func DefaultEngine() Engine { return emmansun{} }

// engineOr returns e, or the default.
func engineOr(e Engine) Engine {
	if e == nil {
		return DefaultEngine()
	}
	return e
}

// emmansun is the default engine.
type emmansun struct{}

var _ Engine = emmansun{}

func (emmansun) Name() string { return "emmansun/gmsm" }

func (emmansun) NewSM3() hash.Hash { return sm3.New() }

func (emmansun) NewSM2Signer(private [32]byte, _ [65]byte, id []byte) (func([]byte) ([]byte, error), error) {
	defer clear(private[:])
	key, err := sm2.NewPrivateKey(private[:])
	if err != nil {
		return nil, err
	}
	h := newSM2Hash(sm2Numbers(&key.PublicKey), id)
	return func(message []byte) ([]byte, error) {
		return signSM2(key, h.sum(message))
	}, nil
}

func (emmansun) NewSM2Verifier(public [65]byte, id []byte) (func(message, signature []byte) bool, error) {
	key, err := sm2.NewPublicKey(public[:])
	if err != nil {
		return nil, err
	}
	h := newSM2Hash(public, id)
	return func(message, signature []byte) bool {
		return sm2.VerifyASN1(key, h.sum(message), signature)
	}, nil
}

func signSM2(key *sm2.PrivateKey, e []byte) ([]byte, error) {
	signature, err := sm2.SignASN1(rand.Reader, key, e, nil)
	if err != nil {
		return nil, fmt.Errorf("sign: sm2: %w", err)
	}
	return signature, nil
}

// sm2Numbers are the coordinates of a key as an engine gets them.
func sm2Numbers(key *ecdsa.PublicKey) (point [65]byte) {
	point[0] = 4
	key.X.FillBytes(point[1:33])
	key.Y.FillBytes(point[33:])
	return point
}
