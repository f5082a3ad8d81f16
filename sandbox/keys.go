package sandbox

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/bankrail/bankrail/sign"
)

// Keys are what a merchant gets from the bank, and, because this is a sandbox, the
// merchant's own private key. All are test keys, marked "sandbox".
type Keys struct {
	Merchant           string         `json:"merchant"`
	Algorithm          sign.Algorithm `json:"algorithm"`
	BankKeyID          string         `json:"bankKeyId"`
	BankPublicPEM      string         `json:"bankPublicPem"`
	MerchantKeyID      string         `json:"merchantKeyId"`
	MerchantPrivatePEM string         `json:"merchantPrivatePem"`
}

// Signer signs as the merchant, for the client under test.
func (k Keys) Signer() (sign.Signer, error) {
	key, err := sign.ParsePrivateKey([]byte(k.MerchantPrivatePEM))
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return sign.NewSigner(key, sign.SignerConfig{KeyID: k.MerchantKeyID})
}

// Verifier verifies what the bank signed, for the client under test.
func (k Keys) Verifier() (*sign.KeyRing, error) {
	key, err := sign.ParsePublicKey([]byte(k.BankPublicPEM))
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: k.BankKeyID, Key: key})
}

// Keys returns the keys of this start, or of the first start over a ledger file.
func (b *Bank) Keys() Keys { return b.keys.told }

// keys are the bank's view of them.
type keys struct {
	told     Keys
	bankPEM  []byte
	bank     sign.Signer
	stranger sign.Signer // a key nobody knows
	forger   sign.Signer // the same, under the bank's key id
	merchant *sign.KeyRing
}

type savedKeys struct {
	Merchant      string
	Algorithm     sign.Algorithm
	BankKeyID     string
	BankPEM       string
	MerchantKeyID string
	MerchantPEM   string
}

func (k keys) saved() *savedKeys {
	return &savedKeys{
		Merchant: k.told.Merchant, Algorithm: k.told.Algorithm, BankKeyID: k.told.BankKeyID, BankPEM: string(k.bankPEM),
		MerchantKeyID: k.told.MerchantKeyID, MerchantPEM: k.told.MerchantPrivatePEM,
	}
}

func generate(alg sign.Algorithm) (*sign.PrivateKey, error) {
	var key *sign.PrivateKey
	var err error
	switch alg {
	case sign.SM2SM3:
		key, err = sign.GenerateSM2()
	case sign.RSASHA256:
		key, err = sign.GenerateRSA(2048)
	default:
		return nil, fmt.Errorf("sandbox: no algorithm %q", alg)
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return key.WithEnvironment("sandbox"), nil
}

// openKeys makes new keys, or restores the saved ones.
func openKeys(opts Options, saved *savedKeys) (keys, error) {
	alg := opts.Algorithm
	if alg == "" {
		if alg = sign.SM2SM3; saved != nil {
			alg = saved.Algorithm
		}
	}
	if saved != nil && (saved.Algorithm != alg || saved.Merchant != opts.Merchant) {
		return keys{}, fmt.Errorf("sandbox: the ledger file is for merchant %s with %s, not %s with %s",
			saved.Merchant, saved.Algorithm, opts.Merchant, alg)
	}
	bank, merchant, err := pair(alg, saved)
	if err != nil {
		return keys{}, err
	}
	stranger, err := generate(alg)
	if err != nil {
		return keys{}, err
	}
	if saved == nil {
		if saved, err = name(opts.Merchant, bank, merchant); err != nil {
			return keys{}, err
		}
	}
	return assemble(saved, bank, merchant, stranger)
}

func pair(alg sign.Algorithm, saved *savedKeys) (bank, merchant *sign.PrivateKey, err error) {
	if saved == nil {
		if bank, err = generate(alg); err == nil {
			merchant, err = generate(alg)
		}
		return bank, merchant, err
	}
	if bank, err = sign.ParsePrivateKey([]byte(saved.BankPEM)); err == nil {
		merchant, err = sign.ParsePrivateKey([]byte(saved.MerchantPEM))
	}
	if err != nil {
		err = fmt.Errorf("sandbox: keys in the ledger file: %w", err)
	}
	return bank, merchant, err
}

// name gives new keys their ids, which derive from the keys.
func name(merchantID string, bank, merchant *sign.PrivateKey) (*savedKeys, error) {
	bankPEM, err := bank.PEM()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	merchantPEM, err := merchant.PEM()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return &savedKeys{
		Merchant: merchantID, Algorithm: bank.Algorithm(),
		BankKeyID: "sandbox-bank-" + token(8, 0, "key", string(bankPEM), 0), BankPEM: string(bankPEM),
		MerchantKeyID: "sandbox-merchant-" + token(8, 0, "key", string(merchantPEM), 0), MerchantPEM: string(merchantPEM),
	}, nil
}

func assemble(s *savedKeys, bank, merchant, stranger *sign.PrivateKey) (keys, error) {
	public, err := bank.Public().PEM()
	if err != nil {
		return keys{}, fmt.Errorf("sandbox: %w", err)
	}
	k := keys{bankPEM: []byte(s.BankPEM), told: Keys{
		Merchant: s.Merchant, Algorithm: s.Algorithm, BankKeyID: s.BankKeyID, BankPublicPEM: string(public),
		MerchantKeyID: s.MerchantKeyID, MerchantPrivatePEM: s.MerchantPEM,
	}}
	strangerID := "sandbox-stranger-" + token(8, 0, "stranger", s.BankKeyID, 0)
	for _, w := range []struct {
		signer *sign.Signer
		key    *sign.PrivateKey
		id     string
	}{{&k.bank, bank, s.BankKeyID}, {&k.stranger, stranger, strangerID}, {&k.forger, stranger, s.BankKeyID}} {
		if *w.signer, err = sign.NewSigner(w.key, sign.SignerConfig{KeyID: w.id}); err != nil {
			return keys{}, fmt.Errorf("sandbox: %w", err)
		}
	}
	k.merchant, err = sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: s.MerchantKeyID, Key: merchant.Public()})
	if err != nil {
		return keys{}, fmt.Errorf("sandbox: %w", err)
	}
	return k, nil
}

// signature is the Sign header over a text.
func signature(s sign.Signer, text string) string {
	sig, err := s.Sign(context.Background(), []byte(text)) // keys in memory: nothing to wait for
	if err != nil {
		return "" // an unsigned message, which no client may believe
	}
	return base64.StdEncoding.EncodeToString(sig)
}
