package sign

import (
	"crypto/rsa"
	"crypto/x509"
	"math/big"
)

// pkcs1Key is RFC 8017 appendix A.1.2 for two primes.
type pkcs1Key struct {
	Version              int
	N                    *big.Int
	E                    *big.Int
	D, P, Q, DP, DQ, Inv *big.Int
}

func rsaPrivate(source string, der []byte) (*privateMaterial, error) {
	var k pkcs1Key
	if err := decode(source, der, &k); err != nil {
		return nil, err
	}
	if k.Version != 0 {
		return nil, &KeyError{Source: source, Problem: "RSA key with more than two primes"}
	}
	if problem := checkRSANumbers(k.N, k.E); problem != "" {
		return nil, &KeyError{Source: source, Problem: problem}
	}
	// No part is longer than the modulus; the library's checks compute with them.
	for _, v := range []*big.Int{k.D, k.P, k.Q, k.DP, k.DQ, k.Inv} {
		if v.Sign() <= 0 || v.BitLen() > k.N.BitLen() {
			return nil, &KeyError{Source: source, Problem: "RSA key whose parts do not belong together"}
		}
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err == nil {
		err = key.Validate()
	}
	if err != nil {
		return nil, &KeyError{Source: source, Problem: "RSA key whose parts do not belong together"}
	}
	return &privateMaterial{rsa: key}, nil
}

func rsaPublic(source string, der []byte) (publicMaterial, error) {
	var k struct{ N, E *big.Int }
	if err := decode(source, der, &k); err != nil {
		return publicMaterial{}, err
	}
	if problem := checkRSANumbers(k.N, k.E); problem != "" {
		return publicMaterial{}, &KeyError{Source: source, Problem: problem}
	}
	return publicMaterial{rsa: &rsa.PublicKey{N: k.N, E: int(k.E.Int64())}}, nil
}
