package sign

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"

	"github.com/emmansun/gmsm/smx509"
)

// maxIssuers bounds a file of roots.
const maxIssuers = 64

// certificate reads one, through the checks of a key.
func (u *unlock) certificate(b []byte) (c *smx509.Certificate, m publicMaterial, err error) {
	defer recoverKey(u.source, &err)
	var der []byte
	if bytes.Contains(b, []byte("-----BEGIN ")) {
		block, err := onePEM(u.source, b, labelCertificate)
		if err != nil {
			return nil, m, err
		}
		der = block.Bytes
	} else if der, err = u.bareDER(b); err != nil {
		return nil, m, err
	}
	if m, err = certificateFromDER(u.source, der); err != nil {
		return nil, m, err
	}
	if c, err = smx509.ParseCertificate(der); err != nil {
		return nil, m, &KeyError{Source: u.source, Problem: "not a certificate", Err: err}
	}
	return c, m, nil
}

// addIssuers puts the certificates of a PEM into the pool of their kind.
func addIssuers(source string, text []byte, pool *x509.CertPool, sm2Pool *smx509.CertPool) (err error) {
	u := &unlock{source: source}
	defer recoverKey(source, &err)
	if len(text) > maxIssuers*maxKeyFile {
		return u.refuse("larger than %d bytes", maxIssuers*maxKeyFile)
	}
	count := 0
	for rest := text; len(bytes.TrimSpace(rest)) > 0; count++ {
		block, after := pem.Decode(rest)
		if block == nil || block.Type != labelCertificate || len(block.Bytes) > maxKeyFile {
			return u.refuse("certificate %d is not a PEM block %s", count+1, labelCertificate)
		}
		if count == maxIssuers {
			return u.refuse("more than %d certificates", maxIssuers)
		}
		rest = after
		m, err := certificateFromDER(source, block.Bytes)
		if err != nil {
			return err
		}
		c, err := smx509.ParseCertificate(block.Bytes)
		if err != nil {
			return u.refuse("certificate %d cannot be read", count+1)
		}
		if !c.BasicConstraintsValid || !c.IsCA {
			return u.refuse("certificate %d is not an issuer's", count+1)
		}
		if m.sm2 != nil {
			sm2Pool.AddCert(c)
			continue
		}
		r, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return u.refuse("certificate %d cannot be read", count+1)
		}
		pool.AddCert(r)
	}
	if count == 0 {
		return u.refuse("no certificates")
	}
	return nil
}
