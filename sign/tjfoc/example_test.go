package tjfoc_test

import (
	"context"
	"fmt"

	"github.com/bankrail/bankrail/sign"
	"github.com/bankrail/bankrail/sign/tjfoc"
)

// Signing with one engine and asking the other before the bytes leave.
func ExampleEngine() {
	key, err := sign.GenerateSM2()
	if err != nil {
		panic(err)
	}
	signer, err := sign.NewSigner(key, sign.SignerConfig{KeyID: "2026-01", Check: tjfoc.Engine{}, SM2Form: sign.SM2Raw})
	if err != nil {
		panic(err)
	}
	signature, err := signer.Sign(context.Background(), []byte("amount=1"))
	fmt.Println(signer.Algorithm(), len(signature), err)
	// Output: SM2-SM3 64 <nil>
}
