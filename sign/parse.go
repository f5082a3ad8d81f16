package sign

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// Object identifiers a key file names.
const (
	oidRSA       = "1.2.840.113549.1.1.1"
	oidEC        = "1.2.840.10045.2.1"
	oidSM2       = "1.2.156.10197.1.301"
	wantSM2      = "want SM2 (" + oidSM2 + ")"
	wantAnything = "want RSA or SM2 (" + oidSM2 + ")"
)

// otherKeys names what is in a file often enough to deserve a clear refusal.
func otherKeys(oid string) string {
	switch oid {
	case "1.2.840.10045.3.1.7":
		return "P-256 (prime256v1)"
	case "1.3.132.0.34":
		return "P-384 (secp384r1)"
	case "1.3.132.0.35":
		return "P-521 (secp521r1)"
	case "1.3.132.0.10":
		return "secp256k1"
	case "1.3.101.112":
		return "Ed25519"
	case "1.3.101.110":
		return "X25519"
	case "1.2.840.113549.1.1.10":
		return "RSA-PSS"
	case "1.2.840.10040.4.1":
		return "DSA"
	}
	return oid
}

type algorithmID struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

// pkcs8Key is RFC 5958 without the attributes, which asn1 passes over.
type pkcs8Key struct {
	Version   int
	Algorithm algorithmID
	Key       []byte
}

// pkcs1Key is RFC 8017 appendix A.1.2 for two primes.
type pkcs1Key struct {
	Version              int
	N                    *big.Int
	E                    *big.Int
	D, P, Q, DP, DQ, Inv *big.Int
}

// sec1Key is RFC 5915.
type sec1Key struct {
	Version int
	Key     []byte
	Curve   asn1.RawValue  `asn1:"optional,explicit,tag:0"`
	Public  asn1.BitString `asn1:"optional,explicit,tag:1"`
}

// spkiKey is the SubjectPublicKeyInfo of RFC 5280.
type spkiKey struct {
	Algorithm algorithmID
	Key       asn1.BitString
}

// certificateKey is as much of RFC 5280's Certificate as it takes to choose its parser.
type certificateKey struct {
	Signed struct {
		Version  int `asn1:"optional,explicit,default:0,tag:0"`
		Serial   *big.Int
		Sig      asn1.RawValue
		Issuer   asn1.RawValue
		Validity asn1.RawValue
		Subject  asn1.RawValue
		Key      asn1.RawValue
	}
}

// decode checks the shape of der and reads it into v.
func decode(source string, der []byte, v any) error {
	if problem := checkDER(der); problem != "" {
		return &KeyError{Source: source, Problem: problem}
	}
	if _, err := asn1.Unmarshal(der, v); err != nil {
		return &KeyError{Source: source, Problem: "not the structure its label names", Err: err}
	}
	return nil
}

