package sign_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/bankrail/bankrail/sign"
	"github.com/stretchr/testify/require"
)

const (
	bankName   = "041@Z12@00040000:SIGN@00000062"
	bankPart   = "00040000:SIGN"
	bankSerial = "69026276696"
)

// authority is a root, an issuer under it and a bank's certificate, made by OpenSSL.
type authority struct {
	openssl
	sm2                  []string // without an id, OpenSSL signs with an empty one
	roots, issuers, bank []byte
}

func newAuthority(t *testing.T, algorithm ...string) authority {
	t.Helper()
	o := newOpenSSL(t)
	key := func(name string) {
		o.run(append(append([]string{"genpkey"}, algorithm...), "-out", name+".key")...)
	}
	for _, name := range []string{"root", "issuer", "bank"} {
		key(name)
	}
	o.write("ca.ext", []byte("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"))
	o.write("sign.ext", []byte("keyUsage=critical,digitalSignature,nonRepudiation\n"))
	o.write("encrypt.ext", []byte("keyUsage=critical,keyEncipherment,dataEncipherment\n"))
	a := authority{openssl: o}
	if algorithm[1] == "SM2" {
		a.sm2 = []string{"-sigopt", "distid:1234567812345678"}
	}
	o.run(append([]string{"req", "-new", "-x509", "-key", "root.key", "-subj", "/C=CN/O=Test CA/CN=Root", "-days", "3650", "-out", "root.pem"}, a.sm2...)...)
	a.issue("issuer", "/C=CN/O=Test CA/CN=Issuer", "root", "ca.ext", "2")
	a.issue("bank", "/C=CN/O=Bank/CN="+bankName, "issuer", "sign.ext", bankSerial)
	a.roots, a.issuers, a.bank = o.read("root.pem"), o.read("issuer.pem"), o.read("bank.pem")
	return a
}

// issue makes name.pem over name.key.
func (a authority) issue(name, subject, issuer, ext, serial string, args ...string) []byte {
	a.t.Helper()
	a.run(append([]string{"req", "-new", "-key", name + ".key", "-subj", subject, "-out", name + ".csr"}, a.sm2...)...)
	args = append(args, a.sm2...)
	if a.sm2 != nil {
		args = append(args, "-vfyopt", a.sm2[1])
	}
	a.run(append([]string{"x509", "-req", "-in", name + ".csr", "-CA", issuer + ".pem", "-CAkey", issuer + ".key",
		"-set_serial", serial, "-days", "365", "-extfile", ext, "-out", name + ".pem"}, args...)...)
	return a.read(name + ".pem")
}

func (a authority) trust(change func(*sign.TrustConfig)) *sign.CertificateTrust {
	a.t.Helper()
	cfg := sign.TrustConfig{Roots: a.roots, Intermediates: a.issuers, CommonName: bankPart, CommonNamePart: 3}
	if change != nil {
		change(&cfg)
	}
	trust, err := sign.NewCertificateTrust(cfg)
	require.NoError(a.t, err)
	return trust
}

