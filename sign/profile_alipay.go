package sign

func alipayProfiles() []Profile {
	const field, header = "sign", "alipay-signature"
	request := func() *Text { return &Text{Exclude: []string{"sign"}} }
	return []Profile{{
		Name: "alipay-v2-request", Use: ForRequest, Fields: request(), Body: BodyURLForm,
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceField, Carrier: field,
		Source: "gopay v1.5.123 alipay: empties skipped, sign_type signed, values before URL-encoding",
	}, {
		Name: "alipay-v2-request-rsa1", Use: ForRequest, Fields: request(), Body: BodyURLForm,
		Algorithm: LegacyRSASHA1, Encoding: Base64, Place: PlaceField, Carrier: field,
		Source: "gopay v1.5.123 alipay: sign_type RSA is SHA1withRSA",
	}, {
		Name: "alipay-v2-sm2", Use: ForRequest, Fields: request(), Body: BodyURLForm,
		Algorithm: SM2SM3, Encoding: Base64, Place: PlaceField, Carrier: field,
		Source: "Alipay's Java SDK, SM2Encryptor: user id 1234567812345678, the platform uses no other",
	}, {
		Name: "alipay-v2-callback", Use: ForCallback, Body: BodyURLForm,
		Fields:    &Text{Exclude: []string{"sign", "sign_type", "alipay_cert_sn"}},
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceField, Carrier: field,
		Source: "smartwalle/alipay v3.2.30 VerifySign: unlike requests, sign_type is not signed",
	}, {
		Name: "alipay-v2-response", Use: ForResponse, Raw: &Raw{Member: "*_response"},
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceField, Carrier: field,
		Source: "smartwalle/alipay v3.2.30 decode: the bytes of the xxx_response value; an answer without sign is never final",
	}, {
		Name: "alipay-v3-request", Use: ForRequest,
		Lines:     &Lines{Parts: []Line{LineAuth, LineMethod, LineTarget, LineBody, LineToken}},
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceHeader, Carrier: "authorization",
		Source: "gopay v1.5.123 alipay/v3 sign.go",
	}, {
		Name: "alipay-v3-response", Use: ForResponse,
		Lines:     &Lines{Parts: []Line{LineTimestamp, LineNonce, LineBody}},
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceHeader, Carrier: header,
		Source: "gopay v1.5.123 alipay/v3: the same three lines as WeChat v3's answers",
	}}
}
