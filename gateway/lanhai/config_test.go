package lanhai_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/sign"
)

// fields lists the fields that an error of New complains of.
func fields(err error) map[string]string {
	out := map[string]string{}
	var walk func(error)
	walk = func(err error) {
		switch e := err.(type) {
		case *bankrail.FieldError:
			out[e.Field] += e.Problem + "; "
		case interface{ Unwrap() []error }:
			for _, e := range e.Unwrap() {
				walk(e)
			}
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		}
	}
	walk(err)
	return out
}

func TestEveryBadFieldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := lanhai.New(lanhai.Config{
		Environment: "staging", BaseURL: "ftp://bank.example", Merchant: "M 1", NotifyURL: "https://shop.example/n?x=1",
		ConnectTimeout: -1, ReadTimeout: -1, CallTimeout: -1,
	})
	require.ErrorIs(t, err, bankrail.ErrInvalid)
	var names []string
	for name := range fields(err) {
		names = append(names, name)
	}
	require.ElementsMatch(t, []string{
		"Config.Environment", "Config.BaseURL", "Config.Merchant", "Config.Signer", "Config.Bank", "Config.NotifyURL",
		"Config.ConnectTimeout", "Config.ReadTimeout", "Config.CallTimeout",
	}, names)

	_, err = lanhai.New(lanhai.Config{})
	require.Subset(t, fields(err), map[string]string{"Config.Signer": "required; ", "Config.Bank": "required; "})
	require.Contains(t, fields(err), "Config.BaseURL")
	require.Contains(t, fields(err), "Config.Merchant")
}

// host makes a gateway of an environment at a base URL.
func host(t *testing.T, env lanhai.Environment, base string) error {
	d := newDesk(t)
	g, err := lanhai.New(lanhai.Config{Environment: env, BaseURL: base, Merchant: "M1001", Signer: d.merchant, Bank: d.ring})
	if err == nil {
		g.Close()
	}
	return err
}

func TestProductionRefusesWhatIsNotTheBank(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"https://api.bank.example/bank/v1", "https://api.bank.example:8443", "https://10.1.2.3/bank/v1", "https://[2001:db8::1]/v1",
		"https://1.bank2.example", "https://bank.example./v1", "https://xn--fiqs8s.example",
	} {
		require.NoError(t, host(t, lanhai.Production, good), good)
		require.NoError(t, host(t, "", good), "production is the default")
	}
	for _, bad := range []string{
		"http://api.bank.example/bank/v1", "HTTP://api.bank.example",
		"https://127.0.0.1/v1", "https://127.0.0.1:8443", "https://127.8.9.1", "https://[::1]", "https://[::1%25lo]:8443",
		"https://localhost", "https://LOCALHOST:1", "https://localhost.", "https://bank.localhost", "https://0.0.0.0", "https://[::]",
		"https://[::ffff:127.0.0.1]", "https://[::ffff:0.0.0.0]", "https://[::ffff:7f00:1]", "https://127.0.0.1.",
		// What a C resolver reads as 127.0.0.1 or 0.0.0.0, and Go's own does not.
		"https://2130706433", "https://127.1", "https://0x7f000001", "https://0x7f.0.0.1", "https://0177.0.0.1", "https://0", "https://127.0.0.1.0x0",
		// What the HTTP client turns into localhost and 127.0.0.1.
		"https://ｌｏｃａｌｈｏｓｔ", "https://１２７.０.０.１", "https://127。0。0。1",
		"https://localhost.localdomain", "https://ip6-localhost", "https://ip6-loopback",
	} {
		err := host(t, lanhai.Production, bad)
		require.ErrorIs(t, err, bankrail.ErrInvalid, bad)
		require.Contains(t, fields(err), "Config.BaseURL", bad)
	}
	for _, local := range []string{"http://127.0.0.1:8080/bank/v1", "http://localhost", "https://[::1]:1"} {
		require.NoError(t, host(t, lanhai.Sandbox, local), local)
	}
}

