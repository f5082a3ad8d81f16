package sign

import "strings"

// cmbProfiles are those of China Merchants Bank (招行). Its answers hold members that
// the document does not list: they are signed, so all received have to go in.
func cmbProfiles() []Profile {
	body := func() *Text { return &Text{Exclude: []string{"sign"}, Empty: KeepEmpty} }
	header := func() *Text {
		return &Text{Order: ListOrder, List: []string{"appid", SecretPlace + "secret", "sign", "timestamp"}, Empty: RejectEmpty}
	}
	direct := func() *Raw {
		return &Raw{Sorted: true, Replace: "signature.sigdat", Placeholder: `"__signature_sigdat__"`}
	}
	const (
		gopay = "gopay v1.5.123 cmbpay, from document V3.4.1: empty values take part"
		both  = ForRequest | ForResponse
	)
	return []Profile{{
		Name: "cmb-polypay", Use: both, Fields: body(), Body: BodyJSON, JSON: JSONRule{Nested: RawNested},
		Algorithm: SM2SM3, Encoding: Base64, Place: PlaceField, Carrier: "sign", Source: gopay,
	}, {
		Name: "cmb-polypay-callback", Use: ForCallback, Fields: body(), Body: BodyURLForm,
		Algorithm: SM2SM3, Encoding: Base64, Place: PlaceField, Carrier: "sign", Source: gopay + "; form fields after one decoding",
	}, {
		Name: "cmb-polypay-apisign", Use: ForRequest, Fields: header(),
		Algorithm: LegacyMD5, Encoding: HexLower, Place: PlaceHeader, Carrier: "apisign",
		Source: "gopay v1.5.123 cmbpay crypto.go headerSign, beside the body's own signature",
	}, {
		Name: "cmb-bill", Use: ForRequest, Raw: &Raw{},
		Algorithm: SM2SM3, Encoding: Base64, Place: PlaceHeader, Carrier: "sign",
		Source: "gopay v1.5.123 cmbpay bill_check.go; its answers are not verified there",
	}, {
		Name: "cmb-bill-apisign", Use: ForRequest, Fields: header(),
		Algorithm: SM2SM3, Encoding: HexLower, SM2Form: SM2Raw, Place: PlaceHeader, Carrier: "apisign",
		Source: "gopay v1.5.123 cmbpay bill_check.go: hex of r‖s, unlike everything else of this bank",
	}, {
		Name: "cmb-direct", Use: both, Raw: direct(),
		Algorithm: SM2SM3, Encoding: Base64, SM2Form: SM2Raw, Place: PlaceField, Carrier: "signature.sigdat",
		Source: "go-cmb, the lakego example and a docs excerpt; the SM2 id is CMBDirectID of the user; go-cmb also removes blanks inside values, which this does not",
	}, {
		Name: "cmb-direct-rsa", Use: both, Raw: direct(),
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceField, Carrier: "signature.sigdat",
		Source: "the older form of cmb-direct, from the same places",
	}}
}

// CMBDirectID is the SM2 id of a user of China Merchants Bank's direct interface
// (招行云直连): the user's number filled up with zeros, or cut, to 16 bytes. Set it
// as SM2ID of the signer, and of the ring's keys.
func CMBDirectID(userID string) string { return (userID + strings.Repeat("0", 16))[:16] }