func pin(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestCertificateTrust_BelievesTheBank(t *testing.T) {
	t.Parallel()
	for name, algorithm := range map[string][]string{
		"RSA": {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
		"SM2": {"-algorithm", "SM2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t, algorithm...)
			der := derOf(t, a.bank)
			a.run("pkey", "-in", "bank.key", "-pubout", "-outform", "DER", "-out", "bank.spki")
			signature := signed(t, newSigner(t, a.private("bank.key"), sign.SignerConfig{}), "a=1")

			for what, change := range map[string]func(*sign.TrustConfig){
				"chain and part of the name": nil,
				"chain and name":             func(c *sign.TrustConfig) { c.CommonName, c.CommonNamePart = bankName, 0 },
				"chain and serial":           func(c *sign.TrustConfig) { c.CommonName, c.CommonNamePart, c.Serial = "", 0, bankSerial },
				"chain and pin": func(c *sign.TrustConfig) {
					*c = sign.TrustConfig{Roots: a.roots, Intermediates: a.issuers, Pins: []string{pin(der)}}
				},
				"pin of the certificate alone": func(c *sign.TrustConfig) { *c = sign.TrustConfig{Pins: []string{pin([]byte("x")), pin(der)}} },
				"pin of the key alone": func(c *sign.TrustConfig) {
					*c = sign.TrustConfig{Pins: []string{strings.ToUpper(pin(a.read("bank.spki")))}}
				},
			} {
				trust := a.trust(change)
				for _, form := range [][]byte{a.bank, der, []byte(base64.StdEncoding.EncodeToString(der))} {
					key, err := trust.PublicKey(form)
					require.NoError(t, err, what)
					require.NoError(t, newRing(t, sign.RingKey{Key: key}).Verify(t.Context(), []byte("a=1"), signature, ""))
				}
			}
		})
	}
}

func TestCertificateTrust_RefusesEveryoneElse(t *testing.T) {
	t.Parallel()
	for name, algorithm := range map[string][]string{
		"RSA": {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
		"SM2": {"-algorithm", "SM2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, foreign := newAuthority(t, algorithm...), newAuthority(t, algorithm...)
			bank, subject := a.bank, "/C=CN/O=Bank/CN="+bankName
			der := derOf(t, bank)
			refused := func(part, problem string, trust *sign.CertificateTrust, certificate []byte) {
				t.Helper()
				_, err := trust.PublicKey(certificate)
				require.Contains(t, refusedAs(t, part, err).Problem, problem)
			}
			const noChain = "no chain from the certificate to a root holds"
			trust := a.trust(nil)
			refused("key", noChain, trust, foreign.bank)
			refused("key", noChain, a.trust(func(c *sign.TrustConfig) { c.Intermediates = nil }), bank)
			refused("key", noChain, a.trust(func(c *sign.TrustConfig) { c.Roots = foreign.roots }), bank)
			refused("key", noChain, a.trust(func(c *sign.TrustConfig) { c.Intermediates = foreign.issuers }), bank)
			forged := append([]byte(nil), der...)
			forged[len(forged)-1] ^= 1 // inside the issuer's signature
			refused("key", noChain, trust, forged)
			// Roots of the other algorithm are no roots.
			other := map[string][]string{"SM2": {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, "RSA": {"-algorithm", "SM2"}}
			refused("key", noChain, newAuthority(t, other[name]...).trust(nil), bank)

			another := a.issue("bank", "/C=CN/O=Shop/CN=041@Z12@Another shop@1", "issuer", "sign.ext", "7")
			refused("key", "of another holder", trust, another)
			refused("key", "of another holder", trust, a.issue("bank", "/CN=041@Z12@"+bankPart+"2@1", "issuer", "sign.ext", "7"))
			refused("key", "of another holder", trust, a.issue("bank", "/CN=041@Z12", "issuer", "sign.ext", "7"))
			refused("key", "of another holder", trust, a.issue("bank", "/CN="+bankPart, "issuer", "sign.ext", "7"))
			refused("key", "another serial number", a.trust(func(c *sign.TrustConfig) { c.Serial = bankSerial }), a.issue("bank", subject, "issuer", "sign.ext", "8"))
			refused("key", "is pinned", a.trust(func(c *sign.TrustConfig) { c.Pins = []string{pin([]byte("x"))} }), bank)
			refused("key", "not for signatures", trust, a.issue("bank", subject, "issuer", "encrypt.ext", "9"))
			// A certificate that is no issuer's issues nothing.
			a.run("genpkey", "-algorithm", algorithm[1], "-out", "thief.key")
			a.write("bank.pem", bank)
			refused("key", noChain, a.trust(nil), a.issue("thief", subject, "bank", "sign.ext", "10"))

			for _, day := range []int{-2, 366} {
				late := a.trust(func(c *sign.TrustConfig) { c.Now = func() time.Time { return time.Now().AddDate(0, 0, day) } })
				refused("clock", "the certificate is valid from ", late, bank)
				pinned := a.trust(func(c *sign.TrustConfig) {
					*c = sign.TrustConfig{Pins: []string{pin(der)}, Now: func() time.Time { return time.Now().AddDate(0, 0, day) }}
				})
				refused("clock", "the certificate is valid from ", pinned, bank)
			}
			for _, junk := range [][]byte{nil, {0x30}, []byte("junk"), make([]byte, 64<<10+1), a.read("bank.key"), append(append([]byte(nil), bank...), a.issuers...)} {
				_, err := trust.PublicKey(junk)
				refusedAs(t, "key", err)
				require.ErrorIs(t, err, sign.ErrKey)
			}
		})
	}
}

func TestNewCertificateTrust_RefusesWhatTrustsAnybody(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs an openssl command")
	}
	a := newAuthority(t, "-algorithm", "SM2")
	good := pin([]byte("x"))
	for name, c := range map[string]struct {
		cfg     sign.TrustConfig
		problem string
	}{
		"nothing":              {sign.TrustConfig{}, "neither Roots nor Pins: anybody's certificate would do"},
		"a name alone":         {sign.TrustConfig{CommonName: bankName}, "neither Roots nor Pins: anybody's certificate would do"},
		"roots alone":          {sign.TrustConfig{Roots: a.roots}, "Roots without CommonName, Serial or Pins: any customer of the authority would do"},
		"issuers, no roots":    {sign.TrustConfig{Intermediates: a.issuers, Pins: []string{good}}, "Intermediates without Roots"},
		"part of no name":      {sign.TrustConfig{Roots: a.roots, Serial: "1", CommonNamePart: 3}, "CommonNamePart is 3, want 0 or more, and a CommonName"},
		"part below 0":         {sign.TrustConfig{Roots: a.roots, CommonName: "x", CommonNamePart: -1}, "CommonNamePart is -1, want 0 or more, and a CommonName"},
		"a short pin":          {sign.TrustConfig{Pins: []string{good, good[2:]}}, "pin 2 is not 64 hex digits"},
		"a pin in colons":      {sign.TrustConfig{Pins: []string{"AA:BB"}}, "pin 1 is not 64 hex digits"},
		"serial in hex":        {sign.TrustConfig{Roots: a.roots, Serial: "0aF"}, "Serial is not a positive decimal number of at most 64 digits"},
		"a negative serial":    {sign.TrustConfig{Roots: a.roots, Serial: "-1"}, "Serial is not a positive decimal number of at most 64 digits"},
		"a long serial":        {sign.TrustConfig{Roots: a.roots, Serial: strings.Repeat("9", 65)}, "Serial is not a positive decimal number of at most 64 digits"},
		"roots are a key":      {sign.TrustConfig{Roots: a.read("root.key"), CommonName: "x"}, "certificate 1 is not a PEM block CERTIFICATE"},
		"roots are the bank's": {sign.TrustConfig{Roots: a.bank, CommonName: "x"}, "certificate 1 is not an issuer's"},
		"roots are blank":      {sign.TrustConfig{Roots: []byte(" \n"), CommonName: "x"}, "no certificates"},
		"issuers are junk":     {sign.TrustConfig{Roots: a.roots, Intermediates: []byte("x"), CommonName: "x"}, "certificate 1 is not a PEM block CERTIFICATE"},
		"65 roots":             {sign.TrustConfig{Roots: []byte(strings.Repeat(string(a.roots), 65)), CommonName: "x"}, "more than 64 certificates"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sign.NewCertificateTrust(c.cfg)
			require.Equal(t, c.problem, keyRefused(t, err).Problem)
		})
	}
}
