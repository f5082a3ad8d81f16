package sign

// bankProfiles are those of banks, depositories and acquirers.
func bankProfiles() []Profile {
	const both, all = ForRequest | ForResponse, ForRequest | ForResponse | ForCallback
	sign := []string{"sign"}
	list := []Profile{{
		Name: "lanhai-rsa", Use: all, Fields: &Text{}, Body: BodyJSON,
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceHeader, Carrier: "Sign",
		Source: "the bank refund brief made exact: strings and integers only, with merchantId, timestamp and nonce from the headers as fields",
	}, {
		Name: "lanhai-sm2", Use: all, Fields: &Text{}, Body: BodyJSON,
		Algorithm: SM2SM3, Encoding: Base64, Place: PlaceHeader, Carrier: "Sign",
		Source: "the bank refund brief made exact, as lanhai-rsa",
	}, {
		Name: "lanmao", Use: both, Raw: &Raw{},
		Algorithm: LegacyRSASHA1, Encoding: Base64, Place: PlaceField, Carrier: "sign",
		Source: "Lanmao's demo and two client programs: the reqData text; answers carry header sign over the raw body. serviceName, platformNo and keySerial are not signed: never route by them. The demo skips the check when code is not 0, which makes a refusal anybody's word",
	}, {
		Name: "wanxin-request", Use: ForRequest | ForCallback, Raw: &Raw{},
		Algorithm: LegacyRSASHA1, Encoding: Base64, Place: PlaceQuery, Carrier: "signature",
		Source: "mikuhuyo/wanxin-depository and wanxin-p2p: the plain JSON is signed, its Base64 is sent",
	}, {
		Name: "wanxin-response", Use: ForResponse, Raw: &Raw{Member: "respData"},
		Algorithm: LegacyRSASHA1, Encoding: Base64, Place: PlaceField, Carrier: "signature",
		Source: "mikuhuyo/wanxin-depository SignResponseAdvice; its clients verify after writing the JSON anew, which breaks on member order",
	}, {
		Name: "jixin", Use: both, Body: BodyJSON, JSON: JSONRule{Null: EmptyNull},
		Fields:   &Text{Exclude: sign, ValuesOnly: true, Pair: NoSeparator},
		Encoding: Base64, Place: PlaceField, Carrier: "sign",
		Source: "credit2go client code (JixinManager): values only, null as nothing; RSA, but which digest is not confirmed, so Algorithm is empty. Answers carry line breaks inside sign: strip them before decoding",
	}, {
		Name: "allinpay", Use: all, Fields: &Text{Exclude: sign}, Body: BodyURLForm,
		Algorithm: LegacyRSASHA1, Encoding: Base64, Place: PlaceField, Carrier: "sign",
		Source: "gopay v1.5.123 allinpay; it verifies numbers written anew by fmt, this does not",
	}, {
		Name: "fuiou", Use: all, Fields: &Text{Exclude: []string{"signature"}, Empty: KeepEmpty, Charset: GBK},
		Algorithm: LegacyRSAMD5, Legacy1024: true, Encoding: Base64, Place: PlaceField, Carrier: "signature",
		Source: "Fuiou's document page: keys of 1024 bits, text in GBK; lists are not signed, leave them out of the fields",
	}, {
		Name: "douyin-request", Use: ForRequest,
		Lines:     &Lines{Parts: []Line{LineMethod, LineTarget, LineTimestamp, LineNonce, LineBody}},
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceHeader, Carrier: "Authorization",
		Source: "gopay v1.5.123 douyin: as WeChat v3 with its own scheme",
	}, {
		Name: "douyin-answer", Use: ForResponse | ForCallback,
		Lines:     &Lines{Parts: []Line{LineTimestamp, LineNonce, LineBody}},
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceHeader, Carrier: "Douyinpay-Signature",
		Source: "gopay v1.5.123 douyin: as WeChat v3",
	}, {
		Name: "json-header-rsa", Use: ForRequest, Raw: &Raw{}, PreDigest: PreDigest{Hash: HashMD5, Form: DigestHex},
		Encoding: Base64, Place: PlaceHeader, Carrier: "Signature-Data",
		Source: "an apifox page: Base64(RSA(MD5 hex of the whole JSON)); it names no digest or padding of the RSA step, so Algorithm is empty",
	}}
	for _, a := range []struct {
		name string
		alg  Algorithm
	}{{"md5", LegacyMD5}, {"sha1", LegacySHA1}, {"sha256", LegacySHA256}, {"sha512", LegacySHA512}} {
		list = append(list, Profile{
			Name: "shrbank-" + a.name, Use: ForRequest,
			Fields: &Text{
				Order: ListOrder, List: []string{"reqData", "sequenceID"}, Empty: RejectEmpty,
				ValuesOnly: true, Pair: NoSeparator, Suffix: Affix{Secret: SecretRaw},
			},
			Algorithm: a.alg, Encoding: HexLower, Place: PlaceField, Carrier: "sign",
			Source: "shrbank's document (华瑞): the reqData text as sent, sequenceID, secret; case of the hex not confirmed",
		})
	}
	return list
}
