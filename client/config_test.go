package client_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/client"
	"github.com/stretchr/testify/require"
)

func fields(err error) []string {
	var all []string
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range j.Unwrap() {
			all = append(all, e.(*bankrail.FieldError).Field)
		}
	}
	return all
}

func TestNewReportsEveryBadField(t *testing.T) {
	t.Parallel()
	c, err := client.New(client.Config{})
	require.Nil(t, c)
	require.ErrorIs(t, err, bankrail.ErrInvalid)
	require.Equal(t, []string{"Config.Channel", "Config.BaseURL", "Config.Dialect"}, fields(err))

	_, err = client.New(client.Config{
		BaseURL: "https://user:canary@bank.example", Proxy: &url.URL{Scheme: "socks5", Host: "p"}, ConnectTimeout: -1,
		ReadTimeout: -1, CallTimeout: -1, MaxAnswer: -1, Retries: 3,
	})
	require.Equal(t, []string{"Config.Channel", "Config.BaseURL", "Config.Dialect", "Config.Proxy", "Config.ConnectTimeout",
		"Config.ReadTimeout", "Config.CallTimeout", "Config.MaxAnswer", "Config.Retries"}, fields(err))
	require.NotContains(t, err.Error(), "canary")
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for u, ok := range map[string]bool{
		"https://bank.example":          true,
		"https://bank.example/":         true,
		"https://bank.example:8443/a/b": true,
		"http://127.0.0.1:1":            true,
		"https://[::1]:1":               true,
		"":                              false,
		"bank.example":                  false,
		"//bank.example":                false,
		"ftp://bank.example":            false,
		"https://":                      false,
		"https://:443":                  false,
		"https://u@bank.example":        false,
		"https://u:p@bank.example":      false,
		"https://bank.example?a=1":      false,
		"https://bank.example/?":        false,
		"https://bank.example#f":        false,
		"https://bank.example/#":        false,
		"https://bank.example/\n":       false,
		"https://bank.example/%zz":      false,
	} {
		_, err := client.New(config(u))
		require.Equal(t, ok, err == nil, "%s: %v", u, err)
		if !ok {
			require.Equal(t, []string{"Config.BaseURL"}, fields(err), u)
		}
	}
}

func TestRequestsThatCouldNotGoOutAsSigned(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*client.Request)
		field  string
	}{
		"no method":       {func(r *client.Request) { r.Method = "" }, "Request.Method"},
		"lower case":      {func(r *client.Request) { r.Method = "post" }, "Request.Method"},
		"HEAD":            {func(r *client.Request) { r.Method = http.MethodHead }, "Request.Method"},
		"GET with a body": {func(r *client.Request) { r.Method = http.MethodGet }, "Request.Body"},
		"no path":         {func(r *client.Request) { r.Path = "" }, "Request.Path"},
		"another host":    {func(r *client.Request) { r.Path = "@evil.example/" }, "Request.Path"},
		"fragment":        {func(r *client.Request) { r.Path = "/a#b" }, "Request.Path"},
		"fragment after":  {func(r *client.Request) { r.Path = "/a?b#c" }, "Request.Path"},
		"space":           {func(r *client.Request) { r.Path = "/a b" }, "Request.Path"},
		"not escaped":     {func(r *client.Request) { r.Path = "/退款" }, "Request.Path"},
		"half an escape":  {func(r *client.Request) { r.Path = "/a%2" }, "Request.Path"},
		"line break":      {func(r *client.Request) { r.Path = "/a?b\r\nHost: evil" }, "Request.Path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := post
			tc.change(&r)
			_, err := open(t, config(nobody(t))).Do(t.Context(), r)
			require.Equal(t, bankrail.NotSent, failed(t, err).Effect)
			var f *bankrail.FieldError
			require.ErrorAs(t, err, &f)
			require.Equal(t, tc.field, f.Field)
		})
	}
}

func FuzzPathGoesOutUnchanged(f *testing.F) {
	for _, s := range []string{"/", "/a%2Fb?c=%zz", "//evil.example/x", "/../a;b?{}|\\^`'", "/?", "/??", "/a:b@c", "/[x]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		var got string
		cfg := config("https://bank.example/api")
		cfg.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			got = r.URL.Host + " " + r.URL.RequestURI()
			return nil, http.ErrServerClosed
		})
		c, err := client.New(cfg)
		require.NoError(t, err)
		_, err = c.Do(t.Context(), client.Request{Method: http.MethodGet, Path: path})
		if bankrail.EffectOf(err) != bankrail.NotSent {
			require.Equal(t, "bank.example /api"+path, got)
		}
	})
}
