package client_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/go-resty/resty/v2"
)

// BenchmarkExchange makes the same exchange three ways against one server in the
// process, whose allocations count in each. Ours has two timeouts and a gate at the
// connection that the others lack; cryptography is stubbed out.
func BenchmarkExchange(b *testing.B) {
	answer := bytes.Repeat([]byte("a"), 400)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Signature", "theirs")
		_, _ = w.Write(answer)
	}))
	defer s.Close()
	body := bytes.Repeat([]byte("q"), 400)

	b.Run("net/http", func(b *testing.B) {
		hc := &http.Client{Transport: &http.Transport{DisableCompression: true}}
		defer hc.CloseIdleConnections()
		b.ReportAllocs()
		for b.Loop() {
			r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.URL+"/refund", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Signature", "mine")
			resp, err := hc.Do(r)
			if err != nil {
				b.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || len(got) != len(answer) || resp.Header.Get("Signature") != "theirs" {
				b.Fatal(err)
			}
		}
	})
	b.Run("resty", func(b *testing.B) {
		hc := &http.Client{Transport: &http.Transport{DisableCompression: true}}
		defer hc.CloseIdleConnections()
		rc := resty.NewWithClient(hc)
		b.ReportAllocs()
		for b.Loop() {
			resp, err := rc.R().SetContext(context.Background()).
				SetHeader("Content-Type", "application/json").SetHeader("Signature", "mine").
				SetBody(body).Post(s.URL + "/refund")
			if err != nil || len(resp.Body()) != len(answer) || resp.Header().Get("Signature") != "theirs" {
				b.Fatal(err)
			}
		}
	})
	b.Run("client", func(b *testing.B) {
		c, err := client.New(config(s.URL))
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		r := client.Request{Op: bankrail.OpRefund, Method: http.MethodPost, Path: "/refund", Body: body, MovesMoney: true}
		b.ReportAllocs()
		for b.Loop() {
			a, err := c.Do(context.Background(), r)
			if err != nil || len(a.Body) != len(answer) {
				b.Fatal(err)
			}
		}
	})
}
