package envelope_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/envelope"
)

// A WeChat v3 callback: its signature is verified first, over the body as received.
func ExampleNewWeChatAES() {
	box, err := envelope.NewWeChatAES([]byte("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"))
	if err != nil {
		fmt.Println(err)
		return
	}
	var notice struct {
		Resource envelope.Resource `json:"resource"`
	}
	body := `{"id":"EV-2018","resource":{"algorithm":"AEAD_AES_256_GCM","associated_data":"associatedData","nonce":"uluk4a9R25RW","ciphertext":"ulwSiIajGClcvcOYvOQ7+l+0PAbzzwI="}}`
	if err := json.Unmarshal([]byte(body), &notice); err != nil {
		fmt.Println(err)
		return
	}
	plaintext, err := box.OpenResource(notice.Resource)
	fmt.Println(string(plaintext), err)

	notice.Resource.AssociatedData = "certificate"
	_, err = box.OpenResource(notice.Resource)
	fmt.Println(err, errors.Is(err, envelope.ErrOpen))
	// Output:
	// message <nil>
	// envelope: does not open true
}

// A card number under the bank's key, and what the bank does with it.
func ExampleNewSealer() {
	bank, err := sign.GenerateSM2()
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := envelope.KeyConfig{Scheme: envelope.SM2C1C3C2}
	sealer, err := envelope.NewSealer(bank.Public(), cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	field, err := sealer.Seal([]byte("6222021234567890123"))
	fmt.Println(len(field), err)

	opener, err := envelope.NewOpener(bank, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	plaintext, err := opener.Open(field)
	fmt.Println(string(plaintext), err)
	// Output:
	// 116 <nil>
	// 6222021234567890123 <nil>
}

// The whole text of a China Merchants Bank direct request.
func ExampleCBC_Seal() {
	box, err := envelope.NewSM4CBC([]byte("VuAzSWQhsoNqzn0K"))
	if err != nil {
		fmt.Println(err)
		return
	}
	iv, err := envelope.CMBVector("N002432864")
	if err != nil {
		fmt.Println(err)
		return
	}
	sealed, err := box.Seal(iv, []byte(`{"request":{}}`))
	fmt.Println(envelope.EncodeBase64(sealed), err)
	// Output:
	// /Q+hHSba/6Mivd3DJ8Gfyw== <nil>
}

// The req_info of a WeChat v2 refund notification.
func ExampleNewLegacyWeChatRefund() {
	box, err := envelope.NewLegacyWeChatRefund([]byte("ziR0QKsTUfMOuochC9RfCdmfHECorQAP"))
	if err != nil {
		fmt.Println(err)
		return
	}
	sealed, err := envelope.DecodeBase64("okogpJpTFYCSK1a62gqFpPmK0NHe9Qg+O7BuDQ6mBhNPM55qmRzk6skc2tsnd5yU")
	if err != nil {
		fmt.Println(err)
		return
	}
	plaintext, err := box.Open(sealed)
	fmt.Println(string(plaintext), err)
	// Output:
	// <root><refund_fee>6</refund_fee></root> <nil>
}
