package sign

// UnionPay's signMethod 01 carries the certificate to verify with (signPubKeyCert)
// in the message: chain, validity and its CN 中国银联股份有限公司 have to be checked
// against what was configured, or anyone can sign.
//
// Sources disagree about empty values: the code read keeps them ("k="), other code
// and notes skip them or URL-encode the values. Ask the merchant's SDK; a host that
// needs another rule copies the profile and changes Fields.Empty.
func unionpayProfiles() []Profile {
	text := func(tail SecretForm) *Text {
		t := &Text{Exclude: []string{"signature"}, Empty: KeepEmpty}
		if tail != NoSecret {
			t.Suffix = Affix{Before: "&", Secret: tail}
		}
		return t
	}
	const (
		use    = ForRequest | ForResponse | ForCallback
		source = "Essensoft.Paylink UnionPay; sources disagree whether empty values are kept, skipped or URL-encoded"
	)
	return []Profile{{
		Name: "unionpay-01", Use: use, Fields: text(NoSecret), Body: BodyURLForm,
		PreDigest: PreDigest{Hash: HashSHA256, Form: DigestHex},
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceField, Carrier: "signature", Source: source,
	}, {
		Name: "unionpay-11", Use: use, Fields: text(SecretSHA256Hex), Body: BodyURLForm,
		Algorithm: LegacySHA256, Encoding: HexLower, Place: PlaceField, Carrier: "signature", Source: source,
	}, {
		Name: "unionpay-12", Use: use, Fields: text(SecretSM3Hex), Body: BodyURLForm,
		Algorithm: LegacySM3, Encoding: HexLower, Place: PlaceField, Carrier: "signature", Source: source,
	}}
}