func privateFromDER(source, label string, der []byte) (m *privateMaterial, err error) {
	defer recoverKey(source, &err)
	switch label {
	case labelRSAPrivate:
		return rsaPrivate(source, der)
	case labelECPrivate:
		return sm2Private(source, der, "")
	case labelSM2Private:
		return sm2Private(source, der, oidSM2)
	}
	var k pkcs8Key
	if err := decode(source, der, &k); err != nil {
		return nil, err
	}
	switch oid := k.Algorithm.Algorithm.String(); oid {
	case oidRSA:
		return rsaPrivate(source, k.Key)
	case oidEC, oidSM2:
		curve, err := checkCurve(source, k.Algorithm)
		if err != nil {
			return nil, err
		}
		return sm2Private(source, k.Key, curve)
	default:
		return nil, &KeyError{Source: source, Problem: otherKeys(oid) + " key, " + wantAnything}
	}
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

// checkCurve returns the SM2 curve's identifier, or refuses the curve named.
func checkCurve(source string, id algorithmID) (string, error) {
	if len(id.Parameters.FullBytes) == 0 {
		if id.Algorithm.String() == oidSM2 { // older toolkits name the curve alone
			return oidSM2, nil
		}
		return "", &KeyError{Source: source, Problem: "EC key without a curve, " + wantSM2}
	}
	return checkCurveOID(source, id.Parameters.FullBytes)
}

func checkCurveOID(source string, der []byte) (string, error) {
	var curve asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(der, &curve); err != nil {
		return "", &KeyError{Source: source, Problem: "EC key with curve parameters written out, want the curve's name"}
	}
	if oid := curve.String(); oid != oidSM2 {
		return "", &KeyError{Source: source, Problem: otherKeys(oid) + " key, " + wantSM2}
	}
	return oidSM2, nil
}

// sm2Private reads SEC 1. The curve comes from the container or the structure; if
// both name one, both must be SM2.
func sm2Private(source string, der []byte, curve string) (*privateMaterial, error) {
	var k sec1Key
	if err := decode(source, der, &k); err != nil {
		return nil, err
	}
	if k.Version != 1 {
		return nil, &KeyError{Source: source, Problem: fmt.Sprintf("EC key version %d, want 1", k.Version)}
	}
	if len(k.Curve.FullBytes) != 0 {
		var err error
		if curve, err = checkCurveOID(source, k.Curve.FullBytes); err != nil {
			return nil, err
		}
	}
	if curve == "" {
		return nil, &KeyError{Source: source, Problem: "EC key without a curve, " + wantSM2}
	}
	// d is 32 bytes by the standard; old OpenSSL wrote it without leading zeros.
	if len(k.Key) == 0 || len(k.Key) > sm2Size {
		return nil, &KeyError{Source: source, Problem: fmt.Sprintf("SM2 private number of %d bytes, want %d", len(k.Key), sm2Size)}
	}
	var d [sm2Size]byte
	copy(d[sm2Size-len(k.Key):], k.Key)
	defer clear(d[:])
	if !inSM2Range(d[:]) {
		return nil, &KeyError{Source: source, Problem: "SM2 private number out of [1, n-2]"}
	}
	key, err := sm2.NewPrivateKey(d[:])
	if err != nil {
		return nil, &KeyError{Source: source, Problem: "SM2 key does not work", Err: err}
	}
	if len(k.Public.Bytes) != 0 {
		public, err := sm2Public(source, k.Public.Bytes)
		if err != nil {
			return nil, err
		}
		if !key.PublicKey.Equal(public.sm2) {
			return nil, &KeyError{Source: source, Problem: "SM2 key with the public half of another"}
		}
	}
	return &privateMaterial{sm2: key}, nil
}

// inSM2Range reports 1 ≤ d ≤ n-2. With d = n-1, 1+d has no inverse and signing
// fails or loops; the standard excludes it.
func inSM2Range(d []byte) bool {
	limit := new(big.Int).Sub(sm2.P256().Params().N, big.NewInt(1)).FillBytes(make([]byte, sm2Size))
	return !bytes.Equal(d, make([]byte, sm2Size)) && bytes.Compare(d, limit) < 0
}

func publicFromDER(source string, der []byte) (m publicMaterial, err error) {
	defer recoverKey(source, &err)
	var k spkiKey
	if err := decode(source, der, &k); err != nil {
		return m, err
	}
	switch oid := k.Algorithm.Algorithm.String(); oid {
	case oidRSA:
		return rsaPublic(source, k.Key.RightAlign())
	case oidEC, oidSM2:
		if _, err := checkCurve(source, k.Algorithm); err != nil {
			return m, err
		}
		return sm2Public(source, k.Key.RightAlign())
	default:
		return m, &KeyError{Source: source, Problem: otherKeys(oid) + " key, " + wantAnything}
	}
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

// sm2Public reads an uncompressed point and checks that it is on the curve, which
// infinity and (0,0) are not.
func sm2Public(source string, point []byte) (publicMaterial, error) {
	if len(point) != 1+2*sm2Size || point[0] != 4 {
		return publicMaterial{}, &KeyError{Source: source, Problem: "SM2 public key is not an uncompressed point of 65 bytes"}
	}
	key, err := sm2.NewPublicKey(point)
	if err != nil {
		return publicMaterial{}, &KeyError{Source: source, Problem: "SM2 public key is not a point on the curve", Err: err}
	}
	return publicMaterial{sm2: key}, nil
}

// certificateFromDER takes key and validity. The key goes through the same checks
// as a bare one; the whole is parsed by the library that knows its curve.
func certificateFromDER(source string, der []byte) (m publicMaterial, err error) {
	defer recoverKey(source, &err)
	var c certificateKey
	if err := decode(source, der, &c); err != nil {
		return m, err
	}
	if m, err = publicFromDER(source, c.Signed.Key.FullBytes); err != nil {
		return m, err
	}
	if m.notBefore, m.notAfter, err = validity(der, m.sm2 != nil); err != nil {
		return m, &KeyError{Source: source, Problem: "not a certificate", Err: err}
	}
	return m, nil
}

func validity(der []byte, isSM2 bool) (notBefore, notAfter time.Time, err error) {
	if isSM2 {
		c, err := smx509.ParseCertificate(der)
		if err != nil {
			return notBefore, notAfter, err
		}
		return c.NotBefore, c.NotAfter, nil
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return notBefore, notAfter, err
	}
	return c.NotBefore, c.NotAfter, nil
}