func TestProductionRefusesSandboxKeys(t *testing.T) {
	t.Parallel()
	key, err := sign.GenerateSM2()
	require.NoError(t, err)
	signer, ring := use(t, key, "b-1")
	marked, markedRing := use(t, key.WithEnvironment("sandbox"), "b-1")
	mixed, err := sign.NewKeyRing(sign.RingConfig{},
		sign.RingKey{ID: "b-1", Key: key.Public()},
		sign.RingKey{ID: "b-2", Key: key.Public().WithEnvironment("sandbox")})
	require.NoError(t, err)
	tests := []struct {
		name   string
		signer sign.Signer
		bank   sign.Verifier
		bad    []string
	}{
		{"neither is marked", signer, ring, nil},
		{"a sandbox signer", marked, ring, []string{"Config.Signer"}},
		{"a sandbox bank key", signer, markedRing, []string{"Config.Bank"}},
		{"a ring with one sandbox key", signer, mixed, []string{"Config.Bank"}},
		{"both", marked, markedRing, []string{"Config.Signer", "Config.Bank"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := lanhai.Config{BaseURL: "https://bank.example", Merchant: "M1001", Signer: tt.signer, Bank: tt.bank}
			_, err := lanhai.New(cfg)
			require.Len(t, fields(err), len(tt.bad), "%v", err)
			for _, f := range tt.bad {
				require.Contains(t, fields(err)[f], "sandbox key")
			}
			cfg.Environment = lanhai.Sandbox
			_, err = lanhai.New(cfg)
			require.NoError(t, err, "the sandbox takes them")
		})
	}
}

func TestNotifyURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url                 string
		production, sandbox bool
	}{
		{"https://shop.example/notify", true, true},
		{"https://shop.example:8443/notify/lanhai", true, true},
		{"https://127.0.0.1/notify", false, true},
		{"https://localhost/notify", false, true},
		{"http://127.0.0.1:8080/notify", false, true},
		{"http://[::1]:8080/notify", false, true},
		{"http://shop.example/notify", false, false},
		{"https://shop.example/notify?x=1", false, false},
		{"https://shop.example/notify?", false, false},
		{"https://shop.example/notify#x", false, false},
		{"https://me@shop.example/notify", false, false},
		{"/notify", false, false},
		{"ftp://shop.example/", false, false},
		{"https://2130706433/notify", false, true},
		{"https://shop.example/" + strings.Repeat("n", 256), false, false},
		{"https://shop.example/%zz", false, false},
	}
	d := newDesk(t)
	for _, tt := range tests {
		for env, want := range map[lanhai.Environment]bool{lanhai.Production: tt.production, lanhai.Sandbox: tt.sandbox} {
			_, err := lanhai.New(lanhai.Config{
				Environment: env, BaseURL: "https://bank.example", Merchant: "M1001", Signer: d.merchant, Bank: d.ring, NotifyURL: tt.url,
			})
			require.Equal(t, want, err == nil, "%s in %s: %v", tt.url, env, err)
			if err != nil {
				require.Contains(t, fields(err), "Config.NotifyURL")
			}
		}
	}
}

// A record of one environment never answers for the other.
func TestTheEnvironmentIsPartOfTheName(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	production := d.open(nil)
	sandbox := d.open(func(c *lanhai.Config) { c.Environment = lanhai.Sandbox })
	require.Equal(t, bankrail.Channel{Gateway: "lanhai-production", Merchant: "M1001"}, production.Channel())
	require.Equal(t, bankrail.Channel{Gateway: "lanhai-sandbox", Merchant: "M1001"}, sandbox.Channel())
}

func TestRulesOfTheContract(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Equal(t, journal.Rules{
		Dedupe: journal.DedupeAll, Horizon: 180 * 24 * time.Hour, Visible: 10 * time.Minute, Settles: 72 * time.Hour,
	}, d.open(nil).Rules(bankrail.OpRefund))
	own := journal.Rules{Dedupe: journal.DedupeNone}
	require.Equal(t, own, d.open(func(c *lanhai.Config) { c.Rules = &own }).Rules(bankrail.OpRefund))
}

func TestMerchantNumbers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for merchant, good := range map[string]bool{
		"M1001": true, "m_-9": true, strings.Repeat("9", 32): true,
		"": false, strings.Repeat("9", 33): false, "M&1": false, "M 1": false, "M\n": false, "商户": false,
	} {
		_, err := lanhai.New(lanhai.Config{BaseURL: "https://bank.example", Merchant: merchant, Signer: d.merchant, Bank: d.ring})
		require.Equal(t, good, err == nil, merchant)
	}
}
