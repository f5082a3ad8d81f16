package sign_test

import (
	"context"
	"fmt"

	"github.com/bankrail/bankrail/sign"
)

// 微信支付 v2 with HMAC-SHA256: the secret is the key, and stands at the end of the
// text as well. Secret and text are those of its published example.
func ExampleNewMAC() {
	mac, err := sign.NewMAC(sign.MACConfig{
		Algorithm: sign.HMACSHA256,
		Secret:    []byte("192006250b4c09247ec02edce69f6a2d"),
	})
	if err != nil {
		panic(err)
	}
	text := []byte("appid=wxd930ea5d5a258f4f&body=test&device_info=1000&mch_id=10000100" +
		"&nonce_str=ibuaiVcKdpRxkhJA&key=192006250b4c09247ec02edce69f6a2d")
	signature, err := mac.Sign(context.Background(), text)
	if err != nil {
		panic(err)
	}
	fmt.Println(sign.HexUpper.Encode(signature))

	received, err := sign.HexUpper.Decode("6a9ae1657590fd6257d693a078e1c3e4bb6ba4dc30b23e0ee2496e54170dacd6")
	fmt.Println(err, mac.Verify(context.Background(), text, received, ""))
	fmt.Println(mac)
	// Output:
	// 6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6
	// <nil> <nil>
	// [secret]
}
