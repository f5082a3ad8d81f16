package sign

import (
	"context"
	"crypto/rsa"
)

// SignerConfig is what a signer needs besides its key. The zero value works.
type SignerConfig struct {
	// Algorithm is one that fits the key. Defaults to RSASHA256 or SM2SM3.
	Algorithm Algorithm
	// KeyID is the serial the other side knows the key by. Defaults to none.
	KeyID string
	// SM2ID is the signer's id in Z_A, 1 to 8191 bytes; for SM2 keys only.
	// Defaults to 1234567812345678.
	SM2ID string
	// SM2EmptyID takes no id at all, as OpenSSL does when nobody names one; for
	// SM2 keys only, without SM2ID. Defaults to false.
	SM2EmptyID bool
	// SM2Form is how a signature is written; for SM2 keys only. Defaults to
	// SM2DER.
	SM2Form SM2Form
	// Engine signs; for SM2 keys only. Defaults to emmansun/gmsm.
	Engine Engine
	// Check verifies every signature before it leaves, so that a fault of one
	// engine sends nothing; for SM2 keys only. With Engine nil, tjfoc.Engine{}
	// is the independent choice, at the price of its verification (1.6 ms).
	// Defaults to none.
	Check Engine
	// PSSAutoSalt takes the longest salt that fits instead of 32 bytes; for
	// RSAPSSSHA256 only. Defaults to false.
	PSSAutoSalt bool
	// Legacy1024 admits an RSA key of 1024 to 2047 bits, for a gateway that
	// still demands one. Defaults to false.
	Legacy1024 bool
}

// NewSigner makes a signer of a key in memory. It tries the algorithm once to see
// that it works in this process. The result also has a method Environment()
// string, the key's.
//
// Errors: ErrKey for no key, an Algorithm the key is not for, a short RSA key
// without Legacy1024, an SM2ID that is too long, an option of SM2 given for RSA or
// the other way round, or an algorithm that does not work here (SM2, SHA-1 and MD5
// in FIPS 140-only mode).
func NewSigner(k *PrivateKey, cfg SignerConfig) (Signer, error) {
	if k.Algorithm() == "" {
		return nil, errNoKey("signer")
	}
	refuse := func(problem string, err error) (Signer, error) {
		return nil, &KeyError{Source: "signer", Problem: problem, Err: err}
	}
	use, problem := keyUseOf(k.Algorithm(), cfg.Algorithm, cfg.SM2ID, cfg.SM2EmptyID, cfg.SM2Form, cfg.PSSAutoSalt)
	if problem != "" {
		return refuse(problem, nil)
	}
	base := local{keyID: cfg.KeyID, env: k.Environment()}
	if k.material.rsa != nil {
		if cfg.Engine != nil || cfg.Check != nil {
			return refuse("Engine or Check is set, the key is RSA", nil)
		}
		if problem := checkRSAUse(&k.material.rsa.PublicKey, cfg.Legacy1024); problem != "" {
			return refuse(problem, nil)
		}
		scheme, err := newRSAScheme(&k.material.rsa.PublicKey, use, cfg.PSSAutoSalt)
		if err != nil {
			return refuse("cannot sign", err)
		}
		return &rsaSigner{local: base, key: k.material.rsa, scheme: scheme}, nil
	}
	sm2Use, err := newSM2Use(cfg.Engine, cfg.SM2ID, cfg.SM2EmptyID, cfg.SM2Form)
	if err != nil {
		return refuse("cannot sign", err)
	}
	s, err := sm2Use.signer(k.material.sm2, cfg.Check)
	if err != nil {
		return refuse("cannot sign", err)
	}
	s.local = base
	return s, nil
}

// keyUseOf returns the algorithm, or names the option that is not for this key.
func keyUseOf(key, asked Algorithm, id string, emptyID bool, form SM2Form, autoSalt bool) (a Algorithm, problem string) {
	if a, problem = forKey(key, asked); problem != "" {
		return "", problem
	}
	switch {
	case key == RSASHA256 && id != "":
		return "", "SM2ID is set, the key is RSA"
	case key == RSASHA256 && (emptyID || form != ""):
		return "", "SM2EmptyID or SM2Form is set, the key is RSA"
	case autoSalt && a != RSAPSSSHA256:
		return "", "PSSAutoSalt is set, the algorithm is " + string(a)
	}
	return a, ""
}

// local is what both signers in memory share.
type local struct{ keyID, env string }

func (l local) KeyID() string       { return l.keyID }
func (l local) Environment() string { return l.env }

type rsaSigner struct {
	local
	key    *rsa.PrivateKey
	scheme rsaScheme
}

var _ Signer = (*rsaSigner)(nil)

func (s *rsaSigner) Algorithm() Algorithm { return s.scheme.algorithm }

func (s *rsaSigner) Sign(_ context.Context, message []byte) ([]byte, error) {
	return s.scheme.sign(s.key, message)
}

type sm2Signer struct {
	local
	engine  Engine
	sign    func(message []byte) ([]byte, error)
	form    SM2Form
	check   Engine
	checked sm2Verifier
}

var _ Signer = (*sm2Signer)(nil)

func (*sm2Signer) Algorithm() Algorithm { return SM2SM3 }

func (s *sm2Signer) Sign(_ context.Context, message []byte) ([]byte, error) {
	return s.make(message)
}

func (s *sm2Signer) make(message []byte) ([]byte, error) {
	der, err := s.sign(message)
	if err != nil {
		return nil, errEngine(s.engine, err.Error())
	}
	signature, problem := s.form.fromDER(der)
	if problem != "" {
		return nil, errEngine(s.engine, problem)
	}
	if s.check != nil {
		if problem := s.checked.problem(message, signature); problem != "" {
			return nil, &Error{Part: partSignature, KeyID: s.keyID, Digest: digest(message),
				Problem: s.check.Name() + " does not accept what " + s.engine.Name() + " signed: " + problem}
		}
	}
	return signature, nil
}
