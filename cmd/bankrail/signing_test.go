package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// desk is a directory with a key pair of each kind and a text.
type desk struct{ dir string }

func newDesk(t *testing.T) desk {
	t.Helper()
	d := desk{t.TempDir()}
	for _, kind := range []string{"rsa", "sm2"} {
		code, _, errs := invoke(t, "keygen", "-type", kind, "-out", d.path(kind+".pem"))
		require.Zero(t, code, errs)
	}
	d.write(t, "text", "amount=99.00&order=商户1")
	return d
}

func (d desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d desk) write(t *testing.T, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(d.path(name), []byte(content), 0o600))
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, c := range map[string]struct{ kind, flags string }{
		"RSA":              {"rsa", ""},
		"RSA with PSS":     {"rsa", "-alg RSA-PSS-SHA256"},
		"RSA of old":       {"rsa", "-alg RSA-SHA1 -encoding HEX"},
		"SM2":              {"sm2", ""},
		"SM2, r and s":     {"sm2", "-sm2-form raw -encoding hex"},
		"SM2, another id":  {"sm2", "-sm2-id merchant@bank -encoding base64url"},
		"SM2, an empty id": {"sm2", "-sm2-empty-id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := append(strings.Fields(c.flags), "-in", d.path("text"))
			code, signature, errs := invoke(t, append([]string{"sign", "-key", d.path(c.kind + ".pem")}, flags...)...)
			require.Zero(t, code, errs)
			require.Equal(t, 1, strings.Count(signature, "\n"))
			verify := append([]string{"verify", "-key", d.path(c.kind + ".pub.pem"), "-sign", strings.TrimSpace(signature)}, flags...)
			code, out, errs := invoke(t, verify...)
			require.Zero(t, code, errs)
			require.Equal(t, "verifies\n", out)

			d := newDesk(t) // another key
			verify[2] = d.path(c.kind + ".pub.pem")
			code, out, errs = invoke(t, verify...)
			require.Equal(t, 1, code)
			require.Empty(t, out)
			require.Contains(t, errs, "bankrail explain")
		})
	}
}

func TestSignReadsTheStandardInputAndTheEnvironment(t *testing.T) {
	t.Parallel()
	// Published: WeChat Pay's worked example of v2 (MD5 and HMAC-SHA256).
	const text = "appid=wxd930ea5d5a258f4f&body=test&device_info=1000&mch_id=10000100&nonce_str=ibuaiVcKdpRxkhJA&key=192006250b4c09247ec02edce69f6a2d"
	for alg, want := range map[string]string{
		"MD5":         "9A0A8659F005D6984697E2CA0A9CF3B7",
		"HMAC-SHA256": "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6",
	} {
		run := func(args ...string) (string, error) {
			cmd := exec.Command(os.Args[0], args...)
			cmd.Env = append(os.Environ(), "BANKRAIL_TEST_AS_COMMAND=1", "WX_KEY=192006250b4c09247ec02edce69f6a2d")
			cmd.Stdin = strings.NewReader(text)
			out, err := cmd.Output()
			return string(out), err
		}
		out, err := run("sign", "-secret-env", "WX_KEY", "-alg", alg, "-encoding", "HEX")
		require.NoError(t, err)
		require.Equal(t, want+"\n", out)
		out, err = run("verify", "-secret-env", "WX_KEY", "-alg", alg, "-sign", want)
		require.NoError(t, err)
		require.Equal(t, "verifies\n", out)
		_, err = run("verify", "-secret-env", "WX_KEY", "-alg", alg, "-sign", strings.Replace(want, "A", "B", 1))
		require.ErrorContains(t, err, "exit status 1")
	}
}

