package sign

import (
	"encoding/asn1"
	"fmt"

	"github.com/emmansun/gmsm/sm2"
)

// sec1Key is RFC 5915.
type sec1Key struct {
	Version int
	Key     []byte
	Curve   asn1.RawValue  `asn1:"optional,explicit,tag:0"`
	Public  asn1.BitString `asn1:"optional,explicit,tag:1"`
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
	if rest, err := asn1.Unmarshal(der, &curve); err != nil || len(rest) != 0 {
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
	if !sec1Members(der, len(k.Public.Bytes) != 0) {
		return nil, &KeyError{Source: source, Problem: "EC key with members that are none of RFC 5915"}
	}
	if len(k.Curve.FullBytes) != 0 { // asn1 gives a raw value with its explicit tag
		var err error
		if curve, err = checkCurveOID(source, k.Curve.Bytes); err != nil {
			return nil, err
		}
	}
	if curve == "" {
		return nil, &KeyError{Source: source, Problem: "EC key without a curve, " + wantSM2}
	}
	m, err := sm2FromNumber(source, k.Key)
	if err != nil {
		return nil, err
	}
	if len(k.Public.Bytes) != 0 {
		public, err := sm2Public(source, k.Public.Bytes)
		if err != nil {
			return nil, err
		}
		if !m.sm2.PublicKey.Equal(public.sm2) {
			return nil, &KeyError{Source: source, Problem: "SM2 key with the public half of another"}
		}
	}
	return m, nil
}

// sec1Members reports that a key has no members but version, number, [0] and [1],
// and that [1] was read if it is there. asn1 passes over what it does not expect, so
// a flipped bit in a tag would take away the public half, which is what a damaged
// number is known by.
func sec1Members(der []byte, public bool) bool {
	_, content, _, _ := cutDER(der)
	tags := ""
	for len(content) > 0 {
		tags += string(rune(content[0]))
		_, _, content, _ = cutDER(content)
	}
	switch tags {
	case "\x02\x04", "\x02\x04\u00a0":
		return true
	case "\x02\x04\u00a1", "\x02\x04\u00a0\u00a1":
		return public
	}
	return false
}

// sm2FromNumber makes a key of d, which is 32 bytes by the standard; old OpenSSL
// wrote it without leading zeros.
func sm2FromNumber(source string, number []byte) (*privateMaterial, error) {
	if len(number) == 0 || len(number) > sm2Size {
		return nil, &KeyError{Source: source, Problem: fmt.Sprintf("SM2 private number of %d bytes, want %d", len(number), sm2Size)}
	}
	var d [sm2Size]byte
	copy(d[sm2Size-len(number):], number)
	defer clear(d[:])
	if !inSM2Range(&d) {
		return nil, &KeyError{Source: source, Problem: "SM2 private number out of [1, n-2]"}
	}
	key, err := sm2.NewPrivateKey(d[:])
	if err != nil {
		return nil, &KeyError{Source: source, Problem: "SM2 key does not work", Err: err}
	}
	return &privateMaterial{sm2: key}, nil
}

// inSM2Range reports 1 ≤ d ≤ n-2. A string comparison takes a time that depends on
// the leading bytes, but only when a key is loaded, which nobody can repeat at will.
func inSM2Range(d *[sm2Size]byte) bool {
	return *d != [sm2Size]byte{} && string(d[:]) < sm2Below
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
