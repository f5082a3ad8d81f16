package sign

// cardProfiles are those of card recycling, top-up and payment platforms that hash a
// secret into the text.
func cardProfiles() []Profile {
	raw := Affix{Secret: SecretRaw}
	values := func(suffix Affix, pair string, list ...string) *Text {
		return &Text{Order: ListOrder, List: list, Empty: KeepEmpty, ValuesOnly: true, Pair: pair, Suffix: suffix}
	}
	digest := func(name string, alg Algorithm, enc Encoding, carrier string, t *Text, source string) Profile {
		return Profile{Name: name, Use: ForRequest, Fields: t, Algorithm: alg, Encoding: enc, Place: PlaceField, Carrier: carrier, Source: source}
	}
	const yeepay = "YeePayCommon.php (nantmpeter/gamecenter, 2014): values in UTF-8 although the page is GBK; no separator, so a digit can move between neighbours"
	aixiaoka := values(Affix{Before: "&", Secret: SecretRaw}, "&",
		"customerId", "orderNo", "productCode", "face", "cardNo", "cardPassword", "notifyURL")
	aixiaoka.Empty = RejectEmpty
	lakala := digest("lakala", LegacySHA256, HexLower, "sign",
		values(Affix{}, "&", "partner_code", "time", "nonce_str", SecretPlace),
		"gopay v1.5.123 lakala: partner, time, nonce, credential; the body is not signed, so TLS alone protects it")
	lakala.Place = PlaceQuery
	shouqianba := Profile{
		Name: "shouqianba", Use: ForRequest, Raw: &Raw{Suffix: raw},
		Algorithm: LegacyMD5, Encoding: HexLower, Place: PlaceHeader, Carrier: "Authorization",
		Source: "WoSai's document: the raw body and the terminal key; the header holds the terminal's number and the digest",
	}
	list := []Profile{
		digest("saobei", LegacyMD5, HexLower, "key_sign",
			&Text{Exclude: []string{"key_sign"}, Suffix: Affix{Before: "&access_token=", Secret: SecretRaw}},
			"gopay v1.5.123 saobei; it verifies numbers written anew by fmt, this does not"),
		lakala, shouqianba,
		digest("aixiaoka", LegacyMD5, HexLower, "sign", aixiaoka,
			"docs.lq.aixiaoka.net: the clear card number and password are signed while the message carries their AES-ECB hex. Empty values are not spoken of, so they are refused"),
		digest("card-order-appid", LegacyMD5, HexLower, "sign", values(raw, NoSeparator, "orderNo", "appId"),
			"a card platform's page: md5(orderNo+APPID+APPKEY); case of the hex not confirmed"),
		digest("card-appkey-order", LegacyMD5, HexLower, "sign", values(Affix{}, NoSeparator, "app_key", SecretPlace, "order_num"),
			"a card platform's page: md5(app_key+app_secret+order_num); case of the hex not confirmed"),
		digest("pos-agent", LegacySHA1, HexLower, "sign", &Text{Exclude: []string{"sign"}, Suffix: Affix{Before: "&secret=", Secret: SecretRaw}},
			"a POS agent platform's gitbook page: the fields of the data object; empty values and case of the hex not confirmed"),
		digest("sm3-gateway", LegacySM3, HexUpper, "sign", &Text{Exclude: []string{"sign"}, Suffix: Affix{Before: "&key=", Secret: SecretRaw}},
			"xrtinfo's page; with MD5 in place of SM3 it is wechat-v2-md5"),
		digest("mf178", LegacyMD5, HexLower, "sign",
			&Text{Exclude: []string{"sign", "datas"}, Empty: KeepEmpty, Pair: NoSeparator, Assign: NoSeparator, Suffix: raw},
			"mf178.cn's document with a published vector: names and values run together, empty values too"),
		digest("juhe-order", LegacyMD5, HexLower, "sign", values(Affix{}, NoSeparator, "openid", SecretPlace, "phoneno", "cardnum", "orderid"),
			"a published client of op.juhe.cn: md5(openid+key+phoneno+cardnum+orderid); keep openid as secret as the key"),
		digest("juhe-callback", LegacyMD5, HexLower, "sign", values(Affix{}, NoSeparator, SecretPlace, "sporder_id", "orderid"),
			"a published client of op.juhe.cn: md5(appkey+sporder_id+orderid), the secret first: open to length extension, and sta and err_msg are not signed: query before believing either"),
		digest("yeepay-card-request", LegacyHMACMD5, HexLower, "hmac", values(Affix{}, NoSeparator,
			"p0_Cmd", "p1_MerId", "p2_Order", "p3_Amt", "p4_verifyAmt", "p5_Pid", "p6_Pcat", "p7_Pdesc", "p8_Url", "pa_MP",
			"pa7_cardAmt", "pa8_cardNo", "pa9_cardPwd", "pd_FrpId", "pr_NeedResponse", "pz_userId", "pz1_userRegTime"), yeepay),
		digest("yeepay-card-response", LegacyHMACMD5, HexLower, "hmac",
			values(Affix{}, NoSeparator, "r0_Cmd", "r1_Code", "r6_Order", "rq_ReturnMsg"), yeepay),
		digest("yeepay-card-callback", LegacyHMACMD5, HexLower, "hmac", values(Affix{}, NoSeparator,
			"r0_Cmd", "r1_Code", "p1_MerId", "p2_Order", "p3_Amt", "p4_FrpId", "p5_CardNo", "p6_confirmAmount",
			"p7_realAmount", "p8_cardStatus", "p9_MP", "pb_BalanceAmt", "pc_BalanceAct"), yeepay),
	}
	for i := range list {
		switch list[i].Name {
		case "yeepay-card-response":
			list[i].Use = ForResponse
		case "juhe-callback", "yeepay-card-callback":
			list[i].Use = ForCallback
		case "saobei", "sm3-gateway":
			list[i].Use = ForRequest | ForResponse | ForCallback
		}
	}
	return list
}
