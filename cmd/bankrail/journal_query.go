package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/gateway/lanhai"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/store/sqlstore"
)

// gatewayFlags are how to reach a lanhai gateway; the merchant and the environment are
// those of the entry.
type gatewayFlags struct {
	url, key, keyID, passEnv, bankKey, bankKeyID string
}

// query asks the gateway about an open entry.
func (d office) query(ctx context.Context, args []string) error {
	fs, s := d.flags("query")
	var f gatewayFlags
	fs.StringVar(&f.url, "url", d.getenv("BANKRAIL_LANHAI_URL"), "root `URL` of the bank's interface (default: $BANKRAIL_LANHAI_URL)")
	fs.StringVar(&f.key, "key", d.getenv("BANKRAIL_LANHAI_KEY"), "`file` with the merchant's private key (default: $BANKRAIL_LANHAI_KEY)")
	fs.StringVar(&f.keyID, "key-id", d.getenv("BANKRAIL_LANHAI_KEY_ID"), "`serial` of the merchant's key (default: $BANKRAIL_LANHAI_KEY_ID)")
	fs.StringVar(&f.passEnv, "pass-env", "", "environment `variable` with the password of the key file")
	fs.StringVar(&f.bankKey, "bank-key", d.getenv("BANKRAIL_LANHAI_BANK_KEY"), "`file` with the bank's public key (default: $BANKRAIL_LANHAI_BANK_KEY)")
	fs.StringVar(&f.bankKeyID, "bank-key-id", d.getenv("BANKRAIL_LANHAI_BANK_KEY_ID"), "`serial` of the bank's key (default: $BANKRAIL_LANHAI_BANK_KEY_ID)")
	id, err := d.parseEntry(fs, s, args)
	if err != nil {
		return err
	}
	problem := ""
	environment, ok := strings.CutPrefix(id.Gateway, "lanhai-")
	switch {
	case !ok || id.Op != bankrail.OpRefund:
		problem = fmt.Sprintf("%.40s of %.40q cannot be asked about here: only refunds of lanhai-production and lanhai-sandbox", id.Op, id.Gateway)
	case f.url == "" || f.key == "" || f.bankKey == "":
		problem = "give -url, -key and -bank-key, or set their variables"
	}
	if err := complain(fs, d.errs, problem); err != nil {
		return err
	}
	gw, err := f.gateway(d, lanhai.Environment(environment), id.Merchant)
	if err != nil {
		return err
	}
	defer gw.Close()
	return d.with(s, journal.Config{}, func(_ *sqlstore.DB, b *journal.Book) error {
		e, err := b.Ask(ctx, refund.New(b, gw, refund.Config{}), id)
		if err != nil {
			return err
		}
		return d.done(s, e)
	})
}

func (f gatewayFlags) gateway(d office, environment lanhai.Environment, merchant string) (*lanhai.Gateway, error) {
	load := sign.LoadConfig{File: f.key}
	if f.passEnv != "" {
		load.PasswordFunc = func() ([]byte, error) { return readSecret(f.passEnv) }
	}
	private, err := sign.LoadPrivateKey(load)
	if err != nil {
		return nil, err
	}
	signer, err := sign.NewSigner(private, sign.SignerConfig{KeyID: f.keyID})
	if err != nil {
		return nil, err
	}
	public, err := sign.LoadPublicKey(sign.LoadConfig{File: f.bankKey})
	if err != nil {
		return nil, err
	}
	ring, err := sign.NewKeyRing(sign.RingConfig{Now: d.now}, sign.RingKey{ID: f.bankKeyID, Key: public})
	if err != nil {
		return nil, err
	}
	return lanhai.New(lanhai.Config{
		Environment: environment, BaseURL: f.url, Merchant: merchant, Signer: signer, Bank: ring, Now: d.now,
	})
}
