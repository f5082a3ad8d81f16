package sign

func wechatProfiles() []Profile {
	request := &Lines{Parts: []Line{LineMethod, LineTarget, LineTimestamp, LineNonce, LineBody}}
	answer := &Lines{Parts: []Line{LineTimestamp, LineNonce, LineBody}}
	v2 := func() *Text {
		return &Text{Exclude: []string{"sign"}, Suffix: Affix{Before: "&key=", Secret: SecretRaw}}
	}
	front := func(list ...string) *Text {
		return &Text{Order: ListOrder, List: list, Empty: RejectEmpty, ValuesOnly: true, Pair: "\n", Trailing: true, Strict: true}
	}
	const source = "gopay v1.5.123 wechat, wechatpay-go 0.2.21 core/auth, wechatpay-java"
	return []Profile{{
		Name: "wechat-v2-md5", Use: ForRequest | ForResponse | ForCallback, Fields: v2(),
		Algorithm: LegacyMD5, Encoding: HexUpper, Place: PlaceField, Carrier: "sign",
		Source: "WeChat Pay v2's published worked example; gopay v1.5.123 wechat",
	}, {
		Name: "wechat-v2-hmac", Use: ForRequest | ForResponse | ForCallback, Fields: v2(),
		Algorithm: HMACSHA256, Encoding: HexUpper, Place: PlaceField, Carrier: "sign",
		Source: "WeChat Pay v2's published worked example: the key is the HMAC's and stands behind the text as well",
	}, {
		Name: "wechat-v3-request", Use: ForRequest, Lines: request,
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceHeader, Carrier: "Authorization", Source: source,
	}, {
		Name: "wechat-v3-response", Use: ForResponse, Lines: answer,
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceHeader, Carrier: "Wechatpay-Signature", Source: source,
	}, {
		Name: "wechat-v3-callback", Use: ForCallback, Lines: answer,
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceHeader, Carrier: "Wechatpay-Signature", Source: source,
	}, {
		Name: "wechat-v3-jsapi", Use: ForRequest, Fields: front("appId", "timeStamp", "nonceStr", "package"),
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceField, Carrier: "paySign",
		Source: "wechatpay-skills, the front-end parameters: package is \"prepay_id=…\"",
	}, {
		Name: "wechat-v3-app", Use: ForRequest, Fields: front("appid", "timestamp", "noncestr", "prepayid"),
		Algorithm: RSASHA256, Encoding: Base64, Place: PlaceField, Carrier: "sign",
		Source: "wechatpay-skills, the front-end parameters: the bare prepayid, not package",
	}, {
		Name: "wechat-v3-sm2-request", Use: ForRequest, Lines: request,
		Algorithm: SM2SM3, Encoding: Base64, Place: PlaceHeader, Carrier: "Authorization",
		Source: "wechatpay-java shangmi and its guide (WECHATPAY2-SM2-WITH-SM3); that the id is the default one is the guide's word, not seen in its code",
	}, {
		Name: "wechat-v3-sm2-answer", Use: ForResponse | ForCallback, Lines: answer,
		Algorithm: SM2SM3, Encoding: Base64, Place: PlaceHeader, Carrier: "Wechatpay-Signature",
		Source: "wechatpay-java shangmi and its guide; the id as for requests",
	}}
}