func TestSigningWrongUsage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	pub, text := d.path("sm2.pub.pem"), d.path("text")
	for name, c := range map[string]struct {
		code int
		says string
		args []string
	}{
		"no key":               {2, "give one of -key", []string{"sign"}},
		"two keys":             {2, "give one of -key", []string{"sign", "-key", "a", "-key-env", "B"}},
		"a secret for nothing": {2, "needs -alg", []string{"sign", "-secret-env", "X"}},
		"unknown encoding":     {2, "-encoding \"utf\"", []string{"sign", "-key", "a", "-encoding", "utf"}},
		"argument too many":    {2, "unexpected argument", []string{"sign", "-key", "a", "b"}},
		"no such key file":     {1, "cannot be read", []string{"sign", "-key", d.path("none")}},
		"a public key":         {1, "bankrail sign", []string{"sign", "-key", pub, "-in", text}},
		"no such text":         {1, "no such file", []string{"sign", "-key", d.path("sm2.pem"), "-in", d.path("none")}},

		"no signature":            {2, "give -sign", []string{"verify", "-key", pub}},
		"verify, no key file":     {2, "cannot be read", []string{"verify", "-key", d.path("none"), "-sign", "AAAA"}},
		"verify, no text":         {2, "no such file", []string{"verify", "-key", pub, "-sign", "AAAA", "-in", d.path("none")}},
		"verify, no such secret":  {2, "is not set", []string{"verify", "-secret-env", "BANKRAIL_TEST_UNSET", "-alg", "MD5", "-sign", "00"}},
		"verify, wrong algorithm": {2, "Algorithm", []string{"verify", "-key", pub, "-alg", "RSA-SHA1", "-sign", "AAAA", "-in", text}},
		"verify, no Base64":       {1, "Base64", []string{"verify", "-key", pub, "-sign", "!", "-in", text}},

		"explain nothing":        {2, "give one of -form, -json and -raw", []string{"explain"}},
		"explain without a key":  {2, "give -key or -secret-env", []string{"explain", "-form", text}},
		"explain, no such file":  {2, "no such file", []string{"explain", "-form", d.path("none"), "-key", pub}},
		"explain, bad header":    {2, "is not Name: value", []string{"explain", "-header", "x"}},
		"explain, no profile":    {2, "no profile", []string{"explain", "-form", text, "-key", pub, "-profile", "x"}},
		"explain, no signature":  {2, "no signature", []string{"explain", "-form", text, "-key", pub}},
		"explain, nothing found": {1, "nothing verifies", []string{"explain", "-form", text, "-key", pub, "-sign", "AAAA"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, errs := invoke(t, c.args...)
			require.Equal(t, c.code, code, errs)
			require.Contains(t, errs, c.says)
		})
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write(t, "signed", "a=1&b=&c=3")
	code, signature, errs := invoke(t, "sign", "-key", d.path("sm2.pem"), "-in", d.path("signed"), "-encoding", "hex")
	require.Zero(t, code, errs)
	d.write(t, "signature", signature)
	d.write(t, "body", "c=3&b=&a=1\n")
	code, out, errs := invoke(t, "explain", "-form", d.path("body"), "-sign", "@"+d.path("signature"), "-key", d.path("sm2.pub.pem"))
	require.Zero(t, code, errs)
	require.Equal(t, `text    "a=1&c=3"
sha256  08115e3fcd5d0c0c8f689f7c5804a701eadb1b30ed5a8dc0da6f728a3914b0dc
result  does not verify so, but does with
        - empty values are signed
        - the signature is in hexadecimal, not standard padded Base64
signed  "a=1&b=&c=3"
sha256  6ba10da5472d8a99729cee81d601df0653672facb2b0a052c4edf67f4210e44d
`, out)

	code, out, _ = invoke(t, "explain", "-profiles")
	require.Zero(t, code)
	require.Contains(t, out, "wechat-v3-callback")
}

func TestExplainReadsHeadersAndHidesTheSecret(t *testing.T) {
	const secret = "192006250b4c09247ec02edce69f6a2d"
	t.Setenv("BANKRAIL_TEST_SECRET", secret)
	d := newDesk(t)
	d.write(t, "signed", "1700000000\nn0nce\n{}\n")
	_, signature, errs := invoke(t, "sign", "-key", d.path("rsa.pem"), "-in", d.path("signed"))
	d.write(t, "body", "{}")
	code, out, errs2 := invoke(t, "explain", "-raw", d.path("body"), "-key", d.path("rsa.pub.pem"), "-profile", "wechat-v3-callback",
		"-header", "Wechatpay-Timestamp: 1700000000", "-header", "Wechatpay-Nonce: n0nce", "-header", "Wechatpay-Signature: "+strings.TrimSpace(signature))
	require.Zero(t, code, errs+errs2)
	require.Contains(t, out, "result  verifies, RSA-SHA256\n")
	require.Contains(t, out, "wechat-v3-callback")

	d.write(t, "signed", "a=1&key="+secret)
	_, signature, _ = invoke(t, "sign", "-secret-env", "BANKRAIL_TEST_SECRET", "-alg", "MD5", "-in", d.path("signed"))
	d.write(t, "body", "a=1&sign="+signature)
	code, out, errs = invoke(t, "explain", "-form", d.path("body"), "-secret-env", "BANKRAIL_TEST_SECRET")
	require.Zero(t, code, errs)
	require.Contains(t, out, `signed  "a=1&key=<secret>"`)
	require.NotContains(t, out+errs, secret)
}
