package sign

import (
	"context"
	"crypto/rsa"

	"github.com/emmansun/gmsm/sm2"
)

// SignerConfig is what a signer needs besides its key. The zero value works.
type SignerConfig struct {
	// KeyID is the serial the other side knows the key by. Defaults to none.
	KeyID string
	// SM2ID is the signer's id in Z_A, 1 to 8191 bytes; for SM2 keys only.
	// Defaults to 1234567812345678.
	SM2ID string
	// Legacy1024 admits an RSA key of 1024 to 2047 bits, for a gateway that
	// still demands one. Defaults to false.
	Legacy1024 bool
}

// NewSigner makes a signer of a key in memory. It signs with SM2 once to see that
// SM2 works in this process. The result also has a method Environment() string,
// the key's.
//
// Errors: ErrKey for no key, a short RSA key without Legacy1024, an SM2ID that is
// too long or given for RSA, or SM2 in FIPS 140-only mode.
func NewSigner(k *PrivateKey, cfg SignerConfig) (Signer, error) {
	if k.Algorithm() == "" {
		return nil, errNoKey("signer")
	}
	base := local{keyID: cfg.KeyID, env: k.Environment()}
	if k.material.rsa != nil {
		if cfg.SM2ID != "" {
			return nil, &KeyError{Source: "signer", Problem: "SM2ID is set, the key is RSA"}
		}
		if problem := checkRSAUse(&k.material.rsa.PublicKey, cfg.Legacy1024); problem != "" {
			return nil, &KeyError{Source: "signer", Problem: problem}
		}
		return &rsaSigner{local: base, key: k.material.rsa}, nil
	}
	hash, err := newSM2Hash(&k.material.sm2.PublicKey, cfg.SM2ID)
	if err == nil {
		err = probeSM2Signer(k.material.sm2, hash)
	}
	if err != nil {
		return nil, &KeyError{Source: "signer", Problem: "cannot sign", Err: err}
	}
	return &sm2Signer{local: base, key: k.material.sm2, hash: hash}, nil
}

// local is what both signers in memory share.
type local struct{ keyID, env string }

func (l local) KeyID() string       { return l.keyID }
func (l local) Environment() string { return l.env }

type rsaSigner struct {
	local
	key *rsa.PrivateKey
}

var _ Signer = (*rsaSigner)(nil)

func (*rsaSigner) Algorithm() Algorithm { return RSASHA256 }

func (s *rsaSigner) Sign(_ context.Context, message []byte) ([]byte, error) {
	return signRSA(s.key, message)
}

type sm2Signer struct {
	local
	key  *sm2.PrivateKey
	hash sm2Hash
}

var _ Signer = (*sm2Signer)(nil)

func (*sm2Signer) Algorithm() Algorithm { return SM2SM3 }

func (s *sm2Signer) Sign(_ context.Context, message []byte) ([]byte, error) {
	return signSM2(s.key, s.hash.sum(message))
}
