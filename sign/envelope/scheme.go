package envelope

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"github.com/bankrail/bankrail/sign"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// Scheme names how a field is encrypted under a public key. There is no RSA PKCS#1
// v1.5 among them: its padding has been an oracle since 1998 and Go's own
// documentation calls it dangerous.
type Scheme string

// Encryption under an RSA key.
const (
	// RSAOAEPSHA256 is RSAES-OAEP with SHA-256 and MGF1 with SHA-256, empty label.
	// Source: RFC 8017 section 7.1.
	RSAOAEPSHA256 Scheme = "RSA-OAEP-SHA256"
	// LegacyRSAOAEPSHA1 is the same with SHA-1 in both places, "RSA/ECB/
	// OAEPWithSHA-1AndMGF1Padding", which WeChat v3 demands for sensitive fields.
	LegacyRSAOAEPSHA1 Scheme = "RSA-OAEP-SHA1"
)

// Encryption under an SM2 key: C1 is a point of 65 bytes beginning with 04, C3 an SM3
// of 32 bytes, C2 as long as the plaintext. Source: GB/T 32918.4-2016, which has the
// order C1‖C3‖C2; the draft before it had C1‖C2‖C3, and some gateways still do.
const (
	SM2C1C3C2 Scheme = "SM2-C1C3C2"
	SM2C1C2C3 Scheme = "SM2-C1C2C3"
	// SM2ASN1 is strict DER: SEQUENCE of x, y (INTEGER), C3, C2 (OCTET STRING), as
	// OpenSSL writes it. Source: GM/T 0009-2012 section 7.2.
	SM2ASN1 Scheme = "SM2-ASN1"
)

// KeyConfig is what sealing and opening need besides the key.
type KeyConfig struct {
	// Scheme has to fit the key. Required.
	Scheme Scheme
	// Legacy1024 admits an RSA key of 1024 to 2047 bits, for a gateway that still
	// demands one. Defaults to false.
	Legacy1024 bool
}

// minRSABits is the shortest RSA key without Legacy1024. sign has refused everything
// below 1024 and above 4096 bits.
const minRSABits = 2048

// forRSA checks that the scheme is one and fits the kind of key.
func (c KeyConfig) forRSA(algorithm sign.Algorithm) (bool, error) {
	switch c.Scheme {
	case RSAOAEPSHA256, LegacyRSAOAEPSHA1:
		if algorithm != sign.RSASHA256 {
			return false, keyProblem("%s needs an RSA key", c.Scheme)
		}
		return true, nil
	case SM2C1C3C2, SM2C1C2C3, SM2ASN1:
		if algorithm != sign.SM2SM3 {
			return false, keyProblem("%s needs an SM2 key", c.Scheme)
		}
		return false, nil
	case "":
		return false, keyProblem("no scheme is given")
	}
	return false, keyProblem("unknown scheme; RSA PKCS#1 v1.5 is refused whatever its name")
}

func (c KeyConfig) checkRSA(key *rsa.PublicKey) error {
	if bits := key.N.BitLen(); bits < minRSABits && !c.Legacy1024 {
		return keyProblem("RSA key is %d bits, want at least %d; Legacy1024 admits it", bits, minRSABits)
	}
	return nil
}

func keyProblem(format string, args ...any) error {
	return &sign.KeyError{Source: "envelope", Problem: fmt.Sprintf(format, args...)}
}

// publicKey reads the numbers of a key sign has validated, by the one way out it has.
func publicKey(key *sign.PublicKey) (any, error) {
	if key.Algorithm() == "" {
		return nil, keyProblem("no key")
	}
	// A header line for the environment is not needed here, and may be unusable.
	text, err := key.WithEnvironment("").PEM()
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, keyProblem("cannot be read back")
	}
	if key.Algorithm() == sign.RSASHA256 {
		return x509.ParsePKIXPublicKey(block.Bytes)
	}
	return smx509.ParsePKIXPublicKey(block.Bytes)
}

func privateKey(key *sign.PrivateKey) (any, error) {
	if key.Algorithm() == "" {
		return nil, keyProblem("no key")
	}
	text, err := key.WithEnvironment("").PEM()
	if err != nil {
		return nil, err
	}
	defer clear(text)
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, keyProblem("cannot be read back")
	}
	defer clear(block.Bytes)
	if key.Algorithm() == sign.RSASHA256 {
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	return smx509.ParsePKCS8PrivateKey(block.Bytes)
}

// numbers are the two kinds of key; one of each pair is set.
type numbers struct {
	scheme     Scheme
	rsaPublic  *rsa.PublicKey
	rsaPrivate *rsa.PrivateKey
	sm2Public  *ecdsa.PublicKey
	sm2Private *sm2.PrivateKey
}
