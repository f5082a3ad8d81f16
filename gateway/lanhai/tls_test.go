package lanhai_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/gateway/lanhai"
)

// certificate makes a self-signed one for 127.0.0.1.
func certificate(t *testing.T, name string, notBefore, notAfter time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: notBefore, NotAfter: notAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
	}, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// serve answers at the desk over real TLS.
func (d *desk) serve(cfg *tls.Config, seen *atomic.Int32) string {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		resp, err := d.RoundTrip(r)
		if err != nil {
			return
		}
		for k, v := range resp.Header {
			w.Header()[k] = v
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes fail on purpose
	srv.TLS = cfg
	srv.StartTLS()
	d.t.Cleanup(srv.Close)
	return srv.URL + "/bank/v1"
}

func TestExpiredCertificate(t *testing.T) {
	t.Parallel()
	cert, pool := certificate(t, "bank", start.Add(-48*time.Hour), start.Add(-24*time.Hour))
	d := newDesk(t)
	d.reply = func(c call) reply { return ok(c, taken("status", "SUCCESS")...) }
	var seen atomic.Int32
	url := d.serve(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, &seen)
	now := start
	g := d.open(func(c *lanhai.Config) {
		c.Environment, c.BaseURL, c.RootCAs, c.Transport = lanhai.Sandbox, url, pool, nil
		c.Now = func() time.Time { return now }
	})

	_, err := refunded(g)
	var invalid x509.CertificateInvalidError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, x509.Expired, invalid.Reason)
	require.Equal(t, bankrail.NotSent, bankrail.EffectOf(err))
	require.Zero(t, seen.Load())

	now = start.Add(-36 * time.Hour) // while it was valid
	_, err = refunded(g)
	require.NoError(t, err)
}

func TestUnknownAuthority(t *testing.T) {
	t.Parallel()
	cert, _ := certificate(t, "bank", start.Add(-time.Hour), start.Add(time.Hour))
	_, other := certificate(t, "other", start.Add(-time.Hour), start.Add(time.Hour))
	d := newDesk(t)
	var seen atomic.Int32
	url := d.serve(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, &seen)
	g := d.open(func(c *lanhai.Config) {
		c.Environment, c.BaseURL, c.RootCAs, c.Transport = lanhai.Sandbox, url, other, nil
	})
	_, err := refunded(g)
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, bankrail.NotSent, bankrail.EffectOf(err))
	require.Zero(t, seen.Load())
}

func TestUnreachableBank(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	url := "http://" + l.Addr().String()
	require.NoError(t, l.Close())
	d := newDesk(t)
	g := d.open(func(c *lanhai.Config) { c.Environment, c.BaseURL, c.Transport = lanhai.Sandbox, url, nil })
	_, err = refunded(g)
	require.Equal(t, bankrail.NotSent, bankrail.EffectOf(err))
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	var e *bankrail.Error
	require.ErrorAs(t, err, &e)
	require.Empty(t, e.Code)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = g.Refund(ctx, want)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, bankrail.NotSent, bankrail.EffectOf(err))
}

// A bank that hangs up without a word may have executed the refund.
func TestBankThatNeverAnswers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(srv.Close)
	g := d.open(func(c *lanhai.Config) { c.Environment, c.BaseURL, c.Transport = lanhai.Sandbox, srv.URL, nil })
	_, err := refunded(g)
	require.Error(t, err)
	require.Equal(t, bankrail.Unknown, bankrail.EffectOf(err))

	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client left
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	g = d.open(func(c *lanhai.Config) {
		c.Environment, c.BaseURL, c.Transport, c.ReadTimeout = lanhai.Sandbox, silent.URL, nil, 50*time.Millisecond
	})
	_, err = refunded(g)
	require.Error(t, err)
	require.Equal(t, bankrail.Unknown, bankrail.EffectOf(err))
}

// The bank may ask for the merchant's own certificate (双向认证).
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	cert, pool := certificate(t, "bank", start.Add(-time.Hour), start.Add(time.Hour))
	own, merchants := certificate(t, "merchant M1001", start.Add(-time.Hour), start.Add(time.Hour))
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		d := newDesk(t)
		d.reply = func(c call) reply { return ok(c, taken("status", "SUCCESS", "refundAmount", "1234")...) }
		var seen atomic.Int32
		url := d.serve(&tls.Config{
			Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: merchants,
			MinVersion: version, MaxVersion: version, Time: func() time.Time { return start },
		}, &seen)
		setup := func(c *lanhai.Config) {
			c.Environment, c.BaseURL, c.RootCAs, c.Transport = lanhai.Sandbox, url, pool, nil
			c.Certificates = []tls.Certificate{own}
		}
		r, err := refunded(d.open(setup))
		require.NoError(t, err)
		require.Equal(t, bankrail.Succeeded, r.Status)
		require.EqualValues(t, 1, seen.Load())

		_, err = refunded(d.open(func(c *lanhai.Config) { setup(c); c.Certificates = nil }))
		require.Error(t, err)
		require.EqualValues(t, 1, seen.Load(), "without the certificate nothing reaches the bank")
	}
}
