package sign

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/smx509"
)

// partCertificate is Error.Part for a certificate that is not the other side's.
const partCertificate = "key"

// TrustConfig says which certificates are believed that come in messages. Roots or
// Pins are required; with both, a certificate has to satisfy both.
type TrustConfig struct {
	// Roots are the issuers believed, as PEM with one or more certificates. A
	// chain ends at one of them. Defaults to none.
	Roots []byte
	// Intermediates are issuers between Roots and the certificates, as PEM. They
	// come from configuration: a message brings one certificate and no chain.
	// Defaults to none.
	Intermediates []byte
	// CommonName is the holder's, compared as a whole. Required with Roots and
	// without Pins or Serial: an authority has other customers, and any of them
	// could sign.
	CommonName string
	// CommonNamePart compares only one part of the certificate's common name, cut
	// at "@" and counted from 1: UnionPay's is "041@Z12@00040000:SIGN@00000062",
	// part 3. Defaults to 0, the whole.
	CommonNamePart int
	// Serial is the certificate's serial number in decimal, as UnionPay's certId
	// has it. Defaults to any.
	Serial string
	// Pins are SHA-256 digests, each 64 hex digits, of a certificate (DER) or of
	// its SubjectPublicKeyInfo, which a renewal over the same key keeps. Defaults
	// to none.
	Pins []string
	// Now is the clock of the certificates' validity. Defaults to time.Now.
	Now func() time.Time
}

// CertificateTrust decides whether a certificate that came in a message is the
// other side's. It does not change, and is safe for concurrent use.
type CertificateTrust struct {
	cfg                  TrustConfig
	pins                 [][sha256.Size]byte
	serial               *big.Int
	roots, between       *x509.CertPool
	sm2Roots, sm2Between *smx509.CertPool
}

// NewCertificateTrust checks cfg.
//
// Errors: ErrKey for neither Roots nor Pins, for Roots without anything that tells
// the holder, for PEM that is not certificates of RSA or SM2 keys, a pin that is
// not 64 hex digits, or a serial that is not a number.
func NewCertificateTrust(cfg TrustConfig) (*CertificateTrust, error) {
	refuse := func(format string, args ...any) (*CertificateTrust, error) {
		return nil, &KeyError{Source: "trust", Problem: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(cfg.Roots) == 0 && len(cfg.Pins) == 0:
		return refuse("neither Roots nor Pins: anybody's certificate would do")
	case len(cfg.Pins) == 0 && cfg.CommonName == "" && cfg.Serial == "":
		return refuse("Roots without CommonName, Serial or Pins: any customer of the authority would do")
	case len(cfg.Roots) == 0 && len(cfg.Intermediates) != 0:
		return refuse("Intermediates without Roots")
	case cfg.CommonNamePart < 0 || cfg.CommonNamePart > 0 && cfg.CommonName == "":
		return refuse("CommonNamePart is %d, want 0 or more, and a CommonName", cfg.CommonNamePart)
	}
	t := &CertificateTrust{cfg: cfg}
	if t.cfg.Now == nil {
		t.cfg.Now = time.Now
	}
	for i, pin := range cfg.Pins {
		b, err := hex.DecodeString(pin)
		if err != nil || len(b) != sha256.Size {
			return refuse("pin %d is not 64 hex digits", i+1)
		}
		t.pins = append(t.pins, [sha256.Size]byte(b))
	}
	if cfg.Serial != "" {
		n, ok := new(big.Int).SetString(cfg.Serial, 10)
		if !ok || len(cfg.Serial) > 64 || n.Sign() <= 0 {
			return refuse("Serial is not a positive decimal number of at most 64 digits")
		}
		t.serial = n
	}
	if len(cfg.Roots) == 0 {
		return t, nil
	}
	t.roots, t.between = x509.NewCertPool(), x509.NewCertPool()
	t.sm2Roots, t.sm2Between = smx509.NewCertPool(), smx509.NewCertPool()
	if err := addIssuers("trust roots", cfg.Roots, t.roots, t.sm2Roots); err != nil {
		return nil, err
	}
	if len(cfg.Intermediates) == 0 {
		return t, nil
	}
	if err := addIssuers("trust intermediates", cfg.Intermediates, t.between, t.sm2Between); err != nil {
		return nil, err
	}
	return t, nil
}

// PublicKey returns the key of a certificate, in PEM, DER or Base64 of DER, of at
// most 64 kB, if it is believed now: pinned, or signed by a root over at most the
// configured intermediates, by the holder expected, valid by the clock, and not for
// encryption only (SM2 holders have two certificates). It costs one or two
// verifications beyond a pin; a host that sees the same certificate often keeps the
// key until its Validity ends.
//
// Errors: *Error (ErrSignature) with Part "key" or "clock", and what is wrong with
// the bytes as ErrKey inside it.
func (t *CertificateTrust) PublicKey(certificate []byte) (*PublicKey, error) {
	refuse := func(part, problem string, err error) (*PublicKey, error) {
		return nil, &Error{Part: part, Problem: problem, Err: err}
	}
	u := &unlock{source: "certificate"}
	if len(certificate) > maxKeyFile {
		return refuse(partCertificate, "certificate", u.refuse("larger than %d bytes", maxKeyFile))
	}
	c, m, err := u.certificate(certificate)
	if err != nil {
		return refuse(partCertificate, "not a certificate to believe", err)
	}
	if problem := t.holder(c); problem != "" {
		return refuse(partCertificate, problem, nil)
	}
	now := t.cfg.Now()
	if now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return refuse(partClock, "the certificate is valid from "+c.NotBefore.UTC().Format(time.RFC3339)+" to "+c.NotAfter.UTC().Format(time.RFC3339), nil)
	}
	if t.roots != nil {
		if problem := t.chain(c, m.sm2 != nil, now); problem != "" {
			return refuse(partCertificate, problem, nil)
		}
	}
	return &PublicKey{material: m}, nil
}

