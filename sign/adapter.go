package sign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// adapter signs with a key this process does not hold.
type adapter struct {
	local
	key       crypto.Signer
	algorithm Algorithm
	digest    func(message []byte) []byte
	opts      crypto.SignerOpts
	finish    func(message, signature []byte) ([]byte, string) // form, and Check
}

var _ Signer = (*adapter)(nil)

// NewSignerFrom makes a signer of any [crypto.Signer]: a hardware module, a key
// service, an agent. Its public key is RSA, or ECDSA on the SM2 curve; both halves
// are held to the bounds of [ParsePublicKey] and [SignerConfig].
//
// key gets the digest of the message. For RSA the options name hash and padding, as
// package crypto/rsa understands them. For SM2 the digest is e = SM3(Z_A ‖ message)
// of 32 bytes, computed here with the public key and the id, and the options are
// crypto.Hash(0); key must sign it as it is, without another SM3 or Z_A, and answer
// in DER, whatever cfg.SM2Form is. A message is signed once here to see it do so:
// a module that hashes again, or has another private key than it says, is found at
// construction and not by the bank.
//
// key has to be safe for concurrent use. cfg.Engine is for keys in memory and is
// refused; cfg.Check is used. A signer made here is marked for no environment.
//
// Errors: ErrKey for no key, a public key that [NewKeyRing] would refuse, an option
// that is not for the key, or a first signature that fails or does not verify.
func NewSignerFrom(key crypto.Signer, cfg SignerConfig) (Signer, error) {
	const source = "signer"
	refuse := func(problem string, err error) (Signer, error) {
		return nil, &KeyError{Source: source, Problem: problem, Err: err}
	}
	if key == nil {
		return nil, errNoKey(source)
	}
	if cfg.Engine != nil {
		return refuse("Engine is set, the key signs by itself", nil)
	}
	public, err := publicOf(source, key.Public())
	if err != nil {
		return nil, err
	}
	use, problem := keyUseOf(public.Algorithm(), cfg.Algorithm, cfg.SM2ID, cfg.SM2EmptyID, cfg.SM2Form, cfg.PSSAutoSalt)
	if problem != "" {
		return refuse(problem, nil)
	}
	a := &adapter{local: local{keyID: cfg.KeyID}, key: key, algorithm: use}
	var own func(message, signature []byte) string
	if public.material.rsa != nil {
		if cfg.Check != nil {
			return refuse("Check is set, the key is RSA", nil)
		}
		if problem := checkRSAUse(public.material.rsa, cfg.Legacy1024); problem != "" {
			return refuse(problem, nil)
		}
		own, err = a.rsa(public.material.rsa, cfg)
	} else {
		own, err = a.sm2(public.material.sm2, cfg)
	}
	if err != nil {
		return refuse("cannot sign", err)
	}
	probe := []byte("probe")
	signature, err := a.Sign(context.Background(), probe)
	if err != nil {
		return refuse("cannot sign", err)
	}
	if problem := own(probe, signature); problem != "" {
		return refuse("its first signature is not one of its own public key: "+problem, nil)
	}
	return a, nil
}

// publicOf takes a public key from outside through the checks of a key file.
func publicOf(source string, key crypto.PublicKey) (*PublicKey, error) {
	var (
		der []byte
		err error
	)
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key == nil || key.N == nil {
			return nil, errNoKey(source)
		}
		der, err = x509.MarshalPKIXPublicKey(key)
	case *ecdsa.PublicKey:
		if key == nil || key.Curve == nil {
			return nil, errNoKey(source)
		}
		der, err = smx509.MarshalPKIXPublicKey(key)
	default:
		return nil, &KeyError{Source: source, Problem: fmt.Sprintf("public key is %T, want *rsa.PublicKey or *ecdsa.PublicKey on the SM2 curve", key)}
	}
	if err != nil {
		return nil, &KeyError{Source: source, Problem: "its public key is unusable", Err: err}
	}
	return parsePublicKey(source, pem.EncodeToMemory(&pem.Block{Type: labelPublic, Bytes: der}))
}

func (a *adapter) rsa(key *rsa.PublicKey, cfg SignerConfig) (own func(message, signature []byte) string, err error) {
	scheme, err := newRSAScheme(key, a.algorithm, cfg.PSSAutoSalt)
	if err != nil {
		return nil, err
	}
	a.digest, a.opts = scheme.digest, a.algorithm.rsaHash()
	if a.algorithm == RSAPSSSHA256 {
		a.opts = scheme.salt()
	}
	size := key.Size()
	a.finish = func(_, signature []byte) ([]byte, string) {
		if len(signature) != size {
			return nil, fmt.Sprintf("%d bytes, want %d", len(signature), size)
		}
		return signature, ""
	}
	return func(message, signature []byte) string { return scheme.problem(key, message, signature) }, nil
}

func (a *adapter) sm2(key *ecdsa.PublicKey, cfg SignerConfig) (own func(message, signature []byte) string, err error) {
	use, err := newSM2Use(nil, cfg.SM2ID, cfg.SM2EmptyID, cfg.SM2Form)
	if err != nil {
		return nil, err
	}
	verifier, err := use.verifier(sm2Numbers(key))
	if err != nil {
		return nil, err
	}
	var checked sm2Verifier
	if cfg.Check != nil {
		second := use
		second.engine = cfg.Check
		if checked, err = second.verifier(sm2Numbers(key)); err != nil {
			return nil, err
		}
	}
	za, err := sm2.CalculateZA(key, use.id)
	if err != nil {
		return nil, err
	}
	a.digest, a.opts = sm2Hash{za}.sum, crypto.Hash(0)
	a.finish = func(message, der []byte) ([]byte, string) {
		signature, problem := cfg.SM2Form.fromDER(der)
		if problem == "" && cfg.Check != nil {
			problem = checked.problem(message, signature)
		}
		return signature, problem
	}
	return verifier.problem, nil
}

func (a *adapter) Algorithm() Algorithm { return a.algorithm }

// Sign asks the key. crypto.Signer has no context: one that is over already is
// looked at, a call under way is not ended.
func (a *adapter) Sign(ctx context.Context, message []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	signature, err := a.key.Sign(rand.Reader, a.digest(message), a.opts)
	if err != nil {
		return nil, fmt.Errorf("sign: %s by %T: %w", a.algorithm, a.key, err)
	}
	out, problem := a.finish(message, signature)
	if problem != "" {
		return nil, errors.New("sign: " + string(a.algorithm) + ": the key's answer is no signature: " + problem)
	}
	return out, nil
}
