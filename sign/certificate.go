package sign

import (
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"time"

	"github.com/emmansun/gmsm/smx509"
)

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
