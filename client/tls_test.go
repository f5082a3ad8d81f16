package client_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/stretchr/testify/require"
)

func trusted(certs ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

// issue makes a self-signed certificate for 127.0.0.1, for servers and clients.
func issue(t *testing.T, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bank"}, DNSNames: []string{"bank.test"},
		IPAddresses: nil, NotBefore: until.Add(-24 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	c.IPAddresses = append(c.IPAddresses, []byte{127, 0, 0, 1})
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// serveTLS starts a bank with the given TLS settings and counts its executions.
func serveTLS(t *testing.T, cfg *tls.Config, executed *int) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*executed++
		reply(w, 200, "done")
	}))
	s.TLS = cfg
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestTLS(t *testing.T) {
	t.Parallel()
	good, expired, mine := issue(t, time.Now().Add(time.Hour)), issue(t, time.Now().Add(-time.Hour)), issue(t, time.Now().Add(time.Hour))
	demand := func(version uint16) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert,
			ClientCAs: trusted(mine.Leaf), MaxVersion: version}
	}
	for name, tc := range map[string]struct {
		server *tls.Config
		set    func(*client.Config)
		effect bankrail.Effect
		as     any
		ok     bool
	}{
		"trusted":   {server: &tls.Config{Certificates: []tls.Certificate{good}}, ok: true},
		"TLS 1.2":   {server: &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12}, ok: true},
		"would h2":  {server: &tls.Config{Certificates: []tls.Certificate{good}, NextProtos: []string{"h2", "http/1.1"}}, ok: true},
		"expired":   {server: &tls.Config{Certificates: []tls.Certificate{expired}}, effect: bankrail.NotSent, as: &x509.CertificateInvalidError{}},
		"not yet":   {server: &tls.Config{Certificates: []tls.Certificate{good}}, set: func(c *client.Config) { c.Now = func() time.Time { return time.Unix(1e9, 0) } }, effect: bankrail.NotSent, as: &x509.CertificateInvalidError{}},
		"stranger":  {server: &tls.Config{Certificates: []tls.Certificate{good}}, set: func(c *client.Config) { c.RootCAs = trusted(mine.Leaf) }, effect: bankrail.NotSent, as: &x509.UnknownAuthorityError{}},
		"other":     {server: &tls.Config{Certificates: []tls.Certificate{good}}, set: otherName, effect: bankrail.NotSent, as: &x509.HostnameError{}},
		"TLS 1.1":   {server: &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, effect: bankrail.NotSent},
		"mTLS":      {server: demand(0), set: func(c *client.Config) { c.Certificates = []tls.Certificate{mine} }, ok: true},
		"mTLS, 1.2": {server: demand(tls.VersionTLS12), set: func(c *client.Config) { c.Certificates = []tls.Certificate{mine} }, ok: true},
		// TLS 1.2 tells within the handshake, TLS 1.3 after it, which is mostly, but
		// not always, after the first write.
		"mTLS missing, 1.2": {server: demand(tls.VersionTLS12), effect: bankrail.NotSent},
		"mTLS missing, 1.3": {server: demand(tls.VersionTLS13), effect: bankrail.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var executed int
			s := serveTLS(t, tc.server, &executed)
			cfg := config(s.URL)
			cfg.RootCAs = trusted(good.Leaf, expired.Leaf)
			if tc.set != nil {
				tc.set(&cfg)
			}
			a, err := open(t, cfg).Do(t.Context(), post)
			s.Close()
			if tc.ok {
				require.NoError(t, err)
				require.Equal(t, "done", string(a.Body))
				require.Equal(t, 1, executed)
				return
			}
			if e := failed(t, err); tc.effect != bankrail.Unknown || e.Effect != bankrail.NotSent {
				require.Equal(t, tc.effect, e.Effect, "%v", err)
			}
			require.Zero(t, executed)
			if tc.as != nil {
				require.ErrorAs(t, err, tc.as)
			}
		})
	}
}

func otherName(c *client.Config) {
	c.BaseURL = "https://localhost" + c.BaseURL[len("https://127.0.0.1"):]
}

func TestCertificatesThatFailAreNotTriedAgain(t *testing.T) {
	t.Parallel()
	var executed, signed int
	s := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{issue(t, time.Now().Add(-time.Hour))}}, &executed)
	cfg := config(s.URL)
	cfg.Dialect = dialect{signed: func(*client.Request) error { signed++; return nil }}
	_, err := open(t, cfg).Do(t.Context(), post)
	require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
	require.Equal(t, 1, signed)
}

func TestPlainServerBehindHTTPS(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, "") })
	_, err := open(t, config("https"+s.URL[len("http"):])).Do(t.Context(), post)
	require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
}
