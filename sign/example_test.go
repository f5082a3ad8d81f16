package sign_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/bankrail/bankrail/sign"
)

// The text of the brief's refund: the body's members and the three headers that
// make a replay detectable; empty members and the signature are left out.
func Example() {
	body := []byte(`{"merchantRefundNo":"R202611210001","originalTradeNo":"T202611200042",` +
		`"refundAmount":"1250","currency":"CNY","reason":"商品缺货","notifyUrl":""}`)
	fields, err := sign.JSONFields(nil, body)
	if err != nil {
		log.Fatal(err)
	}
	fields = append(fields,
		sign.Field{Name: "merchantId", Value: "M1001"},
		sign.Field{Name: "timestamp", Value: "1795262400"},
		sign.Field{Name: "nonce", Value: "5K8264ILTKCH16CQ"})
	text, err := sign.Text{Exclude: []string{"sign"}}.Append(nil, fields)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
	// Output:
	// currency=CNY&merchantId=M1001&merchantRefundNo=R202611210001&nonce=5K8264ILTKCH16CQ&originalTradeNo=T202611200042&reason=商品缺货&refundAmount=1250&timestamp=1795262400
}

func ExampleNewSigner() {
	key, err := sign.GenerateSM2() // or PrivateKeyFile("merchant.pem")
	if err != nil {
		log.Fatal(err)
	}
	signer, err := sign.NewSigner(key, sign.SignerConfig{KeyID: "2026-01"})
	if err != nil {
		log.Fatal(err)
	}
	signature, err := signer.Sign(context.Background(), []byte("amount=1250&order=T1"))
	if err != nil {
		log.Fatal(err)
	}
	header := sign.EncodeBase64(signature)
	fmt.Println(signer.Algorithm(), signer.KeyID(), len(header) > 90, key)
	// Output:
	// SM2-SM3 2026-01 true [private key]
}

func ExampleKeyRing_Verify() {
	key, err := sign.GenerateRSA(2048) // the bank's; a host has only its certificate
	if err != nil {
		log.Fatal(err)
	}
	signer, err := sign.NewSigner(key, sign.SignerConfig{KeyID: "bank-7"})
	if err != nil {
		log.Fatal(err)
	}
	ring, err := sign.NewKeyRing(sign.RingConfig{}, sign.RingKey{ID: "bank-7", Key: key.Public()})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	signature, err := signer.Sign(ctx, []byte("amount=1250"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ring.Verify(ctx, []byte("amount=1250"), signature, "bank-7"))
	err = ring.Verify(ctx, []byte("amount=9250"), signature, "bank-7")
	fmt.Println(errors.Is(err, sign.ErrSignature), err)
	err = ring.Verify(ctx, []byte("amount=1250"), signature, "bank-8")
	fmt.Println(errors.Is(err, sign.ErrSignature), err)
	// Output:
	// <nil>
	// true sign: signature: does not match this text under this key, key "bank-7", text sha256 790d95d564077769802c4b78c88d8bf8e151c00473c8e3735d123e62bc82e13e
	// true sign: serial: unknown key, key "bank-8", text sha256 8c23238625c1b2330b1bd27225a6f4622f76c1ce8d7034e89f7686ad57462744
}

func ExampleJSONFields() {
	_, err := sign.JSONFields(nil, []byte(`{"amount":"1","AMOUNT":"9999"}`))
	fmt.Println(err)
	_, err = sign.JSONFields(nil, []byte(`{"amount":12.50}`))
	fmt.Println(err)
	// Output:
	// sign: body: "AMOUNT": member differs only in case from "amount"
	// sign: body: "amount": number is not a plain integer
}