// holder says why a certificate is not the one expected, or nothing. It runs before
// the chain, because it costs nothing.
func (t *CertificateTrust) holder(c *smx509.Certificate) string {
	if len(t.pins) > 0 &&
		!slices.Contains(t.pins, sha256.Sum256(c.Raw)) && !slices.Contains(t.pins, sha256.Sum256(c.RawSubjectPublicKeyInfo)) {
		return "neither the certificate nor its key is pinned"
	}
	if t.serial != nil && t.serial.Cmp(c.SerialNumber) != 0 {
		return "the certificate has another serial number"
	}
	if t.cfg.CommonName != "" {
		name := c.Subject.CommonName
		if part := t.cfg.CommonNamePart; part > 0 {
			parts := strings.Split(name, "@")
			if name = ""; part <= len(parts) {
				name = parts[part-1]
			}
		}
		if name != t.cfg.CommonName {
			return "the certificate is of another holder"
		}
	}
	if c.KeyUsage != 0 && c.KeyUsage&(smx509.KeyUsageDigitalSignature|smx509.KeyUsageContentCommitment) == 0 {
		return "the certificate is not for signatures"
	}
	return ""
}

func (t *CertificateTrust) chain(c *smx509.Certificate, isSM2 bool, now time.Time) (problem string) {
	var err error
	defer func() {
		if p := recover(); p != nil {
			problem = "the certificate's chain cannot be checked"
		}
	}()
	if isSM2 {
		_, err = c.Verify(smx509.VerifyOptions{Roots: t.sm2Roots, Intermediates: t.sm2Between, CurrentTime: now,
			KeyUsages: []smx509.ExtKeyUsage{smx509.ExtKeyUsageAny}})
	} else if leaf, parseErr := x509.ParseCertificate(c.Raw); parseErr != nil {
		err = parseErr
	} else {
		_, err = leaf.Verify(x509.VerifyOptions{Roots: t.roots, Intermediates: t.between, CurrentTime: now,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	}
	if err != nil {
		// The library's words may quote the certificate, which is from outside.
		return "no chain from the certificate to a root holds"
	}
	return ""
}
