package sim

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/bankrail/bankrail"
	"github.com/bankrail/bankrail/journal"
	"github.com/bankrail/bankrail/refund"
)

// vault is an operation whose requests hold a secret, which nobody may see but the
// wire. In every other respect it is a refund.
type vault struct {
	w    *world
	book *journal.Book
}

var _ journal.Driver = vault{}

// canary is the secret. Wherever it is found, it should not be.
const canary = "canary-6222-0000-1111"

// recorded is the vault's stored request.
type recorded struct {
	Number, Order string
	Amount        bankrail.Money
}

func (v vault) Op() bankrail.Op           { return bankrail.OpRefund }
func (v vault) Channel() bankrail.Channel { return channel() }

func (v vault) Rules(context.Context, bankrail.Channel) (journal.Rules, error) {
	return v.w.plan.rules, nil
}

func (v vault) Send(ctx context.Context, e journal.Entry, secrets []byte) (journal.Answer, error) {
	if string(secrets) != canary {
		v.w.audit.violate("I10", e.Number, "the secret did not survive being stored")
	}
	r, err := v.request(e)
	if err != nil {
		return journal.Answer{}, err
	}
	receipt, err := (&gateway{w: v.w}).Refund(ctx, r)
	return journal.Answer{Receipt: receipt}, err
}

func (v vault) Query(ctx context.Context, e journal.Entry) (bankrail.Receipt, error) {
	r, err := v.request(e)
	if err != nil {
		return bankrail.Receipt{}, err
	}
	return (&gateway{w: v.w}).QueryRefund(ctx, r)
}

func (v vault) request(e journal.Entry) (refund.Request, error) {
	var r recorded
	err := json.Unmarshal(e.Data, &r)
	return refund.Request{Number: r.Number, Order: r.Order, Amount: r.Amount}, err
}

// create is what refund.Service.Create is to a refund.
func (v vault) create(ctx context.Context, r refund.Request) (bankrail.Status, bool, error) {
	content := journal.NewFingerprint(r.Order, r.Amount.String())
	e, err := v.book.Create(ctx, idOf(r.Number), content, v, func(context.Context) (journal.Draft, error) {
		data, err := json.Marshal(recorded{r.Number, r.Order, r.Amount})
		return journal.Draft{
			Order: r.Order, Amount: r.Amount, Data: data, Secrets: []byte(canary),
			Hold:       journal.Hold{Limit: bankrail.CNY(v.w.plan.paid)},
			SendWithin: v.w.plan.sendWithin, Queue: v.w.plan.queue,
		}, err
	})
	return e.Status, e.Unconfirmed, err
}

// sealer encrypts with AES-GCM.
type sealer struct{ aead cipher.AEAD }

func newSealer() (sealer, error) {
	block, err := aes.NewCipher([]byte("0123456789abcdef"))
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCM(block)
	return sealer{aead}, err
}

func (s sealer) Seal(plain, aad []byte) ([]byte, error) {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return s.aead.Seal(nonce, nonce, plain, aad), nil
}

func (s sealer) Open(sealed, aad []byte) ([]byte, error) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return nil, fmt.Errorf("sim: %d bytes are no sealed secret", len(sealed))
	}
	return s.aead.Open(nil, sealed[:n], sealed[n:], aad)
}

// leak looks for the secret in what was written somewhere.
func (a *auditor) leak(number, where string, written ...any) {
	for _, v := range written {
		if strings.Contains(fmt.Sprintf("%s %+v", v, v), canary) {
			a.violate("I10", number, "the secret is in %s", where)
		}
	}
}

// secrets judges I10 of everything the journal keeps.
func (a *auditor) secrets() {
	for _, e := range a.entries() {
		a.leak(e.Number, "a row", e, e.Data, e.Reply, e.Sealed, e.Message)
		steps, _ := a.w.store.Store.History(background(), e.ID)
		a.leak(e.Number, "the history", steps)
	}
	anomalies, _, _ := a.w.store.Store.Anomalies(background(), "", 1000)
	a.leak("", "an anomaly", anomalies)
	a.leak("", "an event", a.events)
	for number, l := range a.numbers {
		for _, t := range l.answers {
			a.leak(number, "an error", fmt.Sprint(t.err))
		}
	}
}
