package sign

import (
	"bytes"
	"encoding/asn1"
)

// Object identifiers of PKCS#12. Source: RFC 7292 appendix D, RFC 2315 section 14.
const (
	oidData          = "1.2.840.113549.1.7.1"
	oidEncryptedData = "1.2.840.113549.1.7.6"
	oidKeyBag        = "1.2.840.113549.1.12.10.1.1"
	oidShroudedBag   = "1.2.840.113549.1.12.10.1.2"
	oidCertBag       = "1.2.840.113549.1.12.10.1.3"
	oidX509          = "1.2.840.113549.1.9.22.1"
)

// maxBags bounds the parts of a PKCS#12 file; a key with its chain has about five.
const maxBags = 32

type pfx struct {
	Version int
	Safe    contentInfo
	MAC     pfxMAC `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"optional,explicit,tag:0"`
}

type encryptedData struct {
	Version int
	Content struct {
		Type      asn1.ObjectIdentifier
		Algorithm algorithmID
		Data      asn1.RawValue `asn1:"optional,tag:0"`
	}
}

// safeBag has the bag's attributes (names and links) read over: they are bytes of
// the file that nothing vouches for.
type safeBag struct {
	Type       asn1.ObjectIdentifier
	Value      asn1.RawValue `asn1:"explicit,tag:0"`
	Attributes asn1.RawValue `asn1:"optional,set"`
}

type certBag struct {
	Type asn1.ObjectIdentifier
	Cert []byte `asn1:"explicit,tag:0"`
}

// pfxBags is what is of use in a file: one key, which may be encrypted still, and
// certificates. Bags in bags, passwords, CRLs and further keys are not.
type pfxBags struct {
	key          []byte
	shrouded     bool
	certificates [][]byte
	locked       error // why a part with certificates did not open, or nil
	count        int
}

func (u *unlock) pfxPrivate(der []byte) (*privateMaterial, error) {
	bags, err := u.pfxOpen(der)
	if err != nil {
		return nil, err
	}
	return u.pfxKey(bags)
}

func (u *unlock) pfxKey(bags *pfxBags) (*privateMaterial, error) {
	switch {
	case bags.key == nil && bags.locked != nil:
		return nil, bags.locked
	case bags.key == nil:
		return nil, u.refuse("PKCS#12 without a private key")
	case bags.shrouded:
		return u.encryptedKey(bags.key)
	}
	return privateFromDER(u.source, labelPrivate, bags.key)
}

// pfxPublic returns the certificate of the key in the file, or the only one where
// there is no key; the others are its issuers.
func (u *unlock) pfxPublic(der []byte) (m publicMaterial, err error) {
	bags, err := u.pfxOpen(der)
	if err != nil {
		return m, err
	}
	if len(bags.certificates) == 0 {
		if bags.locked != nil {
			return m, bags.locked
		}
		return m, u.refuse("PKCS#12 without a certificate")
	}
	if bags.key == nil {
		if len(bags.certificates) > 1 {
			return m, u.refuse("PKCS#12 with %d certificates and no key to tell which", len(bags.certificates))
		}
		return certificateFromDER(u.source, bags.certificates[0])
	}
	private, err := u.pfxKey(bags)
	if err != nil {
		return m, err
	}
	want, err := (&PrivateKey{material: private}).Public().spki()
	if err != nil {
		return m, err
	}
	for _, c := range bags.certificates {
		m, err := certificateFromDER(u.source, c)
		if err != nil {
			continue // an issuer's key need not be one of ours
		}
		if have, err := (&PublicKey{material: m}).spki(); err == nil && bytes.Equal(have, want) {
			return m, nil
		}
	}
	return m, u.refuse("PKCS#12 without the certificate of its key")
}

func (u *unlock) pfxOpen(der []byte) (*pfxBags, error) {
	var p pfx
	if err := decode(u.source, der, &p); err != nil {
		return nil, err
	}
	if p.Version != 3 {
		return nil, u.refuse("PKCS#12 version %d, want 3", p.Version)
	}
	if p.Safe.Type.String() != oidData {
		return nil, u.refuse("PKCS#12 sealed with a public key, want a password")
	}
	safe, err := u.octets(p.Safe.Content)
	if err != nil {
		return nil, err
	}
	if err := u.pfxCheckMAC(p.MAC, safe); err != nil {
		return nil, err
	}
	bags := &pfxBags{}
	err = u.each(safe, &bags.count, func(item []byte) error {
		var c contentInfo
		if err := decode(u.source, item, &c); err != nil {
			return err
		}
		switch c.Type.String() {
		case oidData:
			content, err := u.octets(c.Content)
			if err != nil {
				return err
			}
			return u.pfxBags(bags, content)
		case oidEncryptedData:
			return u.pfxEncrypted(bags, c.Content.Bytes)
		}
		return u.refuse("PKCS#12 with a part sealed with a public key, want a password")
	})
	if err != nil {
		return nil, err
	}
	return bags, nil
}

// pfxEncrypted opens a part under the password. A scheme that is not supported is
// kept as the reason why nothing was found: it mostly hides certificates only.
func (u *unlock) pfxEncrypted(bags *pfxBags, der []byte) error {
	var e encryptedData
	if err := decode(u.source, der, &e); err != nil {
		return err
	}
	oid := e.Content.Algorithm.Algorithm.String()
	if oid != oidPBES2 && oid != oidPFXDES3 {
		bags.locked = u.refuse("PKCS#12 encrypted with %s; convert it: %s", encryptionName(oid), convertPFX)
		return nil
	}
	plain, err := u.decrypt(e.Content.Algorithm, e.Content.Data.Bytes)
	if err != nil {
		return err
	}
	if checkDER(plain) != "" {
		return u.wrong()
	}
	return u.pfxBags(bags, plain)
}

func (u *unlock) pfxBags(bags *pfxBags, der []byte) error {
	return u.each(der, &bags.count, func(item []byte) error {
		var b safeBag
		if err := decode(u.source, item, &b); err != nil {
			return err
		}
		switch oid := b.Type.String(); oid {
		case oidKeyBag, oidShroudedBag:
			if bags.key != nil {
				return u.refuse("more than one key")
			}
			bags.key, bags.shrouded = b.Value.Bytes, oid == oidShroudedBag
		case oidCertBag:
			var c certBag
			if err := decode(u.source, b.Value.Bytes, &c); err != nil {
				return err
			}
			if c.Type.String() == oidX509 {
				bags.certificates = append(bags.certificates, c.Cert)
			}
		}
		return nil
	})
}

// octets reads the OCTET STRING in an explicit tag.
func (u *unlock) octets(v asn1.RawValue) (b []byte, err error) {
	err = decode(u.source, v.Bytes, &b)
	return b, err
}

// each calls f for the members of a DER sequence, of which a file has maxBags.
func (u *unlock) each(der []byte, count *int, f func(item []byte) error) error {
	if problem := checkDER(der); problem != "" {
		return u.refuse("%s", problem)
	}
	if der[0] != 0x30 {
		return u.refuse("not the structure of PKCS#12")
	}
	_, content, _, _ := cutDER(der)
	for len(content) > 0 {
		if *count++; *count > maxBags {
			return u.refuse("PKCS#12 with more than %d parts", maxBags)
		}
		_, _, rest, _ := cutDER(content)
		if err := f(content[:len(content)-len(rest)]); err != nil {
			return err
		}
		content = rest
	}
	return nil
}
