package sign

import (
	"encoding/asn1"
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
	if len(oid) > 64 {
		return "unknown"
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

// spkiKey is the SubjectPublicKeyInfo of RFC 5280.
type spkiKey struct {
	Algorithm algorithmID
	Key       asn1.BitString
}

// decode checks the shape of der and reads it into v.
func decode(source string, der []byte, v any) error {
	if problem := checkDER(der); problem != "" {
		return &KeyError{Source: source, Problem: problem}
	}
	// asn1's own words are about Go types, and no help to the owner of a file.
	if _, err := asn1.Unmarshal(der, v); err != nil {
		return &KeyError{Source: source, Problem: "not the structure its label names"}
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
